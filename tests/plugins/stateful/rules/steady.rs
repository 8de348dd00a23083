//! Finds the same whatever was before.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct Steady;

impl Rule for Steady {
    const NAME: &'static str = "steady";
    const SUMMARY: &'static str = "Finds every stage";

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages() {
            report.add(stage.base_span(), "A stage");
        }
    }
}
