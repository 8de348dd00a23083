//! Points behind the end of the file.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Outside;

impl Rule for Outside {
    const NAME: &'static str = "outside";
    const SUMMARY: &'static str = "Points behind the end of the file.";

    fn check(&self, document: &Document, report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            let end = u32::try_from(document.source().len()).unwrap_or(u32::MAX - 1) + 1;
            report.add(Span { start: 0, end }, "behind the end");
        }
    }
}
