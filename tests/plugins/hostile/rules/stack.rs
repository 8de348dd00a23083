//! Calls itself without end.

use std::hint::black_box;

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Stack;

impl Rule for Stack {
    const NAME: &'static str = "stack";
    const SUMMARY: &'static str = "Calls itself without end.";

    fn check(&self, document: &Document, _report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            black_box(deeper(1));
        }
    }
}

fn deeper(depth: u64) -> u64 {
    if black_box(depth) == 0 { 0 } else { deeper(black_box(depth + 1)) + depth }
}
