//! Finds something in the first file only.

use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_sdk::prelude::*;

static IS_SAID: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
pub struct Once;

impl Rule for Once {
    const NAME: &'static str = "once";
    const SUMMARY: &'static str = "Says something once";

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages() {
            if !IS_SAID.swap(true, Ordering::Relaxed) {
                report.add(stage.base_span(), "Said once");
            }
        }
    }
}
