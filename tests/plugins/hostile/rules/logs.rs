//! Writes without end to the log.

use plimsoll_sdk::log;
use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Logs;

impl Rule for Logs {
    const NAME: &'static str = "logs";
    const SUMMARY: &'static str = "Writes without end to the log.";

    fn check(&self, document: &Document, _report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            for number in 0..100_000 {
                log::write(log::Level::Warn, &format!("message {number}"));
            }
        }
    }
}
