//! A text → an image reference, a platform. What must hold is in `tests/checks`.
#![no_main]

#[path = "../../tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::references::check(bytes));
