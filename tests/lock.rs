//! The lock from end to end: references that move between runs, in registries
//! inside the test and the real one of Debian; several processes that write at once,
//! and some that are killed.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use plimsoll::lock::{Entry, Key, Lock, LockFile, Policy};
use plimsoll_test_support::docker_registry::installed_or_skip;
use plimsoll_test_support::{
    Auth, DockerRegistry, Fault, Image, Index, Linted, Project, Registry, best_of, scratch_folder, timed,
};

const ON: &str = "--slow-checks=on --platform linux/amd64";
const PLATFORM: &str = "--platform linux/amd64";

/// A base image whose environment says its version.
fn python(version: &str) -> Image {
    Image::new("linux/amd64").env("PYTHON_VERSION", version).created("2026-01-01T00:00:00Z")
}

/// The variable is defined where the base image says so.
fn project(dockerfile: impl AsRef<[u8]>) -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("plimsoll.toml", "").file("Dockerfile", dockerfile)
}

fn lock(project: &Project) -> String {
    fs::read_to_string(project.path().join("plimsoll.lock")).unwrap_or_default()
}

fn ok(run: &Linted) -> &str {
    assert_eq!(run.status, 0, "{run:#?}");
    &run.stdout
}

/// The report without what it says of the asking.
fn report(linted: &Linted) -> serde_json::Value {
    let mut json = linted.json();
    json.as_object_mut().unwrap().remove("slow_checks");
    json
}

/// How often something was asked for by tag.
fn by_tag(registry: &Registry) -> usize {
    let is_by_tag = |path: &str| path.contains("/manifests/") && !path.contains("/manifests/sha256:");
    registry.log().iter().filter(|entry| is_by_tag(&entry.path)).count()
}

#[test]
fn a_locked_tag_means_the_same_after_it_moved() {
    if !installed_or_skip("a_locked_tag_means_the_same_after_it_moved") {
        return;
    }
    let registry = DockerRegistry::start(&Auth::Open);
    let reference = registry.reference("team/python:3");
    let old = registry.push("team/python:3", &python("3.12"));
    // Defined in the old image only.
    let project = project(format!("ARG BASE={reference}\nFROM $BASE\nENV A=$PYTHON_VERSION\n"));
    let told = project.run(&format!("lock {PLATFORM}"));
    assert!(ok(&told).ends_with("plimsoll.lock: 1 new, 1 in all\n"), "{told:#?}");
    let first = lock(&project);
    let entry = format!(
        "[\"oci\",\"resolve\",[\"{reference}\",\"linux/amd64\"],{{\"value\":\"{old}\",\"policy\":\"float\",\"kind\":\"manifest\"}}]"
    );
    assert_eq!(first, format!("[[\"version\",\"1\"]]\n{entry}\n"), "keys are what variables expand to");
    assert!(ok(&project.run(&format!("lock {PLATFORM}"))).ends_with("0 new, 1 in all\n"));
    assert_eq!(lock(&project), first, "a second run changes no byte");
    let before = project.lint(&format!("{ON} --lock strict"));

    let new = registry.push("team/python:3", &Image::new("linux/amd64"));
    for mode in ["--lock strict", "--lock auto --offline", "--lock strict --offline"] {
        let after = project.lint(&format!("{ON} {mode}"));
        assert_eq!(report(&after), report(&before), "{mode}");
    }
    let floating = project.lint(&format!("{ON} --cache-dir elsewhere"));
    assert_ne!(report(&floating), report(&before), "what floats is asked anew");
    let moved = "sources/moved-tag";
    let found =
        floating.json()["files"][0]["findings"].as_array().unwrap().iter().find(|one| one["rule"] == moved).cloned();
    assert_eq!(found.unwrap()["lock"], serde_json::json!({"path": "plimsoll.lock", "line": 2}), "{floating:#?}");
    assert!(!floating.stderr.contains("has moved"), "it is told once: {floating:#?}");
    // Who does not want the rule is told by a note.
    project.write("plimsoll.toml", format!("[rules.\"{moved}\"]\nseverity = \"off\"\n"));
    let noted = project.lint(&format!("{ON} --cache-dir elsewhere"));
    let note = format!("note: oci.resolve {reference} linux/amd64 {old} -> {new} has moved; `plimsoll lock update`");
    assert!(noted.stderr.contains(&note), "{noted:#?}");
    project.write("plimsoll.toml", "");
    assert_eq!(lock(&project), first, "lint writes nothing unless it is told to");

    ok(&project.run(&format!("lock set pin {reference}")));
    let pinned = project.lint(&format!("{ON} --cache-dir other"));
    assert_eq!(report(&pinned), report(&before), "what is pinned counts");

    let dry = project.run(&format!("lock update --dry-run {PLATFORM}"));
    assert_eq!(ok(&dry), format!("oci.resolve {reference} linux/amd64 {old} -> {new}\n"));
    assert!(lock(&project).contains(&old));
    ok(&project.run(&format!("lock update {PLATFORM} {}", reference.rsplit_once(':').unwrap().0)));
    assert!(lock(&project).contains(&new) && lock(&project).contains("\"pin\""), "{}", lock(&project));
    let updated = project.lint(&format!("{ON} --lock strict"));
    assert!(updated.stderr.is_empty() && updated.findings().iter().all(|found| !found.contains(moved)), "{updated:#?}");
}

