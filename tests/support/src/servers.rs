//! Real servers and other programs that a machine may lack: a test that needs
//! one says so, and is skipped by name or fails.

use std::env;
use std::io::{self, Write as _};

/// Set to `1` where a missing server is a failure, as in continuous integration.
pub const REQUIRE_SERVERS: &str = "PLIMSOLL_REQUIRE_SERVERS";

/// True when all is there; else says that the test is skipped.
///
/// # Panics
///
/// When something is missing although [`REQUIRE_SERVERS`] is `1`.
pub fn run_or_skip(test: &str, installed: Result<(), String>) -> bool {
    let Err(missing) = installed else {
        return true;
    };
    let required = env::var(REQUIRE_SERVERS).is_ok_and(|value| value == "1");
    assert!(!required, "{test}: {missing}, and {REQUIRE_SERVERS} is 1");
    // Written past the capture of the test harness, which hides what passes.
    let said = writeln!(io::stderr(), "SKIPPED: {test}: {missing}");
    said.expect("standard error is writable");
    false
}
