//! Files that cannot be linted: each is a problem of its own, with a clear
//! message, and every other file is linted and reported.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use plimsoll_test_support::{Linted, Project};

const GOOD: &str = "FROM scratch AS Good\n";
const FOUND: &str = "buildkit/StageNameCasing 1: Stage name 'Good' should be lowercase";

/// Lints a bad file among good ones; the good ones are reported, and the bad
/// one has this problem.
fn check(prepare: impl FnOnce(&Project), status: i32, problem: &str) -> Linted {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("a/Dockerfile", GOOD).file("z/Dockerfile", GOOD);
    fs::create_dir(project.path().join("m")).unwrap();
    prepare(&project);
    let linted = project.lint("--slow-checks=off");
    assert_eq!(linted.findings().iter().filter(|finding| *finding == FOUND).count(), 2, "{linted:#?}");
    assert!(linted.problems().iter().any(|found| found.starts_with(problem)), "{problem} in {linted:#?}");
    assert_eq!(linted.status, status, "{linted:#?}");
    let text = project.run("lint --slow-checks=off");
    assert_eq!(text.status, status);
    assert!(text.stdout.contains("m/Dockerfile"), "{text:#?}");
    linted
}

#[test]
fn empty() {
    check(|project| project.write("m/Dockerfile", ""), 1, "empty: the file has no instructions");
}

#[test]
fn ten_megabytes() {
    check(
        |project| project.write("m/Dockerfile", "FROM scratch\n".repeat(800_000)),
        2,
        "too-large: the file is larger than",
    );
}

#[test]
fn just_within_the_limit() {
    let instruction = "RUN echo a word or two of no great use to anybody\n";
    let file = format!("{GOOD}{}", instruction.repeat((4 << 20) / instruction.len() - 1));
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", file);
    let linted = project.lint("--slow-checks=off");
    assert_eq!((linted.findings(), linted.problems()), (vec![FOUND.to_owned()], vec![]), "{:?}", linted.stderr);
}

#[test]
fn binary() {
    check(|project| project.write("m/Dockerfile", b"\x7fELF\x02\x01\x01\0\0\0"), 2, "binary: the file is binary");
}

#[test]
fn invalid_utf8() {
    let linted = check(
        |project| project.write("m/Dockerfile", b"FROM scratch\n# caf\xe9\nUSER a\n"),
        1,
        "encoding: this line is not UTF-8",
    );
    assert_eq!(linted.json()["files"][1]["problems"][0]["line"], 2);
}

#[test]
fn syntax_error() {
    let linted = check(
        |project| project.write("m/Dockerfile", "FROM scratch\n\nRNU true\n"),
        1,
        "syntax: unknown instruction: RNU",
    );
    assert_eq!(linted.json()["files"][1]["problems"][0]["line"], 3);
}

#[test]
fn unreadable() {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    if is_root {
        return eprintln!("SKIPPED: unreadable: root reads everything");
    }
    let lock = |project: &Project| {
        project.write("m/Dockerfile", GOOD);
        fs::set_permissions(project.path().join("m/Dockerfile"), fs::Permissions::from_mode(0o0)).unwrap();
    };
    check(lock, 2, "io: the file cannot be opened: Permission denied");
}

#[test]
fn links_that_lead_nowhere() {
    check(
        |project| symlink("Dockerfile", project.path().join("m/Dockerfile")).unwrap(),
        2,
        "io: the file cannot be read: Too many levels",
    );
    check(
        |project| symlink("nowhere", project.path().join("m/Dockerfile")).unwrap(),
        2,
        "io: the file cannot be read: there is no such file",
    );
    // A loop of folders is not followed.
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("a/Dockerfile", GOOD);
    symlink("..", project.path().join("a/loop")).unwrap();
    assert_eq!(project.lint("--slow-checks=off").findings(), [FOUND]);
}

#[test]
fn pipes_are_not_waited_for() {
    let pipe = |project: &Project| {
        let made = Command::new("mkfifo").arg(project.path().join("m/Dockerfile")).status().unwrap();
        assert!(made.success());
    };
    check(pipe, 2, "io: the file cannot be read: this is no regular file");
}

#[test]
fn a_path_that_is_not_there() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("a/Dockerfile", GOOD);
    let linted = project.lint("--slow-checks=off nowhere/Dockerfile a");
    assert_eq!((linted.status, linted.findings()), (2, vec![FOUND.to_owned()]));
    assert_eq!(linted.problems(), ["io: the file cannot be read: there is no such file or folder: check the path"]);
    assert_eq!(linted.json()["summary"]["not_checked"], 1);
}
