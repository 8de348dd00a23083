//! What an update would change: two builds of one plugin over the same files,
//! told the same of the world.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use plimsoll_test_support::component::{component, edited};
use plimsoll_test_support::guest::Guest;
use plimsoll_test_support::{Fault, Image, Linted, Project, Registry, scratch_folder};
use serde_json::Value;

/// Rule `no-latest` says it otherwise and finds more, `no-sudo` is an error, `no-root` lets user 0 pass, `newest-tag` is
/// gone, `no-add` is new.
fn next() -> PathBuf {
    edited("acme", "acme-next", |folder| {
        let edit = |file: &str, from: &str, to: &str| {
            let path = folder.join("rules").join(file);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{file} has no {from:?}");
            fs::write(path, text.replace(from, to)).unwrap();
        };
        edit("no-latest.rs", "name a version\")", "name a version or a digest\")");
        edit("no-latest.rs", "None | Some(\"latest\")", "None | Some(\"latest\" | \"edge\")");
        edit("no-sudo.rs", "    const SUMMARY", "    const SEVERITY: Severity = Severity::Error;\n    const SUMMARY");
        edit("no-root.rs", "\"root\" | \"0\"", "\"root\"");
        for extension in ["rs", "md"] {
            fs::remove_file(folder.join(format!("rules/newest-tag.{extension}"))).unwrap();
        }
        let rule = "use plimsoll_sdk::prelude::*;\n\
            #[derive(Default)]\n\
            pub struct NoAdd;\n\
            impl Rule for NoAdd {\n    \
                const NAME: &'static str = \"no-add\";\n    \
                const SUMMARY: &'static str = \"Files should be copied\";\n    \
                fn check(&self, document: &Document, report: &mut Report) {\n        \
                    for step in document.steps().filter(|step| step.keyword() == Keyword::Add) {\n            \
                        report.add(step.span(), \"Use COPY\");\n        \
                    }\n    \
                }\n\
            }\n";
        fs::write(folder.join("rules/no-add.rs"), rule).unwrap();
        fs::write(folder.join("rules/no-add.md"), "# no-add\n\nFiles should be copied.\n").unwrap();
    })
}

/// Both builds, as a user has them: in folders beside the tree, under one name.
fn builds() -> &'static Path {
    static BUILDS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = BUILDS.get_or_init(|| {
        let folder = scratch_folder();
        for (version, built) in [("old", component("acme")), ("new", next())] {
            fs::create_dir(folder.path().join(version)).unwrap();
            fs::copy(built, folder.path().join(version).join("acme.wasm")).unwrap();
        }
        folder
    });
    folder.path()
}

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll")).variable("HOME", builds().to_str().unwrap())
}

fn diff(project: &Project, arguments: &str) -> Linted {
    let build = |version: &str| builds().join(version).join("acme.wasm").display().to_string();
    project.run(&format!("plugin diff {} {} {arguments}", build("old"), build("new")))
}

/// `SIGN RULE LINE SEVERITY` of all that differs.
fn differences(json: &Value) -> Vec<String> {
    let shown = |sign: char, finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        format!("{sign} {} {} {}", text("rule"), finding["range"]["start"]["line"], text("severity"))
    };
    let mut all = Vec::new();
    for file in json["files"].as_array().unwrap() {
        for (sign, kind) in [('+', "gained"), ('-', "lost")] {
            all.extend(file[kind].as_array().unwrap().iter().map(|finding| shown(sign, finding)));
        }
        for changed in file["changed"].as_array().unwrap() {
            all.extend([shown('<', &changed["old"]), shown('>', &changed["new"])]);
        }
    }
    all
}

const DOCKERFILE: &str = "FROM alpine\nADD a b\nRUN sudo a\n# plimsoll ignore=acme/no-sudo -- so be it\nRUN sudo b\n";

