//! A recorded run is had again without network: the same findings, failures and
//! time-outs included, in whatever order questions come, and no secrets on the way.

#![allow(clippy::unwrap_used)]

use std::fs;

use plimsoll_test_support::component::component;
use plimsoll_test_support::site::{Page, Site};
use plimsoll_test_support::{Fault, Image, Linted, Project, Registry, never_answers};
use serde_json::Value;

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll"))
}

/// The report without the counts that tell how it was come by.
fn report(linted: &Linted) -> Value {
    let mut json = linted.json();
    json.as_object_mut().unwrap().remove("slow_checks");
    json
}

const SECRET: &str = "signature=s3cret";

#[test]
fn a_replay_says_what_the_run_said() {
    let registry = Registry::start();
    registry.push("team/root:1", &Image::new("linux/amd64").env("HOME", "/"));
    registry.push("team/broken:1", &Image::new("linux/amd64"));
    registry.fault("/team/broken/manifests/", Fault::status(500));
    let silent = never_answers();
    let site = Site::start(|visit| match visit.path.as_str() {
        "/moved" => Page::redirect("/file"),
        _ => Page::of("content"),
    });
    let acme = component("acme").display().to_string();
    let (root, broken) = (registry.reference("team/root:1"), registry.reference("team/broken:1"));
    let project = project()
        .file("a/Dockerfile", format!("FROM {root}\nCOPY gone.txt /\nENV A=$HOME B=$NONE\n"))
        .file("a/.dockerignore", "gone.txt\n")
        .file("b/Dockerfile", format!("FROM {broken} AS one\nFROM {}/x:1\nFROM {root}\n", silent.host()))
        .file("c/Dockerfile", format!("FROM {root}\nADD {}?{SECRET} /\n", site.url("/moved")))
        .file("d/Dockerfile", format!("FROM {root} AS Bad\nFROM {}/y:1\n", silent.host()))
        .file("e/Dockerfile", format!("FROM {}\n", registry.reference("team/none:1")))
        .file(
            "plimsoll.toml",
            "[rules.\"sources/unverified-download\"]\noptions = { download = true }\n\
             [rules.\"buildkit/StageNameCasing\"]\nseverity = \"error\"\n",
        );
    let with = format!("--plugin acme={acme} --platform linux/amd64 .");
    let on = "--slow-checks=on --slow-checks-timeout=2s --record run.jsonl";
    let recorded = project.lint(&format!("{on} --slow-checks-allow-host {} {with}", site.host()));
    let reasons: Vec<_> =
        recorded.skipped().iter().filter_map(|skip| skip.split_once(' ').map(|s| s.1.to_owned())).collect();
    for reason in ["network", "timeout", "not-found", "fail-fast"] {
        assert!(reasons.iter().any(|found| found == reason), "{reason}: {recorded:#?}");
    }
    let findings = recorded.findings();
    for rule in ["acme/no-root 1", "buildkit/CopyIgnoredFile", "buildkit/UndefinedVar", "sources/unverified-download"] {
        assert!(findings.iter().any(|finding| finding.starts_with(rule)), "{rule}: {recorded:#?}");
    }
    let text = fs::read_to_string(project.path().join("run.jsonl")).unwrap();
    assert!(!text.contains("s3cret") && !text.contains(project.path().to_str().unwrap()), "{text}");

    // Nobody is there any more.
    let requests = registry.counts().requests;
    drop((silent, site));
    let replayed = project.lint(&format!("--replay run.jsonl {with}"));
    assert_eq!(report(&replayed), report(&recorded));
    assert_eq!(replayed.status, recorded.status);
    assert_eq!(registry.counts().requests, requests, "nobody is asked");
    // Also where CI switches slow checks off, and however the lines stand.
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    project.write("shuffled.jsonl", lines.join("\n"));
    let project = project.variable("CI", "true");
    assert_eq!(report(&project.lint(&format!("--replay shuffled.jsonl {with}"))), report(&recorded));

    // What the recording does not know is no answer.
    project.write("a/Dockerfile", format!("FROM {}\n", registry.reference("team/new:1")));
    let other = project.lint(&format!("--replay run.jsonl {with}"));
    assert!(other.skipped().iter().any(|skip| skip.ends_with(" offline")), "{other:#?}");
    assert!(other.stderr.contains("the recording does not know what"), "{other:#?}");
}

/// What was not asked for its mode is not asked in the replay either.
#[test]
fn a_run_that_asked_nobody_is_had_again_too() {
    let registry = Registry::start();
    let root = registry.reference("team/root:1");
    let project = project()
        .file("Dockerfile", format!("FROM {root} AS Bad\nCOPY gone.txt /\n"))
        .file(".dockerignore", "gone.txt\n");
    for mode in ["--slow-checks=off", "--offline", "--slow-checks=on"] {
        let recorded = project.lint(&format!("{mode} --record run.jsonl Dockerfile"));
        let replayed = project.lint("--replay run.jsonl Dockerfile");
        assert_eq!(report(&replayed), report(&recorded), "{mode}");
    }
}

#[test]
fn the_clock_is_recorded() {
    let registry = Registry::start();
    registry.push("team/old:1", &Image::new("linux/amd64").created("2020-01-01T00:00:00Z"));
    let project = project()
        .file("Dockerfile", format!("FROM {}\n", registry.reference("team/old:1")))
        .file("plimsoll.toml", "[rules.\"sources/old-image\"]\nseverity = \"info\"\n")
        .variable("SOURCE_DATE_EPOCH", "1767225600");
    let recorded = project.lint("--slow-checks=on --platform linux/amd64 --record run.jsonl Dockerfile");
    assert!(recorded.findings().iter().any(|finding| finding.starts_with("sources/old-image ")), "{recorded:#?}");
    let project = project.variable("SOURCE_DATE_EPOCH", "1893456000");
    assert_eq!(report(&project.lint("--platform linux/amd64 --replay run.jsonl Dockerfile")), report(&recorded));
}

#[test]
fn a_recording_that_does_not_hold_up_is_refused() {
    let project = project().file("Dockerfile", "FROM scratch\n");
    assert_eq!(project.lint("--record run.jsonl Dockerfile").status, 0);
    let header = fs::read_to_string(project.path().join("run.jsonl")).unwrap();
    let header = header.lines().next().unwrap().to_owned();
    let check = |text: &str, expect: &str| {
        project.write("run.jsonl", text);
        let refused = project.lint("--replay run.jsonl Dockerfile");
        assert!(refused.status == 2 && refused.stderr.contains(expect), "{text}: {refused:#?}");
    };
    check("", "run.jsonl:1: it does not begin as a recording");
    check("{}\n", "run.jsonl:1: it does not begin as a recording");
    check(&header.replace("\"recording\":1", "\"recording\":9"), "a recording of version 9");
    check(&format!("{header}\n{{\"question\": 1}}\n"), "run.jsonl:2: ");
    check(&format!("{header}\n<<<<<<< ours\n"), "run.jsonl:2: ");
    let tags = r#"{"question":{"question":"tags","repository":"docker.io/library/alpine"}"#;
    check(&format!("{header}\n{tags}}}\n"), "run.jsonl:2: a question has an answer, or is skipped");
    assert_eq!(project.lint("--replay none.jsonl Dockerfile").status, 2);
    assert_eq!(project.lint("--record none/run.jsonl Dockerfile").status, 2);
}
