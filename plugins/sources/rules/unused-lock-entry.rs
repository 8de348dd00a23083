//! Entries of the lock that nothing refers to any more.

use plimsoll_sdk::prelude::*;

use crate::image::familiar;

#[derive(Default)]
pub struct UnusedLockEntry;

impl Rule for UnusedLockEntry {
    const NAME: &'static str = "unused-lock-entry";
    const SUMMARY: &'static str = "Entries of the lock should be of something that files refer to";
    const SEVERITY: Severity = Severity::Info;
    const ABOUT: About = About::Lock;

    fn check(&self, _: &Document, report: &mut Report) {
        for entry in lock::entries().iter().filter(|entry| entry.unused) {
            let of = entry.arguments.iter().map(|argument| familiar(argument)).collect::<Vec<_>>().join(" ");
            let message = format!("Nothing refers to '{of}' any more ({}.{})", entry.module, entry.function);
            report.add(entry.span, message).entry(entry);
        }
    }
}
