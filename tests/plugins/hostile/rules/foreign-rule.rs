//! Speaks for a rule that the plugin does not have.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct ForeignRule;

impl Rule for ForeignRule {
    const NAME: &'static str = "foreign-rule";
    const SUMMARY: &'static str = "Speaks for a rule that the plugin does not have.";

    fn check(&self, document: &Document, report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            report.add(Span { start: 0, end: 0 }, "not mine").rule = 99;
        }
    }
}