#[test]
fn an_update_says_what_it_would_change() {
    let project = project()
        .file("a/Dockerfile", DOCKERFILE)
        .file("b/Dockerfile", "FROM alpine:edge\nRUN sudo a\n")
        .file("c/Dockerfile", "FROM alpine:3.21\n");
    let found = diff(&project, "--slow-checks=off a b c");
    assert_eq!(found.status, 1, "{found:#?}");
    let (head, rest) = found.stdout.split_once('\n').unwrap();
    assert!(head.starts_with("acme 1.2.0 (sha256:") && head.contains(") → 1.2.0 (sha256:"), "{head}");
    let expected = "\
rules added: acme/no-add
rules removed: acme/newest-tag

~ a/Dockerfile:1:6: warning[acme/no-latest]: Image 'alpine' may be another one tomorrow; name a version
  now warning[acme/no-latest]: Image 'alpine' may be another one tomorrow; name a version or a digest
+ a/Dockerfile:2:1: warning[acme/no-add]: Use COPY
~ a/Dockerfile:3:5: warning[acme/no-sudo]: A build runs as root, or as the USER it is given: leave out sudo
  now error[acme/no-sudo]: A build runs as root, or as the USER it is given: leave out sudo

+ b/Dockerfile:1:6: warning[acme/no-latest]: Image 'alpine:edge' may be another one tomorrow; name a version or a digest
~ b/Dockerfile:2:5: warning[acme/no-sudo]: A build runs as root, or as the USER it is given: leave out sudo
  now error[acme/no-sudo]: A build runs as root, or as the USER it is given: leave out sudo

5 differences: 2 gained, 0 lost, 3 changed; 0 alike in 3 files.
";
    assert_eq!(rest, expected);

    let json = diff(&project, "--slow-checks=off --format json a b c").json();
    let expected = [
        "+ acme/no-add 2 warning",
        "< acme/no-latest 1 warning",
        "> acme/no-latest 1 warning",
        "< acme/no-sudo 3 warning",
        "> acme/no-sudo 3 error",
        "+ acme/no-latest 1 warning",
        "< acme/no-sudo 2 warning",
        "> acme/no-sudo 2 error",
    ];
    assert_eq!(differences(&json), expected, "{json:#}");
    assert_eq!(json["rules"]["added"], serde_json::json!(["acme/no-add"]));
    assert_eq!(json["files"].as_array().unwrap().len(), 2, "those that differ");
    assert_eq!(json["summary"]["files"], 3);
    assert_ne!(json["old"]["digest"], json["new"]["digest"]);

    // The other way round, what was gained is lost.
    let [old, new] = ["old", "new"].map(|version| builds().join(version).join("acme.wasm").display().to_string());
    let back = project.run(&format!("plugin diff {new} {old} --slow-checks=off --format json a b c")).json();
    assert_eq!((&back["summary"]["lost"], &back["summary"]["gained"]), (&json["summary"]["gained"], &0.into()));
    assert_eq!(back["rules"]["removed"], json["rules"]["added"]);

    let same = project.run(&format!("plugin diff {old} {old} --slow-checks=off a b c"));
    assert_eq!(same.status, 0, "{same:#?}");
    assert!(same.stdout.ends_with("\nNo finding differs; 3 alike in 3 files.\n"), "{same:#?}");
}

/// Severity and options of a rule count for both; of a rule that one version lacks they count for the other.
#[test]
fn the_configuration_counts_for_both() {
    let project = project().file("Dockerfile", DOCKERFILE).file(
        "plimsoll.toml",
        "[rules]\n\"acme/no-sudo\" = { severity = \"off\" }\n\"acme/no-latest\" = { options = { allow = [\"alpine\"] } }\n\
         \"acme/no-add\" = { severity = \"info\" }\n\"acme/newest-tag\" = { severity = \"error\" }\n\
         \"buildkit/StageNameCasing\" = { severity = \"off\" }\n",
    );
    let json = diff(&project, "--slow-checks=off --format json").json();
    assert_eq!(differences(&json), ["+ acme/no-add 2 info"], "{json:#}");
    // So it is with what selects rules: in files, for files, and by flag.
    project.write(
        "plimsoll.toml",
        "[lint]\nextend-select = [\"acme/no-add\"]\nignore = [\"acme/no-latest\", \"acme/newest-*\"]\n\
         [lint.per-file-ignores]\n\"*\" = [\"acme/newest-tag\", \"acme/no-sudo\"]\n",
    );
    let json = diff(&project, "--slow-checks=off --format json").json();
    assert_eq!(differences(&json), ["+ acme/no-add 2 warning"], "{json:#}");
    project.write("plimsoll.toml", "");
    for (words, differing) in [
        ("--select acme/no-add", vec!["+ acme/no-add 2 warning"]),
        ("--select acme/newest-tag", vec![]),
        (
            "--select acme/no-sudo --ignore acme/newest-tag,no-add",
            vec!["< acme/no-sudo 3 warning", "> acme/no-sudo 3 error"],
        ),
    ] {
        let json = diff(&project, &format!("--slow-checks=off --format json {words}")).json();
        assert_eq!(differences(&json), differing, "{words}: {json:#}");
    }
    let refused = diff(&project, "--slow-checks=off --select acme/no-ad");
    assert!(refused.status == 2 && refused.stderr.contains("there is no rule acme/no-ad"), "{refused:#?}");
    // A name of none is told as ever.
    project.write("plimsoll.toml", "[rules.\"acme/no-sudoo\"]\nseverity = \"off\"\n");
    let refused = diff(&project, "--slow-checks=off");
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("there is no such rule; did you mean acme/no-sudo?"), "{refused:#?}");
}