#[test]
fn rules_see_the_lock() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let entry = |name: &str| {
        let value = digest("a");
        format!(
            "[\"oci\",\"resolve\",[\"docker.io/library/{name}\",\"linux/amd64\"],{{\"value\":\"{value}\",\"policy\":\"pin\"}}]\n"
        )
    };
    let lock = format!("[[\"version\",\"1\"]]\n{}{}", entry("alpine:3.19"), entry("alpine:3.20"));
    let file = format!("FROM alpine:3.20@{}\n", digest("c"));
    let project = project(&file).file("app/Dockerfile", "FROM alpine:3.20\n").file("plimsoll.lock", &lock);
    let off = format!("{PLATFORM} --slow-checks=off");
    let whole = project.lint(&off);
    let files = whole.json()["files"].clone();
    assert_eq!(files.as_array().unwrap().len(), 3, "{whole:#?}");
    let (found, unused) = (&files[0]["findings"][0], &files[2]["findings"][0]);
    assert_eq!(
        (&files[0]["path"], &found["rule"], &found["lock"]["line"]),
        (&"Dockerfile".into(), &"sources/lock-mismatch".into(), &3.into())
    );
    assert_eq!(
        (&files[2]["path"], &unused["rule"], &unused["lock"]["line"], &unused["range"]["start"]["line"]),
        (&"plimsoll.lock".into(), &"sources/unused-lock-entry".into(), &2.into(), &2.into())
    );
    let text = project.run(&format!("lint {off}"));
    assert!(
        text.stdout.contains("= lock: plimsoll.lock:3\n") && text.stdout.contains("--> plimsoll.lock:2:1\n"),
        "{text:#?}"
    );
    // What was not looked at may refer to it.
    for part in ["app", "app/Dockerfile", "Dockerfile"] {
        let part = project.lint(&format!("{off} {part}"));
        assert!(!part.stdout.contains("unused-lock-entry"), "{part:#?}");
    }
    project.write("broken.Dockerfile", b"FROM scratch\0");
    assert!(!project.lint(&off).stdout.contains("unused-lock-entry"), "a file was not read");
    project.write("broken.Dockerfile", "FROM alpine:3.19\n");
    assert!(!project.lint(&off).stdout.contains("unused-lock-entry"), "it is referred to");
    fs::remove_file(project.path().join("broken.Dockerfile")).unwrap();
    project.write("plimsoll.toml", "[rules.\"sources/unused-lock-entry\"]\nseverity = \"error\"\n");
    assert_eq!(project.lint(&off).status, 1, "its severity is that of the configuration");
    let suppress = project.run("lint --slow-checks=off --suppress");
    let is_told = suppress.stderr.contains("plimsoll.lock:2:1: error[sources/unused-lock-entry] ");
    assert_eq!((suppress.status, is_told), (1, true), "no comment waves it through: {suppress:#?}");
    ok(&project.run("lock prune"));
    assert_eq!(project.lint(&off).json()["files"].as_array().unwrap().len(), 2);
}

#[test]
fn strict_fails_at_the_first_key_that_is_not_there() {
    let registry = Registry::start();
    registry.push("team/python:3", &python("3.12"));
    let file = format!("FROM {}\nENV A=$PYTHON_VERSION\n", registry.reference("team/python:3"));
    let project = project("FROM scratch\nCOPY a /a\n").file("a", "").file("app/Dockerfile", file);
    let strict = project.lint(&format!("{ON} --lock strict Dockerfile"));
    assert_eq!(strict.status, 0, "nothing there can move: {strict:#?}");
    let strict = project.lint(&format!("{ON} --lock strict"));
    assert_eq!(strict.status, 2, "{strict:#?}");
    assert!(strict.stderr.contains("failed by the lock (plimsoll.lock has no entry for image "), "{strict:#?}");
    assert!(strict.stderr.contains("error: app/Dockerfile:1 FROM: "), "{strict:#?}");
    assert_eq!((registry.counts().requests, lock(&project)), (0, String::new()), "nobody is asked, nothing written");

    let offline = project.run("lint --lock update --offline");
    assert_eq!((offline.status, offline.stderr.contains("leave out --offline")), (2, true), "{offline:#?}");
    ok(&project.run(&format!("lock {PLATFORM}")));
    registry.clear_log();
    let locked = project.lint(&format!("{ON} --lock strict"));
    assert_eq!((locked.status, by_tag(&registry)), (0, 0), "{locked:#?}");
    assert_eq!(locked.json()["slow_checks"]["from_lock"], 1, "{locked:#?}");

    // Content that is gone is told as what it is.
    let reference = registry.reference("team/python:3");
    let digest = lock(&project).split("sha256:").nth(1).unwrap()[..64].to_owned();
    registry.fault(&format!("manifests/sha256:{digest}"), Fault::Status(404, vec![]));
    let gone = project.lint(&format!("{ON} --lock strict --cache-dir empty"));
    assert_eq!(gone.status, 2, "{gone:#?}");
    assert!(gone.stderr.contains("which the registry has no more: run `plimsoll lock update`"), "{gone:#?}");
    let verified = project.run("lock verify --slow-checks=on");
    assert_eq!(verified.status, 1, "{verified:#?}");
    assert!(verified.stdout.starts_with("gone: ") && verified.stdout.contains(&reference), "{verified:#?}");
}

