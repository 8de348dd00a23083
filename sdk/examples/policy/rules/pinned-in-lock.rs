//! What a build takes from elsewhere should move only when somebody says so.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct PinnedInLock;

impl Rule for PinnedInLock {
    const NAME: &'static str = "pinned-in-lock";
    const SUMMARY: &'static str = "Images should be pinned in the lock";
    const OPT_IN: bool = true;
    const ABOUT: About = About::Lock;

    fn check(&self, _: &Document, report: &mut Report) {
        for entry in lock::entries().iter().filter(|entry| entry.module == "oci" && !entry.pinned) {
            let name = entry.arguments.first().map_or("", String::as_str);
            report.add(entry.span, format!("{name} floats: run `plimsoll lock set pin {name}`")).entry(entry);
        }
    }
}
