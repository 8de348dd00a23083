//! Asks for the first image only.

use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_sdk::prelude::*;

static IS_ASKED: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
pub struct AsksOnce;

impl Rule for AsksOnce {
    const NAME: &'static str = "asks-once";
    const SUMMARY: &'static str = "Asks once, and finds nothing";

    fn plan(&self, document: &Document, plan: &Plan) {
        for image in document.images() {
            if !IS_ASKED.swap(true, Ordering::Relaxed) {
                let request = plan.about(Scope::File);
                registry::plan_tags(&request, image.reference()).expect("an image has a repository");
            }
        }
    }

    fn on_success(&self, _: &Answered, _: &Document, _: &mut Report) -> Outcome {
        Outcome::Keep
    }
}