#[test]
fn lint_writes_where_the_user_wants_it() {
    let registry = Registry::start();
    registry.push("team/python:3", &python("3.12"));
    registry.push("team/node:3", &python("3"));
    let names = ["python", "node"].map(|name| registry.reference(&format!("team/{name}:3")));
    let file = names.iter().map(|name| format!("FROM {name}\nENV A=$PYTHON_VERSION\n")).collect::<String>();
    let project = project(file).file("plimsoll.toml", "[lock]\nwrite = true\npin = [\"*/node:*\"]\n");
    let wrote = project.lint(ON);
    assert!(wrote.stderr.contains("new entries: 2"), "{wrote:#?}");
    let written = lock(&project);
    assert_eq!((written.matches("\"pin\"").count(), written.matches("\"float\"").count()), (1, 1), "{written}");

    let moved = registry.push("team/python:3", &python("3.13"));
    registry.push("team/node:3", &python("4"));
    let wrote = project.lint(&format!("{ON} --cache-dir other"));
    assert!(wrote.stderr.contains(&moved) && lock(&project).contains(&moved), "{wrote:#?}");
    assert_eq!(wrote.stderr.matches(" -> ").count(), 1, "what is pinned stays: {wrote:#?}");
    project.lint(&format!("{ON} --lock update"));
    assert_eq!(lock(&project).matches("\"pin\"").count(), 1, "an update keeps policies");
    assert_ne!(lock(&project), written);
}

#[test]
fn what_is_missing_stale_and_unused_is_told_apart() {
    let registry = Registry::start();
    let digest = registry.push("team/a:1", &python("1"));
    registry.push("team/b:1", &python("2"));
    let [a, b] = ["a", "b"].map(|name| registry.reference(&format!("team/{name}:1")));
    let project = project(format!("FROM {a} AS a\nFROM {b}\n"));
    let later = "[\"later\",\"thing\",[],{\"z\":1}]\n";
    ok(&project.run(&format!("lock {PLATFORM}")));
    let checked = project.run(&format!("lock check {PLATFORM}"));
    assert_eq!((checked.status, checked.stdout.as_str()), (0, ""), "{checked:#?}");
    let asked = registry.counts().requests;

    let header = "[[\"version\",\"1\"]]\n";
    project.write("plimsoll.lock", lock(&project).replace(header, &format!("{header}{later}")));
    let other = digest.replace(['0', '1'], "2");
    project.write("Dockerfile", format!("FROM {a}@{other} AS a\nFROM {}\n", registry.reference("team/c:1")));
    let checked = project.run(&format!("lock check {PLATFORM}"));
    let lines: Vec<&str> = checked.stdout.lines().collect();
    assert_eq!((checked.status, lines.len()), (1, 3), "{checked:#?}");
    assert!(lines[0].starts_with("missing: Dockerfile:2 FROM: ") && lines[0].contains("team/c:1"), "{lines:#?}");
    assert!(lines[1].starts_with("stale: ") && lines[1].ends_with("in Dockerfile:1"), "{lines:#?}");
    assert!(lines[2].starts_with("unused: ") && lines[2].contains("plimsoll.lock:4: oci.resolve"), "{lines:#?}");
    let partial = project.run(&format!("lock check {PLATFORM} Dockerfile"));
    assert!(!partial.stdout.contains("unused"), "a part of the tree calls nothing unused: {partial:#?}");

    let why = project.run(&format!("lock why {PLATFORM} *team/c*"));
    assert!(ok(&why).contains("  Dockerfile:2 FROM\n"), "{why:#?}");
    let kept: String =
        lock(&project).lines().filter(|line| !line.contains("team/b")).map(|line| format!("{line}\n")).collect();
    ok(&project.run(&format!("lock prune {PLATFORM}")));
    assert_eq!((lock(&project), kept.contains(later)), (kept.clone(), true), "what others keep there stays");
    assert_eq!(registry.counts().requests, asked, "nobody is asked");
}

#[test]
fn images_wait_until_they_are_old_and_whole_enough() {
    let registry = Registry::start();
    registry.push("team/young:1", &Image::new("linux/amd64").env("A", "1"));
    let young = registry.reference("team/young:1");
    let project = project(format!("FROM {young}\n")).variable("SOURCE_DATE_EPOCH", "1795219200");
    ok(&project.run(&format!("lock {PLATFORM}")));
    let first = lock(&project);
    registry.push("team/young:1", &Image::new("linux/amd64").created("2026-11-19T00:00:00Z"));
    let waits = project.run(&format!("lock update {PLATFORM} --min-age 3d"));
    assert!(waits.stderr.contains("waits: it was made 2 days ago, and --min-age is 3d"), "{waits:#?}");
    assert_eq!(lock(&project), first);
    let waits = project.run(&format!("lock update {PLATFORM} --require-platforms linux/amd64,linux/arm64"));
    assert!(waits.stderr.contains("its index does not hold linux/arm64 yet"), "{waits:#?}");
    assert_eq!(lock(&project), first);
    let both = [Image::new("linux/amd64").created("2026-11-01T00:00:00Z"), Image::new("linux/arm64")];
    let index = registry.push_index("team/young:1", Index::from(&both));
    ok(&project.run(&format!("lock update {PLATFORM} --min-age 3d --require-platforms linux/amd64,linux/arm64")));
    assert!(lock(&project).contains(&format!("\"index\":\"{index}\",\"kind\":\"index\"")), "{}", lock(&project));
}

