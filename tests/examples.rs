//! The example packs under `sdk/examples`, built and tried as their authors
//! would: every page against the component, and a run against a registry.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use plimsoll_test_support::{Image, Linted, Project, Registry, repository_root};

/// Builds one of them, as `plimsoll plugin build` does.
fn component(name: &str) -> PathBuf {
    run(name, "build");
    repository_root().join("target/plugins").join(name).with_extension("wasm")
}

/// `plimsoll plugin …` in the folder of one of them; what it prints.
fn run(name: &str, command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(repository_root().join("sdk/examples").join(name))
        .args(["plugin", command])
        .env("CARGO_TARGET_DIR", repository_root().join("target/plugins"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{name}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What they have besides rules is Rust like any other, with its tests beside it.
#[test]
fn their_own_tests_pass() {
    for name in ["policy", "newer-patch"] {
        let tested = Command::new(env!("CARGO"))
            .current_dir(repository_root().join("sdk/examples").join(name))
            .args(["test", "--release"])
            .env("CARGO_TARGET_DIR", repository_root().join("target/plugins"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&tested.stdout).into_owned();
        assert!(tested.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&tested.stderr));
        assert!(text.contains("test result: ok. 1 passed"), "{name}: {text}");
    }
}

#[test]
fn rules_do_what_their_pages_say() {
    for (name, rules) in [("policy", 5), ("newer-patch", 1)] {
        let tested = run(name, "test");
        assert_eq!(tested.lines().filter(|line| line.ends_with("  ok")).count(), rules, "{tested}");
    }
}

#[test]
fn a_newer_patch_is_looked_up_and_looked_into() {
    let registry = Registry::start();
    let old = Image::new("linux/amd64").created("2026-01-01T00:00:00Z");
    let new = Image::new("linux/amd64").created("2026-02-03T04:05:06Z");
    registry.push("team/base:1.2.3", &old);
    registry.push("team/base:1.2.9", &old);
    let digest = registry.push("team/base:1.2.10", &new);
    registry.push("team/base:1.3.0", &new);
    registry.push("team/tool:1.0.0", &old);
    let (base, tool) = (registry.reference("team/base:1.2.3"), registry.reference("team/tool:1.0.0"));
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("a/Dockerfile", format!("FROM {base}\nCOPY --from={tool} /a /b\n"))
        .file("b/Dockerfile", format!("FROM {base}\n"));
    let lint = |arguments: &str| -> Linted {
        let plugin = component("newer-patch");
        let linted = project.lint(&format!("--platform linux/amd64 --plugin {} {arguments} a b", plugin.display()));
        assert_eq!(linted.problems(), [""; 0], "{linted:#?}");
        linted
    };
    let theirs = |linted: &Linted| -> Vec<String> {
        linted.findings().into_iter().filter(|finding| finding.starts_with("newer-patch/")).collect()
    };
    let linted = lint("--slow-checks=on");
    let expected = format!(
        "newer-patch/newer-patch 1: There is a newer patch of 1.2.3: 1.2.10, made 2026-02-03T04:05:06Z ({digest})"
    );
    assert_eq!(theirs(&linted), [expected.clone(), expected.clone()], "{linted:#?}");
    let listings = registry.log().iter().filter(|entry| entry.path.ends_with("/tags/list")).count();
    assert_eq!(listings, 2, "one question a repository, however many files ask: {:#?}", registry.log());

    // What is known is told without asking again.
    registry.clear_log();
    assert_eq!(theirs(&lint("--slow-checks=on --offline")), [expected.clone(), expected]);
    assert_eq!(registry.log().len(), 0, "{:#?}", registry.log());
    assert_eq!(theirs(&lint("--slow-checks=off --cache-dir elsewhere")), [""; 0]);
}
