//! Versions of the contract that were released: their texts never change, and what was built against them
//! runs for ever, with the findings of its first day.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Read as _;

use lzma_rust2::XzReader;
use plimsoll::plugin::contract::{VERSION, VERSIONS};
use plimsoll_test_support::{Image, Project, Registry, files_below, repository_root};
use sha2::{Digest as _, Sha256};

/// Of each released version the SHA-256 of its WIT files, one after another by name. Nothing may be changed about
/// these: what is new belongs into a new version.
const RELEASED: [(&str, &str); 1] = [("0.1.0", "6bf460998f123baa3721273bec6478f409855376d5cfecb2f3d3b120d8822f86")];

/// The languages whose components are kept, each one with the rule `base-source` that `plimsoll plugin new
/// --capability registry` writes.
const LANGUAGES: [&str; 4] = ["c", "js", "python", "rust"];

#[test]
fn released_versions_do_not_change() {
    for (version, expect) in RELEASED {
        let mut hash = Sha256::new();
        let files = files_below(&repository_root().join("wit").join(version));
        let texts = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "wit"));
        texts.for_each(|path| hash.update(fs::read(path).unwrap()));
        let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expect, "wit/{version} was released as it was: put what is new into a later version");
        assert!(VERSIONS.contains(&version), "what was built for {version} would run no more");
    }
    // The one that is spoken is released with the program.
    assert!(RELEASED.iter().all(|(version, _)| *version != VERSION));
}

/// What an organisation's policy finds that was built for the first version: by the model, by shells, by an image, by
/// the lock.
#[test]
fn a_policy_of_the_first_version_goes_on() {
    let registry = Registry::start();
    registry.push("team/base:1", &Image::new("linux/amd64").user("0"));
    let base = registry.reference("team/base:1");
    let lock = format!(
        "[[\"version\",\"1\"]]\n[\"oci\",\"resolve\",[\"{base}\",\"linux/amd64\"],{{\"value\":\"sha256:{}\",\"policy\":\"float\"}}]\n",
        "a".repeat(64)
    );
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("Dockerfile", format!("FROM {base}\nRUN apt-get update && apt-get install -y telnet\n"))
        .file("plimsoll.lock", lock)
        .file("plimsoll.toml", POLICY)
        .file("policy.wasm", kept("0.1.0", "policy"));
    let linted = project.lint("--slow-checks=on --platform linux/amd64 --plugin policy.wasm");
    assert_eq!(linted.problems(), [""; 0], "{linted:#?}");
    let rules: Vec<String> =
        linted.findings().iter().filter_map(|one| one.split(' ').next().map(str::to_owned)).collect();
    for rule in ["forbidden-package", "no-root", "pinned-in-lock", "required-labels"] {
        assert!(rules.contains(&format!("policy/{rule}")), "no {rule}: {linted:#?}");
    }
}

/// What the policy is told.
const POLICY: &str = r#"
[rules."policy/forbidden-package"]
options = { packages = { telnet = "use the mesh" } }
[rules."policy/required-labels"]
options = { labels = { "org.opencontainers.image.source" = "*" } }
[rules."policy/pinned-in-lock"]
severity = "error"
"#;

/// A component that is kept under `tests/versions`.
fn kept(version: &str, language: &str) -> Vec<u8> {
    let path = repository_root().join("tests/versions").join(version).join(format!("{language}.wasm.xz"));
    let mut bytes = Vec::new();
    XzReader::new(&*fs::read(path).unwrap(), false).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_was_built_for_them_finds_what_it_always_found() {
    let registry = Registry::start();
    registry.push("team/base:1", &Image::new("linux/amd64"));
    registry.push("team/base:2", &Image::new("linux/amd64").label("org.opencontainers.image.source", "https://e.com"));
    let [bare, labelled] = ["team/base:1", "team/base:2"].map(|name| registry.reference(name));
    let file = format!("FROM {bare} AS one\nFROM {labelled}\nFROM one\n");
    for (version, _) in RELEASED {
        for language in LANGUAGES {
            let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
                .file("Dockerfile", &file)
                .file("acme.wasm", kept(version, language));
            let inspected = project.run("plugin inspect acme.wasm");
            let contract = format!("contract      plimsoll:rules@{version}\n");
            assert!(inspected.stdout.contains(&contract), "{language}: {inspected:#?}");
            let linted = project.lint("--slow-checks=on --platform linux/amd64 --plugin acme.wasm");
            assert_eq!(linted.problems(), [""; 0], "{language}: {linted:#?}");
            let found: Vec<_> = linted.findings().into_iter().filter(|one| one.starts_with("acme/")).collect();
            let expect = format!(
                "acme/base-source 1: '{bare}' does not say where its source is (org.opencontainers.image.source)"
            );
            assert_eq!(found, [expect], "{language}: {linted:#?}");
        }
    }
}
