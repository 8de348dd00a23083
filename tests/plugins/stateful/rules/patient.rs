//! Is silent until it has seen many files.

use std::sync::atomic::{AtomicU32, Ordering};

use plimsoll_sdk::prelude::*;

/// More than its page has cases, and fewer than a long run has files.
const PATIENCE: u32 = 20;

static FILES: AtomicU32 = AtomicU32::new(0);

#[derive(Default)]
pub struct Patient;

impl Rule for Patient {
    const NAME: &'static str = "patient";
    const SUMMARY: &'static str = "Loses its patience after some files";

    fn check(&self, document: &Document, report: &mut Report) {
        if FILES.fetch_add(1, Ordering::Relaxed) >= PATIENCE {
            for stage in document.stages() {
                report.add(stage.base_span(), "Enough");
            }
        }
    }
}
