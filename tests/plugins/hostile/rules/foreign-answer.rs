//! Reads the answer to a request that is not its own.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct ForeignAnswer;

impl Rule for ForeignAnswer {
    const NAME: &'static str = "foreign-answer";
    const SUMMARY: &'static str = "Reads the answer to a request that is not its own.";

    fn plan(&self, document: &Document, plan: &Plan) {
        if is_asked_for(document, Self::NAME) {
            let base = document.stage(0).base_text();
            registry::plan_image(&plan.about(Scope::File), base, "linux/amd64").expect("the base is an image");
            registry::plan_image(&plan.about(Scope::File), base, "linux/amd64").expect("the base is an image");
        }
    }

    fn on_success(&self, answered: &Answered, _document: &Document, report: &mut Report) -> Outcome {
        // The two requests are numbered 1 and 2.
        let other = Answered { id: 3 - answered.id, ..answered.clone() };
        report.add(Span { start: 0, end: 0 }, registry::Image::of(&other).user());
        Outcome::Add
    }
}
