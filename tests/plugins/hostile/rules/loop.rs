//! Never ends.

use std::hint::black_box;

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Loop;

impl Rule for Loop {
    const NAME: &'static str = "loop";
    const SUMMARY: &'static str = "Never ends.";

    fn check(&self, document: &Document, _report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            loop {
                black_box(());
            }
        }
    }
}
