//! The session of slow checks, from outside: who is asked when, how much at once,
//! for how long, and what is said of it. Every run sets its mode.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::process::Stdio;
use std::time::Duration;

use plimsoll_test_support::servers::run_or_skip;
use plimsoll_test_support::{Image, Project, Registry, best_of, never_answers};

const ON: &str = "--slow-checks=on --platform linux/amd64";

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll"))
}

fn python() -> Image {
    Image::new("linux/amd64").env("PATH", "/usr/local/bin").env("PYTHON_VERSION", "3.12")
}

/// 100 files on 40 images of two hosts at 300 ms a request: one probe a host, then waves of four. The same again
/// asks nobody.
fn a_hundred_files(push: impl Fn(&Registry, &str), requests_an_image: u32) {
    let latency = Duration::from_millis(300);
    let hosts = [Registry::builder().latency(300).start(), Registry::builder().latency(300).start()];
    let mut project = project();
    for index in 0..100 {
        let (host, name) = (&hosts[index % 2], format!("team/app{}:1", index % 40));
        push(host, &name);
        project = project.file(&format!("{index}/Dockerfile"), format!("FROM {}\n", host.reference(&name)));
    }
    let linted = project.lint(ON);
    for host in &hosts {
        let counts = host.counts();
        assert_eq!((counts.probes, counts.requests), (1, 1 + 20 * requests_an_image as usize), "{counts:?}");
        assert!(counts.concurrent_max <= 4, "{counts:?}");
        host.clear_log();
    }
    assert_eq!(linted.skipped(), [""; 0]);
    let bound = latency * (1 + 20 / 4 * requests_an_image);
    let ratio = linted.took.as_secs_f64() / bound.as_secs_f64();
    println!("{requests_an_image} requests an image: {:?}, {ratio:.3} of probe and waves", linted.took);
    assert!(ratio <= 1.1, "{ratio}");
    project.lint(ON);
    assert!(hosts.iter().all(|host| host.counts().requests == 0), "they are known");
}

#[test]
fn one_probe_a_host_and_two_requests_an_image() {
    let image = Image::new("linux/amd64");
    a_hundred_files(|registry, name| drop(registry.push(name, &image)), 2);
}

#[test]
fn one_probe_a_host_and_three_requests_an_index() {
    let push = |registry: &Registry, name: &str| {
        // Images of their own, so that none is known by its digest already.
        let images = [Image::new("linux/amd64").env("NAME", name), Image::new("linux/arm64").env("NAME", name)];
        registry.push_index(name, &images);
    };
    a_hundred_files(push, 3);
}

#[test]
fn nobody_outside_is_asked_offline() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let file = format!("FROM {}\nCOPY secret /\n", registry.reference("team/app:1"));
    let project = project().file("Dockerfile", file).file(".dockerignore", "secret\n").file("secret", "");
    let ignored = "[rules.\"buildkit/CopyIgnoredFile\"]\nseverity = \"warning\"\n";
    project.write("plimsoll.toml", ignored);
    let offline = project.lint(&format!("{ON} --offline"));
    assert_eq!(offline.skipped(), ["buildkit/InvalidBaseImagePlatform offline"], "{offline:#?}");
    assert_eq!(offline.findings().len(), 1, "files are no network: {offline:#?}");
    assert!(offline.stderr.contains(&format!("offline; {} would be asked", registry.host())), "{offline:#?}");
    assert_eq!(registry.counts().requests, 0);
    let off = project.lint("--slow-checks=off --offline");
    assert!(off.skipped().contains(&"buildkit/InvalidBaseImagePlatform disabled".to_owned()), "{off:#?}");
    let project = project.variable("PLIMSOLL_OFFLINE", "true");
    assert_eq!(project.lint(ON).skipped(), ["buildkit/InvalidBaseImagePlatform offline"]);
}

#[test]
fn pools_are_switched_off_one_by_one() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let project = project()
        .file("plimsoll.toml", "[slow-checks.network]\nenabled = false\n")
        .file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")));
    let linted = project.lint(ON);
    assert_eq!(linted.skipped(), ["buildkit/InvalidBaseImagePlatform disabled"]);
    let note = "1 slow check skipped (the network is switched off; see enabled under [slow-checks.network])";
    assert!(linted.stderr.contains(note), "{linted:#?}");
    assert_eq!(registry.counts().requests, 0);
    let project = project.variable("PLIMSOLL_SLOW_CHECKS_NETWORK", "on");
    assert_eq!(project.lint(ON).skipped(), [""; 0]);
}

