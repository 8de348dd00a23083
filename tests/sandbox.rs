//! Components made to do harm, each with what comes of it: the host lives, all
//! other findings arrive, the message names plugin and cause, the delay stays
//! within the limit and a fifth, and the exit status is 2.

#![allow(clippy::print_stdout)]

#[path = "sandbox/bytes.rs"]
mod bytes;
#[path = "sandbox/calls.rs"]
mod calls;
#[path = "sandbox/compile.rs"]
mod compile;
#[path = "sandbox/wasi.rs"]
mod wasi;

use std::time::Duration;

use plimsoll_test_support::guest::{Guest, NOTHING};
use plimsoll_test_support::{Linted, Project};

/// What one call of a plugin may take in these tests.
const LIMIT: Duration = Duration::from_millis(200);
/// What starting the program, compiling and linting take besides on a busy machine.
const BESIDES: Duration = Duration::from_secs(3);

/// Runs without end.
const LOOP: &str = "(loop (br 0)) unreachable";

/// A plugin that finds one thing in every file.
fn good() -> Vec<u8> {
    Guest { check: one_finding(""), ..Guest::default() }.component()
}

/// Reports one finding of rule 0 at the start of the file, after this has been
/// written to its 52 bytes of zeroes at 2048.
fn one_finding(written: &str) -> String {
    findings(&format!("{written} (i32.store (i32.const {NOTHING}) (i32.const 2048))"), 1)
}

/// Reports so many findings, which lie where the word at [`NOTHING`] says.
fn findings(written: &str, count: u32) -> String {
    format!("{written} (i32.store (i32.const {}) (i32.const {count})) i32.const {NOTHING}", NOTHING + 4)
}

/// Lints a file with the bad plugin beside a good one. What the good one and the
/// bundled rules find arrives, and the problem is said.
fn check(component: &[u8], problem: &str) -> Linted {
    check_with("--slow-checks=off", component, problem)
}

fn check_with(flags: &str, component: &[u8], problem: &str) -> Linted {
    let linted = lint(flags, component);
    let problems = linted.problems();
    assert!(
        problems.iter().any(|found| found.contains("plugin bad") && found.contains(problem)),
        "{problem:?} in {problems:#?}, {}",
        linted.stderr
    );
    assert_eq!(linted.status, 2, "{problem}");
    assert!(linted.took < LIMIT.mul_f64(1.2) * 2 + BESIDES, "{problem}: {:?}", linted.took);
    linted
}

fn lint(flags: &str, component: &[u8]) -> Linted {
    let config = "[plugins.bad]\npath = \"../bad.wasm\"\nlimits = { time = \"200ms\", memory = \"16MiB\" }\n\
                  grants = { context = [\"**\"] }\n[plugins.good]\npath = \"../good.wasm\"\n";
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("bad.wasm", component)
        .file("good.wasm", good())
        .file("src/plimsoll.toml", config)
        .file("src/Dockerfile", "FROM scratch AS Bad\n# é\n");
    let linted = project.lint(&format!("{flags} --trust-workspace src"));
    let findings = linted.findings();
    let count = |rule: &str| findings.iter().filter(|finding| finding.starts_with(rule)).count();
    assert_eq!((count("buildkit/StageNameCasing "), count("good/bad ")), (1, 1), "{linted:#?}");
    linted
}
