//! Commands should not go through sudo.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct NoSudo;

impl Rule for NoSudo {
    const NAME: &'static str = "no-sudo";
    const SUMMARY: &'static str = "Commands should not go through sudo";

    fn check(&self, document: &Document, report: &mut Report) {
        let scripts = document.steps().filter_map(|step| step.script().ok());
        for command in scripts.flat_map(|script| script.simple_commands()) {
            let Some(first) = command.words().next() else { continue };
            if first.text().is_some_and(|program| program.rsplit('/').next() == Some("sudo")) {
                report.add(first.span(), "A build runs as root, or as the USER it is given: leave out sudo");
            }
        }
    }
}
