//! What SARIF files are held against: the standard's JSON Schema, and Microsoft's validator.
//!
//! `tests/support/sarif.sh` installs both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{repository_root, servers};

/// True when they are here; else says that the test is skipped.
///
/// # Panics
///
/// When they are missing although [`REQUIRE_SERVERS`](servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn installed_or_skip(test: &str) -> bool {
    let schema = folder().join(SCHEMA);
    let installed = match schema.is_file() {
        true => Ok(()),
        false => Err(format!("no {}: run tests/support/sarif.sh", schema.display())),
    };
    servers::run_or_skip(test, installed)
}

/// The JSON Schema of SARIF 2.1.0.
///
/// # Panics
///
/// When it is not installed.
#[must_use]
pub fn schema() -> String {
    fs::read_to_string(folder().join(SCHEMA)).expect("sarif.sh has installed it")
}

/// What the validator says of a file that is more than a matter of taste, line by line.
///
/// # Panics
///
/// When it does not start, or does not come to an end.
#[must_use]
pub fn complaints(file: &Path) -> Vec<String> {
    let mut command = Command::new(folder().join("Sarif.Multitool"));
    command.arg("validate").arg(file).arg("--json-schema").arg(folder().join(SCHEMA));
    command.args(["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--kind", "Fail"]);
    // It would ask for every address in the file.
    command.envs(["http_proxy", "https_proxy", "all_proxy"].map(|name| (name, "http://127.0.0.1:9")));
    let output = command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1").output().expect("it is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Analysis completed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().filter(|line| line.contains(": error ") || line.contains(": warning ")).map(str::to_owned).collect()
}

const SCHEMA: &str = "sarif-2.1.0.json";

fn folder() -> PathBuf {
    repository_root().join("target/sarif/node_modules/@microsoft/sarif-multitool-linux")
}