#[test]
fn a_lock_that_does_not_hold_up_is_refused_and_kept() {
    let project = project("FROM scratch\n");
    for (text, told) in [
        ("[[\"version\",\"2\"]]\n", "plimsoll.lock:1: the lock is of version 2, this program knows 1"),
        (
            "[[\"version\",\"1\"]]\n<<<<<<< ours\n",
            "plimsoll.lock:2: git left a conflict here: run `plimsoll lock merge`",
        ),
        ("[[\"version\",\"1\"]]\nnonsense\n", "plimsoll.lock:2: it is no JSON array"),
    ] {
        project.write("plimsoll.lock", text);
        for command in ["lint", "lock", "lock update", "lock check", "lock list", "lock set pin a"] {
            let run = project.run(command);
            assert_eq!(run.status, 2, "{command}: {run:#?}");
            assert!(run.stderr.contains(told), "{command}: {run:#?}");
        }
        assert_eq!(lock(&project), text);
    }
}

/// The carried files say all there is to say: a machine without network finds the same.
#[test]
fn answers_travel_with_the_lock() {
    let registry = Registry::start();
    registry.push_index("team/python:3", Index::from(&[python("3.12"), Image::new("linux/arm64")]));
    registry.push("team/node:3", &python("3").cmd(&["node"]));
    let [python, node] = ["python", "node"].map(|name| registry.reference(&format!("team/{name}:3")));
    let digest = registry.push("team/pinned:1", &self::python("1"));
    let pinned = registry.reference(&format!("team/pinned@{digest}"));
    let file = format!(
        "FROM {python}\nENV A=$PYTHON_VERSION B=$NOWHERE\nFROM {node}\nENV A=$PYTHON_VERSION\nFROM {pinned}\nENV A=$PYTHON_VERSION\n"
    );
    let project = project(&file).file("plimsoll.toml", "[lock]\nanswers = true\n");
    ok(&project.run(&format!("lock {PLATFORM}")));
    let answers = fs::read_to_string(project.path().join("plimsoll.answers")).unwrap();
    assert_eq!(answers.lines().count(), 4, "{answers}");
    assert!(!answers.contains("\"node\""), "rules cannot read what is run: {answers}");
    let here = project.lint(&format!("{ON} --lock strict"));
    assert_eq!(here.findings().len(), 1, "{here:#?}");
    registry.clear_log();

    let carried = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", &file);
    for name in ["plimsoll.toml", "plimsoll.lock", "plimsoll.answers"] {
        carried.write(name, fs::read(project.path().join(name)).unwrap());
    }
    let carried = carried.variable("TZ", "Asia/Kathmandu").variable("LANG", "tr_TR.UTF-8");
    for mode in [
        format!("{ON} --lock strict"),
        format!("{ON} --lock strict --threads 1 --offline"),
        format!("{PLATFORM} --slow-checks=off"),
        format!("{ON} --offline"),
    ] {
        let there = carried.lint(&mode);
        assert_eq!(report(&there), report(&here), "{mode}");
    }
    // Nobody at all can be asked where there is no network, not even this machine.
    let command = carried.command(&format!("lint --format json {ON} --lock strict"));
    let alone = [&["--net"][..], &["--map-root-user", "--net"]].into_iter().find_map(|options| {
        let mut alone = Command::new("unshare");
        alone.args(options).arg(command.get_program()).args(command.get_args());
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let output = alone.current_dir(carried.path()).env_clear().envs(variables).output();
        Some(output.expect("unshare is part of util-linux").stdout).filter(|report| !report.is_empty())
    });
    match alone {
        Some(stdout) => {
            let mut there: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
            there.as_object_mut().unwrap().remove("slow_checks");
            assert_eq!(there, report(&here));
        }
        None => assert!(may_go_without_networks("answers_travel_with_the_lock")),
    }
    let in_ci = carried.variable("CI", "true");
    assert_eq!(report(&in_ci.lint(PLATFORM)), report(&here));
    assert_eq!(registry.counts().requests, 0);

    in_ci.write("plimsoll.answers", "nonsense\n");
    let refused = in_ci.lint(PLATFORM);
    assert!(
        refused.status == 2 && refused.stderr.contains("plimsoll.answers:1: it begins as no answers"),
        "{refused:#?}"
    );
}

/// Whether a machine on which nobody may make an empty network will do; it says so.
fn may_go_without_networks(test: &str) -> bool {
    println!("{test}: a part was left out, since unshare may make no empty network here");
    std::env::var_os("PLIMSOLL_REQUIRE_SERVERS").is_none()
}

fn git(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new("git");
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
    command.arg("-C").arg(folder).args(identity).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.output().unwrap()
}

