//! SARIF, held against the standard's schema and by Microsoft's validator.

use std::fs;

use boon::{Compiler, Schemas};
use plimsoll::config::Format;
use plimsoll_test_support::{Project, sarif};
use serde_json::Value;

use crate::scene::{outcome, written};

const DOCKERFILE: &str = "\
FROM alpine:3.20 AS Build
MAINTAINER someone@example.org
ENV GREETING=\"h\u{e9}llo $NMAE\"
ENV OLD one
ENV OLD one
ADD https://example.com/x.tar /x
";

/// Why it does not fit the schema.
fn misfit(report: &Value) -> Option<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("sarif.json", serde_json::from_str(&sarif::schema()).unwrap()).unwrap();
    let schema = compiler.compile("sarif.json", &mut schemas).unwrap();
    schemas.validate(report, schema).err().map(|error| format!("{error:#}"))
}

fn report(project: &Project, paths: &str) -> String {
    project.run(&format!("lint --slow-checks=off --format sarif {paths}")).stdout
}

fn results(report: &str) -> Vec<Value> {
    let report: Value = serde_json::from_str(report).unwrap();
    report["runs"][0]["results"].as_array().unwrap().clone()
}

#[test]
fn files_are_what_the_standard_asks_for() {
    if !sarif::installed_or_skip("SARIF") {
        return;
    }
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("Dockerfile", DOCKERFILE)
        .file("a b/\u{e9}%:1#?.Dockerfile", DOCKERFILE)
        .file("broken/Dockerfile", "FROM alpine\nRUNN x\n")
        .file("binary/Dockerfile", "FROM\0alpine");
    let linted = report(&project, ".");
    let hostile = written(&outcome("</script> \u{1B}[31m\0\n::error::"), Format::Sarif);
    for (name, text) in [("linted.sarif", linted), ("hostile.sarif", hostile)] {
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(misfit(&report), None, "{name}");
        let path = project.path().join(name);
        fs::write(&path, &text).unwrap();
        let mut complaints = sarif::complaints(&path);
        // One made by hand has no rules.
        complaints.retain(|line| name == "linted.sarif" || !line.contains("rule"));
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
    // What says so can say otherwise.
    let mut wrong: Value = serde_json::from_str(&written(&outcome("x"), Format::Sarif)).unwrap();
    wrong["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(misfit(&wrong).is_some());
}

#[test]
fn regions_fixes_and_rules_are_told() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", DOCKERFILE);
    let text = report(&project, "Dockerfile");
    let whole: Value = serde_json::from_str(&text).unwrap();
    let run = &whole["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert_eq!(run["invocations"][0]["properties"]["slowChecks"]["mode"], "off");
    let undefined = results(&text).into_iter().find(|one| one["ruleId"] == "buildkit/UndefinedVar").unwrap();
    let rule = &run["tool"]["driver"]["rules"][undefined["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], "buildkit/UndefinedVar");
    assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# UndefinedVar\n"));
    assert!(!rule["help"]["markdown"].as_str().unwrap().contains("## Cases"));
    let place = &undefined["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "Dockerfile");
    let (line, offset) = (&DOCKERFILE[..DOCKERFILE.find("$NMAE").unwrap()], "$NMAE".len());
    assert_eq!(place["region"]["startLine"], 3);
    assert_eq!(place["region"]["startColumn"], line.lines().last().unwrap().chars().count() + 1);
    assert_eq!(place["region"]["charOffset"], line.chars().count());
    assert_eq!(place["region"]["byteOffset"], line.len());
    assert_eq!((&place["region"]["charLength"], &place["region"]["byteLength"]), (&offset.into(), &offset.into()));
    let stage = results(&text).into_iter().find(|one| one["ruleId"] == "buildkit/StageNameCasing").unwrap();
    let change = &stage["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "build");
    assert_eq!(change["replacements"][0]["deletedRegion"]["byteOffset"], 20);
    let related = results(&written(&outcome("x"), Format::Sarif))[0]["relatedLocations"].clone();
    let lines = [0, 1].map(|place| related[place]["physicalLocation"]["region"]["startLine"].as_u64());
    assert_eq!(lines, [Some(1), Some(3)], "another place of the file, and the entry of the lock");
}

/// A service knows a finding again though lines moved, and tells two alike apart.
#[test]
fn fingerprints_stay_where_lines_move() {
    let prints = |dockerfile: &str, format: &str, key: &str| {
        let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", dockerfile);
        let report = project.run(&format!("lint --slow-checks=off --format {format} Dockerfile")).stdout;
        let report: Value = serde_json::from_str(&report).unwrap();
        let list = report.pointer("/runs/0/results").unwrap_or(&report).as_array().unwrap().clone();
        let print = |one: &Value| one.pointer(key).unwrap().as_str().unwrap().to_owned();
        list.iter().map(print).collect::<Vec<_>>()
    };
    for (format, key) in [("sarif", "/partialFingerprints/primaryLocationLineHash"), ("gitlab", "/fingerprint")] {
        let before = prints(DOCKERFILE, format, key);
        let mut distinct = before.clone();
        distinct.sort();
        distinct.dedup();
        assert!(before.len() >= 5 && distinct.len() == before.len(), "{before:?}");
        let moved = format!("# A comment.\n\n{}", DOCKERFILE.replace("ENV OLD one", "ENV  OLD   one"));
        assert_eq!(prints(&moved, format, key), before);
        let other = prints(&DOCKERFILE.replace("Build", "Built"), format, key);
        assert_ne!(other[0], before[0]);
        assert_eq!(other[1..], before[1..]);
    }
}