/// Errors that come from an answer end the waiting for those behind it, and drop their connections; what another
/// file waits for goes on, and what comes before counts, however late it is.
#[test]
fn errors_from_answers_cancel_what_is_in_flight_for_the_file_alone() {
    let (registry, slow) = (Registry::start(), Registry::builder().latency(300).start());
    registry.push("team/arm:1", &Image::new("linux/arm64"));
    slow.push("team/arm:1", &Image::new("linux/arm64"));
    let (silent, arm, late) = (never_answers(), registry.reference("team/arm:1"), slow.reference("team/arm:1"));
    let silent = |name: &str| format!("{}/{name}", silent.host());
    let project = project()
        .file("plimsoll.toml", "[rules.\"buildkit/InvalidBaseImagePlatform\"]\nseverity = \"error\"\n")
        .file("a/Dockerfile", format!("FROM {arm}\nFROM {}\nFROM {} AS b\n", silent("own:1"), silent("shared:1")))
        .file("b/Dockerfile", format!("FROM {}\n", silent("shared:1")))
        .file("c/Dockerfile", format!("FROM {late}\nFROM {arm} AS b\nFROM {} AS c\n", silent("own:2")));
    let linted = project.lint(&format!("{ON} --slow-checks-timeout=2500ms a c"));
    let of_rule = |reasons: &[&str]| {
        let of_rule = |reason: &&str| format!("buildkit/InvalidBaseImagePlatform {reason}");
        reasons.iter().map(of_rule).collect::<Vec<_>>()
    };
    assert_eq!(linted.skipped(), of_rule(&["fail-fast"; 4]), "{linted:#?}");
    assert_eq!(linted.findings().len(), 2, "the first error of each file: {linted:#?}");
    assert!(linted.findings()[1].contains(&late), "{linted:#?}");
    assert!(linted.took < Duration::from_secs(2), "nobody waits for the silent: {linted:#?}");

    let linted = project.lint(&format!("{ON} --slow-checks-timeout=900ms a b"));
    assert_eq!(linted.skipped(), of_rule(&["fail-fast", "fail-fast", "timeout"]), "{linted:#?}");
}

/// What several files and platforms wait for is given up when all of them are over.
#[test]
fn a_shared_question_is_given_up_when_all_who_wait_are_over() {
    let registry = Registry::start();
    registry.push("team/arm:1", &Image::new("linux/arm64"));
    let silent = never_answers();
    let file =
        format!("FROM {}\nFROM --platform=linux/arm64 {}/shared:1\n", registry.reference("team/arm:1"), silent.host());
    let project = project()
        .file("plimsoll.toml", "[rules.\"buildkit/InvalidBaseImagePlatform\"]\nseverity = \"error\"\n")
        .file("a/Dockerfile", &file)
        .file("b/Dockerfile", &file);
    let linted = project.lint("--slow-checks=on --slow-checks-timeout=3s --platform linux/amd64,linux/s390x a b");
    assert_eq!(linted.skipped(), ["buildkit/InvalidBaseImagePlatform fail-fast"; 2], "{linted:#?}");
    assert!(linted.took < Duration::from_secs(2), "{linted:#?}");
}

/// Many questions that many files share cost no more than asking them.
#[test]
fn many_shared_questions_are_soon_over() {
    let line = |number| format!("ADD https://127.0.0.1/r{number}.git#main /x/\n");
    let file = "FROM scratch\n".to_owned() + &(0..2_000).map(line).collect::<String>();
    let mut project = project();
    for number in 0..4 {
        project = project.file(&format!("{number}/Dockerfile"), &file);
    }
    let lint = |toml: &str| {
        project.write("plimsoll.toml", toml);
        let linted = project.lint(ON);
        assert!(linted.skipped().iter().all(|skipped| skipped.ends_with(" denied")), "{:?}", linted.skipped().first());
        linted.took.as_secs_f64()
    };
    let (fast, slow) = (lint(""), lint("[slow-checks]\nfail-fast = false\n"));
    println!("8,000 requests, {fast:.2} s with fail-fast, {slow:.2} s without");
    assert!(fast < 5.0 * slow + 0.5, "{fast} against {slow}");
}