/// Two branches that lock different things are merged by git itself.
#[test]
fn git_merges_locks_by_entry() {
    let project = project("FROM scratch\n");
    let folder = project.path();
    let line = |name: &str, value: &str| {
        format!(
            "[\"oci\",\"resolve\",[\"docker.io/library/{name}\",\"linux/amd64\"],{{\"value\":\"{value}\",\"policy\":\"pin\"}}]\n"
        )
    };
    let text = |lines: &[String]| format!("[[\"version\",\"1\"]]\n{}", lines.concat());
    let save = |lines: &[String], message: &str| {
        project.write("plimsoll.lock", text(lines));
        assert!(git(folder, &["add", "plimsoll.lock", ".gitattributes"]).status.success());
        assert!(git(folder, &["commit", "-qm", message]).status.success());
    };
    assert!(git(folder, &["init", "-q"]).status.success());
    project.write(".gitattributes", "plimsoll.lock merge=plimsoll\n");
    save(&[line("m:1", "base")], "base");
    git(folder, &["checkout", "-qb", "other"]);
    save(&[line("a:1", "theirs"), line("m:1", "base")], "theirs");
    git(folder, &["checkout", "-q", "main"]);
    save(&[line("m:1", "base"), line("n:1", "ours")], "ours");
    let driver = format!("merge.plimsoll.driver='{}' lock merge %O %A %B", env!("CARGO_BIN_EXE_plimsoll"));
    let merged = git(folder, &["-c", &driver, "merge", "-q", "--no-edit", "other"]);
    assert!(merged.status.success(), "{merged:?}");
    assert_eq!(lock(&project), text(&[line("a:1", "theirs"), line("m:1", "base"), line("n:1", "ours")]));

    // What contradicts stays for people, and the rest is joined.
    git(folder, &["checkout", "-q", "other"]);
    save(&[line("a:1", "theirs"), line("m:1", "two"), line("z:1", "new")], "more");
    git(folder, &["checkout", "-q", "main"]);
    save(&[line("a:1", "theirs"), line("m:1", "one"), line("n:1", "ours")], "else");
    let plain = git(folder, &["merge", "-q", "--no-edit", "other"]);
    assert!(!plain.status.success());
    let joined = project.run("lock merge");
    assert_eq!(joined.status, 1, "{joined:#?}");
    assert!(
        joined.stderr.contains("both sides say something else of oci.resolve docker.io/library/m:1"),
        "{joined:#?}"
    );
    let conflict = format!("<<<<<<< ours\n{}=======\n{}>>>>>>> theirs\n", line("m:1", "one"), line("m:1", "two"));
    assert_eq!(lock(&project), text(&[line("a:1", "theirs"), conflict, line("n:1", "ours"), line("z:1", "new")]));

    project.write("plimsoll.lock", text(&[line("m:1", "now")]));
    let diff = project.run("lock diff other");
    assert_eq!(diff.status, 1, "{diff:#?}");
    let expected = "- oci.resolve docker.io/library/a:1 linux/amd64 theirs\n\
        - oci.resolve docker.io/library/z:1 linux/amd64 new\n\
        ~ oci.resolve docker.io/library/m:1 linux/amd64 two (pin) -> now (pin)\n";
    assert_eq!(diff.stdout, expected);
}

fn key(name: usize) -> Key {
    Key::new("oci", "resolve", &[&format!("docker.io/library/image:{name}"), "linux/amd64"])
}

/// The number of the process that writes, for the test's own program run again.
const WRITER: &str = "PLIMSOLL_TEST_WRITER";
const ROUNDS: usize = 1_000;

/// Processes that write at once lose nothing of each other.
#[test]
fn no_entry_is_lost_where_several_write() {
    let is_writer = std::env::var(WRITER).ok();
    if let Some((writer, path)) = is_writer.as_deref().and_then(|value| value.split_once(' ')) {
        let writer: usize = writer.parse().unwrap();
        let file = LockFile::at(path.into());
        for round in 0..ROUNDS {
            let entry = Entry::new(format!("sha256:{round}"), Policy::Pin);
            // A key of its own, and one that all write.
            file.change(|lock| {
                lock.set(key(writer * ROUNDS + round % 50), entry.clone());
                lock.set(key(9 * ROUNDS), entry);
            })
            .unwrap();
        }
        return;
    }
    let folder = scratch_folder();
    let path = folder.path().join("plimsoll.lock");
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "no_entry_is_lost_where_several_write"])
                .env(WRITER, format!("{writer} {}", path.display()))
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let lock = LockFile::at(path).read().unwrap().lock;
    assert_eq!(lock.len(), 101);
    for name in (0..50).chain(ROUNDS..ROUNDS + 50) {
        let last = ROUNDS - 50 + name % ROUNDS;
        assert_eq!(lock.get(&key(name)).and_then(Entry::text), Some(&*format!("sha256:{last}")), "{name}");
    }
}

/// Whoever is killed leaves a whole lock, whenever that is, and keeps nobody from going on.
#[test]
fn a_writer_that_is_killed_leaves_a_whole_lock() {
    let folder = scratch_folder();
    let path = folder.path().join("plimsoll.lock");
    let file = LockFile::at(path.clone());
    let entries = |count: usize| -> Lock { (0..count).map(|name| (key(name), Entry::new("x", Policy::Pin))).collect() };
    file.change(|lock| *lock = entries(2_000)).unwrap();
    let mut written = 0;
    for round in 0..40_u64 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "no_entry_is_lost_where_several_write"])
            .env(WRITER, format!("7 {}", path.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(3_000 + 977 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let lock = file.read().unwrap().lock;
        assert!((2_000..=2_051).contains(&lock.len()), "{}", lock.len());
        written = written.max(lock.len());
    }
    assert!(written > 2_000, "some were killed while they wrote, not before");
    file.change(|lock| lock.set(key(0), Entry::new("last", Policy::Pin))).unwrap();
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["plimsoll.lock"], "what they left half written is gone");
}

