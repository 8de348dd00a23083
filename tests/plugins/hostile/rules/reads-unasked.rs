//! Reads the answer to a question that it did not ask.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct ReadsUnasked;

impl Rule for ReadsUnasked {
    const NAME: &'static str = "reads-unasked";
    const SUMMARY: &'static str = "Reads the answer to a question that it did not ask.";

    fn check(&self, document: &Document, report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            let nothing = Answered { id: 0, rule: 0, scope: Scope::File, state: Vec::new() };
            report.add(Span { start: 0, end: 0 }, registry::Image::of(&nothing).user());
        }
    }
}