/// Eight images of one host, 300 ms a request: two waves of two requests and a probe, 1.5 s in all.
#[test]
fn budgets_may_leave_waiting_out_of_account() {
    let registry = Registry::builder().latency(300).start();
    let mut file = String::new();
    for index in 0..8 {
        registry.push(&format!("team/app{index}:1"), &Image::new("linux/amd64").env("N", &index.to_string()));
        file += &format!("FROM {} AS s{index}\n", registry.reference(&format!("team/app{index}:1")));
    }
    let lint = |toml: &str| {
        let project = project().file("plimsoll.toml", toml).file("Dockerfile", &file);
        project.lint(&format!("{ON} --slow-checks-timeout=1200ms"))
    };
    let took_max = Duration::from_millis(1_500);
    let took = best_of(1, took_max, || {
        let together = lint("");
        assert_eq!(together.skipped().len(), 4, "{together:#?}");
        together.took
    });
    assert!(took <= took_max, "{took:?}");
    let each = lint("[slow-checks]\ntimeout-mode = \"execution-only\"\n");
    assert_eq!(each.skipped(), [""; 0], "{each:#?}");
    let pool = lint("[slow-checks]\ntimeout-mode = \"execution-only\"\n[slow-checks.network]\ntimeout = \"100ms\"\n");
    assert_eq!(pool.skipped().len(), 8, "{pool:#?}");
    assert!(pool.stderr.contains("slow checks timed out"), "{pool:#?}");
}

#[test]
fn one_at_a_time_if_so_configured() {
    let registry = Registry::builder().latency(50).start();
    let mut project = project().file("plimsoll.toml", "[slow-checks.network]\nhost-concurrency = 1\n");
    for index in 0..4 {
        let name = format!("team/app{index}:1");
        registry.push(&name, &Image::new("linux/amd64").env("N", &index.to_string()));
        project = project.file(&format!("{index}/Dockerfile"), format!("FROM {}\n", registry.reference(&name)));
    }
    assert_eq!(project.lint(ON).skipped(), [""; 0]);
    assert_eq!(registry.counts().concurrent_max, 1);
}

#[test]
fn verbose_runs_say_what_each_host_was_asked() {
    let registry = Registry::start();
    registry.push("team/python:3", &python());
    let file = format!("FROM {}\nENV A=$PYTHON_VERSION\n", registry.reference("team/python:3"));
    let project = project().file("Dockerfile", file);
    let row = || {
        let linted = project.run(&format!("lint -v {ON}"));
        let row = linted.stderr.lines().find(|line| line.starts_with(&registry.host()));
        row.unwrap_or_else(|| panic!("{linted:#?}")).split_whitespace().skip(1).take(5).map(str::to_owned).collect()
    };
    // Questions, duplicates, from cache, requests, retries.
    let (first, second): (Vec<String>, Vec<String>) = (row(), row());
    assert_eq!((first, second), (words("2 1 0 3 0"), words("2 1 1 0 0")));
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A terminal by `script`, which Debian has everywhere.
#[test]
#[cfg(target_os = "linux")]
fn people_at_a_terminal_see_how_far_it_is() {
    let found = std::process::Command::new("script").arg("--version").stdout(Stdio::null()).status();
    let installed = found.is_ok_and(|status| status.success()).then_some(());
    let installed = installed.ok_or_else(|| "there is no program `script`".to_owned());
    if !run_or_skip("people_at_a_terminal_see_how_far_it_is", installed) {
        return;
    }
    let silent = never_answers();
    let project = project().file("Dockerfile", format!("FROM {}/app:1\n", silent.host()));
    let lint = |arguments: &str, variable: &str| {
        let program = env!("CARGO_BIN_EXE_plimsoll");
        let command = format!("{program} lint {ON} --slow-checks-timeout=1800ms {arguments}");
        let mut shell = std::process::Command::new("script");
        shell.args(["-qec", &command, "/dev/null"]).current_dir(project.path()).stdin(Stdio::null());
        shell.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", project.path()).env("TERM", "xterm");
        let shell = shell.envs(variable.split_once('='));
        String::from_utf8(shell.output().unwrap().stdout).unwrap()
    };
    let shown = "slow checks: 0 of 1 answers, 1 s";
    let terminal = lint("", "");
    assert!(terminal.contains(shown) && terminal.contains("No findings in 1 file."), "{terminal:?}");
    assert!(!lint("-q", "").contains("of 1 answers"));
    assert!(!lint("", "CI=true").contains("of 1 answers"));
    assert!(!project.lint(&format!("{ON} --slow-checks-timeout=1500ms")).stderr.contains("of 1 answers"));
}
