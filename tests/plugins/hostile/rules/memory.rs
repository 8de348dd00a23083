//! Takes all memory there is.

use std::hint::black_box;

use plimsoll_sdk::prelude::*;

use crate::is_asked_for;

#[derive(Default)]
pub struct Memory;

impl Rule for Memory {
    const NAME: &'static str = "memory";
    const SUMMARY: &'static str = "Takes all memory there is.";

    fn check(&self, document: &Document, _report: &mut Report) {
        if is_asked_for(document, Self::NAME) {
            let mut hoard = Vec::new();
            loop {
                hoard.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
    }
}
