//! Finds 20,000 things.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Flood;

impl Rule for Flood {
    const NAME: &'static str = "flood";
    const SUMMARY: &'static str = "Finds 20,000 things.";

    fn check(&self, document: &Document, report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            for number in 0..20_000 {
                report.add(Span { start: 0, end: 0 }, format!("finding {number}"));
            }
        }
    }
}
