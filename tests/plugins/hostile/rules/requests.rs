//! Plans 20,000 requests.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Requests;

impl Rule for Requests {
    const NAME: &'static str = "requests";
    const SUMMARY: &'static str = "Plans 20,000 requests.";

    fn plan(&self, document: &Document, plan: &Plan) {
        if is_asked_for(document, Self::NAME) {
            for number in 0..20_000 {
                registry::plan_image(
                    &plan.about(Scope::File),
                    &format!("registry.invalid/image:{number}"),
                    "linux/amd64",
                )
                .expect("the reference is valid");
            }
        }
    }
}
