//! Plans a request where none may be planned.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct PlansInCheck;

impl Rule for PlansInCheck {
    const NAME: &'static str = "plans-in-check";
    const SUMMARY: &'static str = "Plans a request where none may be planned.";

    fn check(&self, document: &Document, _report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            registry::plan_image(&Plan::new(0).about(Scope::File), "alpine:3.21", "linux/amd64").ok();
        }
    }
}
