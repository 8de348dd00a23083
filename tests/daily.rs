//! Linting as part of a day's work: again after each change, and what starts at once.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll_test_support::{Project, best_of};

const BAD: &str = "FROM scratch AS Build\n";
const GOOD: &str = "FROM scratch AS build\n";

const WAITING: &str = "waiting for changes in .; Ctrl-C ends\n";

/// A run that watches, which is ended with the test.
struct Watching(Child);

impl Watching {
    fn start(project: &Project, words: &str) -> Self {
        let mut command = project.command(&format!("lint --slow-checks=off --watch {words}"));
        let log = fs::File::create(project.path().join("log")).unwrap();
        Self(command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the last of so many rounds said.
fn rounds_of(project: &Project, rounds: usize) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let text = fs::read_to_string(project.path().join("log")).unwrap();
        let parts: Vec<&str> = text.split(WAITING).collect();
        if parts.len() > rounds {
            return parts[rounds - 1].to_owned();
        }
        assert!(Instant::now() < deadline, "{text}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_watched_folder_is_linted_again() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", GOOD);
    let mut watching = Watching::start(&project, "");
    let seen = |rounds: usize| rounds_of(&project, rounds);
    assert_eq!(seen(1), "No findings in 1 file.\n");
    // No screen is cleared where there is none.
    project.write("Dockerfile", BAD);
    assert!(seen(2).starts_with("warning[buildkit/StageNameCasing]"), "{}", seen(2));
    project.write("more/Dockerfile", GOOD);
    assert!(seen(3).contains("1 finding in 2 files"), "{}", seen(3));
    project.write("plimsoll.toml", "[lint]\nfail-lvel = \"none\"\n");
    assert!(seen(4).contains("did you mean `fail-level`?"), "{}", seen(4));
    project.write("plimsoll.toml", "[rules.\"buildkit/StageNameCasing\"]\nseverity = \"error\"\n");
    assert!(seen(5).contains("error[buildkit/StageNameCasing]"), "{}", seen(5));
    project.write("shared/base.toml", "[lint]\nignore = [\"buildkit/*\"]\n");
    project.write("plimsoll.toml", "extends = \"shared/base.toml\"\n[lint]\nbaseline = \"known.json\"\n");
    let is_last = |round: usize, what: &str| {
        let text = seen(round);
        assert!(text.contains(what), "{text}");
    };
    is_last(6, "there is no baseline");
    project.write("known.json", "[");
    is_last(7, "this is no baseline");
    project.write("plimsoll.toml", "extends = \"shared/base.toml\"\n");
    is_last(8, "No findings in 2 files.");
    project.write("shared/base.toml", "[lint]\nignore = []\n");
    is_last(9, "1 finding in 2 files");
    let id = watching.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(watching.0.wait().unwrap().code(), Some(130));
}

/// A baseline is both looked at and written.
#[test]
fn what_a_round_writes_is_no_change_for_ever() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", BAD);
    project.write("plimsoll.toml", "[lint]\nbaseline = \"plimsoll-baseline.json\"\n");
    let _watching = Watching::start(&project, "--write-baseline");
    rounds_of(&project, 2);
    thread::sleep(Duration::from_secs(2));
    let text = fs::read_to_string(project.path().join("log")).unwrap();
    assert_eq!(text.matches(WAITING).count(), 2, "{text}");
    project.write("Dockerfile", "FROM scratch AS Build\nFROM scratch AS Other\n");
    rounds_of(&project, 3);
}

/// Opening a pipe to which nobody writes takes for ever.
#[test]
fn init_takes_over_files_alone() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    assert!(Command::new("mkfifo").arg(project.path().join("pipe")).status().unwrap().success());
    let run = project.run("init --from hadolint pipe");
    assert!(run.status == 2 && run.stderr.contains("pipe is no file"), "{run:#?}");
}

#[test]
fn help_starts_at_once() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let took_max = Duration::from_millis(10);
    let took = best_of(40, took_max, || project.run("--help").took);
    println!("plimsoll --help: {took:?}");
    assert!(took <= took_max, "{took:?}");
}
