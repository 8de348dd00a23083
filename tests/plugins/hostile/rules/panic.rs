//! Panics with a message.

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Panic;

impl Rule for Panic {
    const NAME: &'static str = "panic";
    const SUMMARY: &'static str = "Panics with a message.";

    fn check(&self, document: &Document, _report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            panic!("this rule always does that");
        }
    }
}