/// What the world says is asked once, for both, and what failed has failed for both.
#[test]
fn both_are_told_the_same_of_the_world() {
    let registry = Registry::start();
    registry.push("team/zero:1", &Image::new("linux/amd64").user("0"));
    let file = format!("FROM {}\n", registry.reference("team/zero:1"));
    let project = project().file("Dockerfile", &file);
    let found = diff(&project, "--slow-checks=on --platform linux/amd64 --format json");
    assert_eq!(differences(&found.json()), ["- acme/no-root 1 error"], "{found:#?}");
    assert_eq!(registry.counts().requests, 1 + 2, "{:#?}", registry.log());

    // Without network, with what is known; and where nothing is known.
    let offline = diff(&project, "--offline --platform linux/amd64 --format json");
    assert_eq!(differences(&offline.json()), ["- acme/no-root 1 error"], "{offline:#?}");
    let fresh = scratch_folder();
    let fresh = format!("--platform linux/amd64 --format json --cache-dir {}", fresh.path().display());
    let offline = diff(&project, &format!("--offline {fresh}"));
    assert_eq!(differences(&offline.json()), [""; 0], "{offline:#?}");
    assert_eq!(offline.stderr.matches("note: 1 slow check skipped (offline").count(), 1, "{offline:#?}");

    // The registry has it again once the first has been told that it has not: what both would find, neither does.
    registry.push("team/root:1", &Image::new("linux/amd64"));
    project.write("Dockerfile", format!("FROM {}\n", registry.reference("team/root:1")));
    registry.fault_times("manifests", Fault::Status(404, Vec::new()), 1);
    let failed = diff(&project, &format!("--slow-checks=on {fresh}"));
    let same = |linted: &Linted| linted.json()["summary"]["same"].clone();
    assert_eq!((differences(&failed.json()).len(), same(&failed)), (0, 0.into()), "{failed:#?}");
    assert_eq!(failed.stderr.matches("there is no such image").count(), 1, "{failed:#?}");
    let found = diff(&project, &format!("--slow-checks=on {fresh}"));
    assert_eq!((differences(&found.json()).len(), same(&found)), (0, 1.into()), "{found:#?}");
}

#[test]
fn what_runs_already_keeps_its_name() {
    let home = scratch_folder();
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).variable("HOME", home.path().to_str().unwrap());
    let project = project.file("Dockerfile", DOCKERFILE);
    for (version, name) in [("old", "policy-1.2.wasm"), ("new", "policy-1.3.wasm")] {
        fs::copy(builds().join(version).join("acme.wasm"), project.path().join(name)).unwrap();
    }
    let diff =
        |more: &str| project.run(&format!("plugin diff policy-1.2.wasm policy-1.3.wasm --slow-checks=off {more}"));
    let nameless = diff("");
    assert_eq!(nameless.status, 2);
    assert!(nameless.stderr.contains("\"policy-1.2\" is no name of a plugin") && nameless.stderr.contains("--name"));
    assert!(diff("--name policy").stdout.contains("rules added: policy/no-add"));

    let inspected = project.run("plugin inspect --format json --name policy policy-1.2.wasm").json();
    let table = format!("[plugins.ours]\npath = \"policy-1.2.wasm\"\ndigest = {}\n", inspected["digest"]);
    fs::create_dir_all(home.path().join(".config/plimsoll")).unwrap();
    fs::write(home.path().join(".config/plimsoll/plimsoll.toml"), table).unwrap();
    assert!(diff("").stdout.contains("rules added: ours/no-add"));
}

#[test]
fn what_fails_is_no_difference() {
    let project = project().file("Dockerfile", "FROM alpine\n");
    let sound = Guest::default();
    let trap = Guest { check: "unreachable".to_owned(), ..sound.clone() };
    let picky = Guest { validate_options: "unreachable".to_owned(), ..sound.clone() };
    for (name, guest) in [("sound", sound), ("trap", trap), ("picky", picky)] {
        project.write(&format!("{name}.wasm"), guest.component());
    }
    let diff = |old: &str, new: &str, more: &str| {
        project.run(&format!("plugin diff {old}.wasm {new}.wasm --name bad --slow-checks=off {more}"))
    };
    assert_eq!(diff("sound", "sound", "").status, 0);
    let failed = diff("sound", "trap", "");
    assert_eq!(failed.status, 2, "{failed:#?}");
    assert!(failed.stderr.starts_with("error: trap.wasm: Dockerfile: "), "{failed:#?}");
    assert!(failed.stdout.contains("; 1 not checked."), "{failed:#?}");
    let both = diff("trap", "trap", "");
    assert_eq!((both.status, both.stderr.lines().count()), (2, 1), "{both:#?}");
    assert!(both.stderr.starts_with("error: Dockerfile: "), "{both:#?}");

    let refused = |linted: Linted, words: &str| {
        assert_eq!((linted.status, linted.stdout.as_str()), (2, ""), "{linted:#?}");
        assert!(linted.stderr.contains(words), "{linted:#?}");
    };
    refused(diff("sound", "nowhere", ""), "nowhere.wasm: there is no such file");
    refused(diff("sound", "sound", "--plugin x.wasm"), "the plugins of this run are OLD and NEW");
    refused(diff("sound", "sound", "-"), "name files or folders");
    project.write("plimsoll.toml", "[rules.\"bad/bad\"]\noptions = {}\n");
    assert_eq!(diff("sound", "sound", "").status, 0);
    refused(diff("sound", "picky", ""), "picky.wasm: ");
}