/// An annotation goes before a pattern, a pattern before what is usual.
#[test]
fn what_is_said_nearest_counts() {
    let registry = Registry::start();
    let names = ["a", "b", "c", "d"].map(|name| {
        registry.push(&format!("team/{name}:1"), &python(name));
        registry.reference(&format!("team/{name}:1"))
    });
    let [a, b, c, d] = &names;
    let comments = "# plimsoll lock=float -- it is ours\n";
    let file = format!("FROM {a}\n{comments}FROM {b}\n# plimsoll lock=never\nFROM {c}\nFROM {d}\n");
    let project = project(file).file("plimsoll.toml", "[lock]\npin = [\"*/a:*\", \"*/b:*\"]\n");
    let locked = project.run(&format!("lock {PLATFORM} --pin {d}"));
    assert!(
        locked.stderr.contains("note: Dockerfile:5 FROM: # plimsoll lock=never: write pin or float"),
        "{locked:#?}"
    );
    let policies = || -> Vec<String> {
        let list = project.run("lock list");
        ok(&list).lines().map(|line| line[..5].trim().to_owned()).collect()
    };
    assert_eq!(policies(), ["pin", "float", "float", "pin"]);
    ok(&project.run(&format!("lock {PLATFORM} --pin {c} --float {d}")));
    assert_eq!(policies(), ["pin", "float", "pin", "float"]);
    ok(&project.run(&format!("lock set pin {b}")));
    ok(&project.run(&format!("lock update {PLATFORM}")));
    assert_eq!(policies(), ["pin", "float", "pin", "float"], "what the file says counts again");
}

/// Times of the program's own process would be mostly its start: the lock alone is measured.
#[test]
fn ten_thousand_entries_take_no_time() {
    let folder = scratch_folder();
    let file = LockFile::at(folder.path().join("plimsoll.lock"));
    let entry = |text: &str| Entry::new(format!("sha256:{}", text.repeat(64)), Policy::Float).with("kind", "manifest");
    file.change(|lock| (0..10_000).for_each(|name| lock.set(key(name), entry("0")))).unwrap();
    let (to_load, to_change) = (Duration::from_millis(20), Duration::from_millis(40));
    let load = best_of(100, to_load, || timed(|| drop(file.read().unwrap())));
    let mut digits = (0..10).cycle();
    let change = best_of(100, to_change, || {
        let entry = entry(&digits.next().unwrap().to_string());
        timed(|| file.change(|lock| lock.set(key(5_000), entry)).unwrap())
    });
    println!("10,000 entries: load {load:?}, change of one {change:?}");
    assert!(load <= to_load && change <= to_change, "{load:?} {change:?}");
}

#[test]
fn digests_go_into_dockerfiles_and_out_of_them() {
    let registry = Registry::start();
    let index = registry.push_index("team/python:3", Index::from(&[python("3.12"), Image::new("linux/arm64")]));
    let python = registry.reference("team/python:3");
    let text = format!(
        "# syntax=docker/dockerfile:1\r\nFROM  {python} \\\n  AS a\nARG B={python}\nFROM $B\nCOPY --from=a / /\n"
    );
    let project = project(&text).file("other/Dockerfile", format!("FROM {python}\n"));
    std::os::unix::fs::symlink("Dockerfile", project.path().join("linked.Dockerfile")).unwrap();
    ok(&project.run(&format!("lock {PLATFORM}")));
    let read = |name: &str| fs::read_to_string(project.path().join(name)).unwrap();
    let dry = project.run(&format!("lock apply --dry-run {PLATFORM} other"));
    assert_eq!((ok(&dry), read("other/Dockerfile")), ("other/Dockerfile: 1 changed\n", format!("FROM {python}\n")));
    let applied = project.run(&format!("lock apply {PLATFORM}"));
    assert_eq!(applied.status, 1, "{applied:#?}");
    assert!(applied.stderr.contains("note: Dockerfile:5: $B stays as it is: a variable stands in it"), "{applied:#?}");
    assert!(applied.stderr.contains("note: linked.Dockerfile stays as it is: it is a link"), "{applied:#?}");
    assert_eq!(read("Dockerfile"), text.replacen(&python, &format!("{python}@{index}"), 1));
    assert_eq!(read("other/Dockerfile"), format!("FROM {python}@{index}\n"));
    ok(&project.run(&format!("lock check {PLATFORM}")));
    // Where no tag stands, none stands beside the digest, and the entry is needed all the same.
    let untagged = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("plimsoll.toml", "")
        .file("Dockerfile", format!("FROM {}\n", python.trim_end_matches(":3")));
    registry.push_index("team/python:latest", Index::from(&[self::python("4"), Image::new("linux/arm64")]));
    ok(&untagged.run(&format!("lock {PLATFORM}")));
    ok(&untagged.run(&format!("lock apply {PLATFORM}")));
    assert_eq!(ok(&untagged.run(&format!("lock check {PLATFORM}"))), "");
    registry.clear_log();
    project.lint(&format!("{ON} other"));
    assert_eq!(by_tag(&registry), 0, "a digest in the file counts without a lock");
    project.run(&format!("lock apply --undo {PLATFORM}"));
    assert_eq!((read("Dockerfile"), read("other/Dockerfile")), (text, format!("FROM {python}\n")));
}

