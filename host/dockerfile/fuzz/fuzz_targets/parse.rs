//! A Dockerfile → tree and model. What must hold is in `tests/checks`.
#![no_main]

#[path = "../../tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::parse::check(bytes));
