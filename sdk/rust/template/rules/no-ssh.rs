//! Containers should not offer SSH.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct NoSsh;

impl Rule for NoSsh {
    const NAME: &'static str = "no-ssh";
    const SUMMARY: &'static str = "Containers should not offer SSH";

    fn check(&self, document: &Document, report: &mut Report) {
        for expose in document.instructions().filter(|instruction| instruction.keyword() == Keyword::Expose) {
            for port in expose.words().filter(|word| matches!(&*word.text(), "22" | "22/tcp")) {
                report.add(port.span(), "Enter containers through their engine (docker exec), not through SSH");
            }
        }
    }
}