#[test]
fn locks_of_others_are_read_and_written() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let own = format!("FROM debian@{digest}\nFROM alpine:3.20\n");
    let project = project(own).file("old.Dockerfile", format!("FROM alpine:3.20@{digest}\n"));
    let migrated = project.run("lock migrate old.Dockerfile --platform linux/amd64,linux/arm64");
    assert!(ok(&migrated).ends_with("plimsoll.lock: 2 new\n"), "{migrated:#?}");
    assert_eq!(ok(&project.run("lock list")).lines().count(), 2);
    assert!(ok(&project.run("lock migrate old.Dockerfile --platform linux/amd64")).ends_with(": 0 new\n"));
    let exported = project.run(&format!("lock export --source-policy {PLATFORM} Dockerfile"));
    let policy: serde_json::Value = serde_json::from_str(ok(&exported)).unwrap();
    let rules = policy["rules"].as_array().unwrap();
    let to = |action: &str, identifier: &str| {
        rules.iter().any(|rule| rule["action"] == action && rule["selector"]["identifier"] == identifier)
    };
    assert!(to("CONVERT", "docker-image://docker.io/library/alpine:3.20"), "{policy:#}");
    assert!(to("ALLOW", &format!("docker-image://docker.io/library/debian@{digest}")), "{policy:#}");
    project.write("policy.json", ok(&exported));
    let again = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("policy.json", ok(&exported));
    again.run("lock migrate policy.json --platform linux/amd64");
    assert!(lock(&again).contains("docker.io/library/alpine:3.20"), "{}", lock(&again));
    // A template of a Dockerfile is no JSON, and one file that is none costs itself.
    again.write("Dockerfile", "{{ template }}\n");
    again.write("broken.json", "{{");
    again.write("new.Dockerfile", format!("FROM busybox:1@{digest}\n"));
    let partly = again.run("lock migrate Dockerfile broken.json new.Dockerfile");
    assert!(partly.status == 2 && partly.stdout.ends_with(": 1 new\n"), "{partly:#?}");
    assert_eq!(partly.stderr.matches("error: ").count(), 2, "{partly:#?}");
    let refused = again.run("lock migrate missing.json");
    assert!(refused.status == 2 && refused.stderr.contains("missing.json: there is no such file"), "{refused:#?}");
}

/// What strangers write into lock and answers is not believed further than it is about what was asked.
#[test]
fn a_pin_moves_by_no_answer_and_no_cache() {
    let registry = Registry::start();
    let digest = registry.push("team/python:3", &python("3.12"));
    let reference = registry.reference("team/python:3");
    let project = project(format!("FROM {reference}\nENV A=$PYTHON_VERSION\n"))
        .file("plimsoll.toml", "[lock]\nanswers = true\nwrite = true\npin = [\"*\"]\n");
    ok(&project.run(&format!("lock {PLATFORM}")));
    let (first, answers) = (lock(&project), fs::read_to_string(project.path().join("plimsoll.answers")).unwrap());
    for other in [format!("sha256:{}", "e".repeat(64)), "\\u001b[31mx".to_owned()] {
        let forged = answers.replace(&format!("\"digest\":\"{digest}\""), &format!("\"digest\":\"{other}\""));
        assert_ne!(forged, answers);
        project.write("plimsoll.answers", forged);
        project.run(&format!("lock {PLATFORM}"));
        project.lint(&format!("{PLATFORM} --slow-checks=off"));
        assert_eq!(lock(&project), first, "{other}");
    }
    fs::remove_file(project.path().join("plimsoll.answers")).unwrap();
    // What no lock ever says is not looked up by the tag either.
    project.lint(&format!("{ON} --cache-dir warm"));
    project.write("plimsoll.lock", first.replace(&digest, "notadigest"));
    let strict = project.lint(&format!("{ON} --lock strict --cache-dir warm"));
    assert!(strict.status == 2 && strict.stderr.contains("is no such answer"), "{strict:#?}");
    assert!(project.run(&format!("lock check {PLATFORM}")).stdout.starts_with("stale: "));

    project.write("plimsoll.lock", &first);
    fs::remove_file(project.path().join("plimsoll.answers")).unwrap();
    let offline = project.lint(&format!("{ON} --lock strict --offline --cache-dir none"));
    assert_eq!(offline.status, 2, "without an answer strict is an error: {offline:#?}");

    let forged = "[[\"version\",\"1\"]]\n[\"oci\",\"tags\",[\"evil\\u001b]0;PWN\\u0007\"],\
        {\"value\":\"a\\u001b[2J\\nmissing: fake\",\"policy\":\"pin\"}]\n";
    project.write("plimsoll.lock", forged);
    for command in ["lock list", "lock check", "lock prune --dry-run", "lock set float *", "lock why *"] {
        let told = project.run(command);
        assert!(!told.stdout.contains(['\u{1b}', '\u{7}']), "{command}: {told:#?}");
        assert!(!told.stdout.lines().any(|line| line == "missing: fake"), "{command}: {told:#?}");
    }
    std::os::unix::fs::symlink("plimsoll.toml", project.path().join("linked")).unwrap();
    fs::rename(project.path().join("linked"), project.path().join("plimsoll.lock")).unwrap();
    assert!(project.run("lock list").stderr.contains("it is no regular file"));
}

/// What is known of content contradicts nothing: no conflict in it is left to anybody.
#[test]
fn conflicts_in_answers_are_joined() {
    let registry = Registry::start();
    for tag in ["1", "2"] {
        registry.push(&format!("team/python:{tag}"), &python(tag));
    }
    let file =
        |tag: &str| format!("FROM {}\nENV A=$PYTHON_VERSION\n", registry.reference(&format!("team/python:{tag}")));
    let project = project(file("1")).file("plimsoll.toml", "[lock]\nanswers = true\n");
    let answers = || fs::read_to_string(project.path().join("plimsoll.answers")).unwrap();
    let side = |tag: &str| {
        project.write("Dockerfile", file(tag));
        fs::remove_file(project.path().join("plimsoll.answers")).unwrap_or_default();
        ok(&project.run(&format!("lock update {PLATFORM}")));
        answers().lines().nth(1).unwrap().to_owned()
    };
    let (ours, theirs) = (side("1"), side("2"));
    let whole = answers();
    let header = whole.lines().next().unwrap();
    project.write("plimsoll.answers", format!("{header}\n<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> other\n"));
    let refused = project.lint("--slow-checks=off");
    assert!(refused.stderr.contains("plimsoll.answers:2: git left a conflict here: run `plimsoll lock merge`"));
    ok(&project.run("lock merge"));
    let lines: std::collections::BTreeSet<_> = answers().lines().map(str::to_owned).collect();
    assert_eq!(lines, [header.to_owned(), ours, theirs].into());
    ok(&project.lint("--slow-checks=off"));
}

