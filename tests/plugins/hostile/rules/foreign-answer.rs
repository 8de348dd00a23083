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
            registry::plan_image(&plan.about(Scope::File), "alpine:3.21", "linux/amd64");
        }
    }

    fn on_success(&self, answered: &Answered, _document: &Document, report: &mut Report) -> Outcome {
        let other = Answered { id: answered.id + 1, ..answered.clone() };
        report.add(Span { start: 0, end: 0 }, registry::Image::of(&other).user());
        Outcome::Add
    }
}
