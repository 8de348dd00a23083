//! Finds something in every second file it is asked about, whatever they hold.

use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

/// What no rule should have: a memory.
static IS_SECOND: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
pub struct Remembers;

impl Rule for Remembers {
    const NAME: &'static str = "remembers";
    const SUMMARY: &'static str = "Finds something in every second file.";

    fn check(&self, document: &Document, report: &mut Report) {
        if is_asked_for(document, Self::NAME) && IS_SECOND.fetch_xor(true, Ordering::Relaxed) {
            report.add(Span { start: 0, end: 0 }, "this is the second file");
        }
    }
}