/// Answers stay as long as the lock needs them, whatever a run could not ask or left for later.
#[test]
fn answers_stay_with_their_entries() {
    let registry = Registry::start();
    let both = |version: &str| Index::from(&[python(version), Image::new("linux/arm64").env("V", version)]);
    registry.push_index("team/python:3", both("1"));
    let reference = registry.reference("team/python:3");
    let file = format!("FROM {reference}\nENV A=$PYTHON_VERSION\n");
    let project = project(file).file("plimsoll.toml", "[lock]\nanswers = true\n");
    let answers = || fs::read_to_string(project.path().join("plimsoll.answers")).unwrap();
    ok(&project.run("lock --platform linux/amd64,linux/arm64"));
    let (first, known) = (lock(&project), answers());
    ok(&project.run(&format!("lock {PLATFORM}")));
    assert_eq!(
        (lock(&project), answers()),
        (first.clone(), known.clone()),
        "a run for one platform takes nothing away"
    );
    assert_eq!(ok(&project.run(&format!("lock check {PLATFORM}"))), "", "nor calls it unused");

    registry.push_index("team/python:3", both("2"));
    let waits = project.run(&format!("lock update {PLATFORM} --min-age 9999d"));
    assert_eq!((lock(&project), answers()), (first.clone(), known.clone()), "{waits:#?}");
    registry.fault("", Fault::Status(500, vec![]));
    assert_eq!(project.run(&format!("lock update {PLATFORM}")).status, 2);
    assert_eq!((lock(&project), answers()), (first, known.clone()));
    registry.clear_faults();
    ok(&project.run("lock update --platform linux/amd64,linux/arm64"));
    assert_eq!(answers().lines().count(), known.lines().count(), "those of what it meant are gone");
    assert_ne!(answers(), known);
    registry.fault("manifests/sha256:", Fault::Status(404, vec![]));
    let gone = project.run("lock verify");
    assert!(gone.status == 1 && gone.stdout.starts_with("gone: "), "what is carried proves nothing: {gone:#?}");
}

#[test]
fn what_the_lock_is_good_for_is_known() {
    let registry = Registry::start();
    let both = |version: &str| Index::from(&[python(version), Image::new("linux/arm64").env("V", version)]);
    for tag in ["1", "2"] {
        registry.push_index(&format!("team/python:{tag}"), both(tag));
    }
    let [one, two] = ["1", "2"].map(|tag| registry.reference(&format!("team/python:{tag}")));
    let project = project(format!("FROM {one}\n"));
    ok(&project.run("lock --platform linux/arm64"));
    let strict = project.lint(&format!("{ON} --lock strict"));
    assert_eq!(strict.status, 0, "an index is good for every platform: {strict:#?}");

    // A tag that was bumped leaves its entry behind.
    project.write("Dockerfile", format!("FROM {two}\n"));
    ok(&project.run("lock --platform linux/arm64"));
    let checked = project.run("lock check --platform linux/arm64");
    assert!(checked.stdout.starts_with("unused: ") && checked.stdout.contains(&one), "{checked:#?}");
    // But not where a variable may have other values.
    project.write("Dockerfile", format!("ARG V=2\nFROM {}\n", two.replace(":2", ":$V")));
    assert_eq!(ok(&project.run("lock check --platform linux/arm64")), "");
    project.write("Dockerfile", format!("FROM {two}\n"));
    ok(&project.run("lock prune --platform linux/arm64"));

    let locked = lock(&project);
    let asked = format!("lock verify {PLATFORM}");
    assert_eq!(ok(&project.run(&asked)), "");
    registry.push_index("team/python:2", both("3"));
    assert!(ok(&project.run(&asked)).starts_with("moved: "), "a tag may move");
    let value = locked.split("\"value\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    project.write("plimsoll.lock", locked.replace(&value, &format!("sha256:{}", "b".repeat(64))));
    let wrong = project.run(&asked);
    assert!(wrong.status == 1 && wrong.stdout.contains("wrong: "), "{wrong:#?}");

    // Strict wants all that the file refers to, whether or not a rule asks; from wherever it is called.
    project.write("plimsoll.lock", &locked);
    project.write("sub/plimsoll.toml", "[rules.\"buildkit/StageNameCasing\"]\nseverity = \"off\"\n");
    project.write("sub/Dockerfile", format!("FROM {two}\n"));
    assert!(git(project.path(), &["init", "-q"]).status.success());
    assert_eq!(project.lint(&format!("{ON} --lock strict sub")).status, 0);
    project.write("sub/Dockerfile", format!("FROM {two}\nADD https://files.test/a /a\n"));
    let strict = project.lint(&format!("{ON} --lock strict sub"));
    assert_eq!(strict.status, 2, "{strict:#?}");
    assert!(
        strict.stderr.contains("Dockerfile:2 ADD: ") && strict.stderr.contains("has no entry http.digest"),
        "{strict:#?}"
    );
    assert_eq!(project.run("lock chekc").status, 2, "a file that is not there");
    assert_eq!(project.run("lock --slow-checks=off").status, 2);
}
