//! Debian's `shellcheck`, `strace` and `chromium`, where they are installed, and tools that tests make up.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::find;
use crate::servers;

/// True when a test that needs the real ShellCheck can run; else says that it is
/// skipped.
///
/// # Panics
///
/// When it is missing although [`REQUIRE_SERVERS`](crate::servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn shellcheck_or_skip(test: &str) -> bool {
    program_or_skip("shellcheck", test)
}

/// True when a test that needs strace can run; else says that it is skipped.
///
/// # Panics
///
/// When it is missing although [`REQUIRE_SERVERS`](crate::servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn strace_or_skip(test: &str) -> bool {
    program_or_skip("strace", test)
}

/// True when a test that needs a program can run; else says that it is skipped.
///
/// # Panics
///
/// When it is missing although [`REQUIRE_SERVERS`](crate::servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn program_or_skip(program: &str, test: &str) -> bool {
    servers::run_or_skip(test, find(program).map(drop).ok_or_else(|| format!("not installed: {program}")))
}

/// Chromium, to which a test can show a page; else says that it is skipped.
///
/// # Panics
///
/// When it is missing although [`REQUIRE_SERVERS`](crate::servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn chromium_or_skip(test: &str) -> Option<PathBuf> {
    let found = ["chromium", "google-chrome", "chrome"].into_iter().find_map(find);
    let installed = found.as_ref().map(drop).ok_or_else(|| "not installed: chromium".to_owned());
    servers::run_or_skip(test, installed).then_some(found).flatten()
}

/// Writes a program for `sh` into a folder.
pub fn make_tool(folder: &Path, name: &str, script: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}")).expect("the folder is writable");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    }
    path
}
