//! What earlier runs know: answers on disk, against registries inside the test.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use plimsoll_test_support::{Auth, Image, Linted, Project, Registry, files_below};

const ON: &str = "--slow-checks=on --platform linux/amd64";
const OFF: &str = "--slow-checks=off --platform linux/amd64";

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll"))
}

fn python() -> Image {
    Image::new("linux/amd64").env("PATH", "/usr/local/bin").env("PYTHON_VERSION", "3.12")
}

/// `from_cache` and `executed`.
fn counts(linted: &Linted) -> (u64, u64) {
    let json = linted.json();
    let count = |key: &str| json["slow_checks"][key].as_u64().unwrap();
    (count("from_cache"), count("executed"))
}

/// The files of answers.
fn answers(project: &Project) -> Vec<PathBuf> {
    let files = files_below(&project.path().join(".cache/plimsoll"));
    files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

#[test]
fn what_is_known_is_answered_in_every_mode() {
    let registry = Registry::start();
    registry.push("team/python:3", &python());
    let file = format!("FROM {}\nENV A=$PYTHON_VERSION\nENV B=$NOWHERE\n", registry.reference("team/python:3"));
    let project = project().file("Dockerfile", file);
    assert_eq!(project.lint(OFF).findings().len(), 2);
    let cold = project.lint(ON);
    assert_eq!((counts(&cold), cold.findings().len()), ((0, 1), 1), "{cold:#?}");
    registry.clear_log();

    for arguments in [ON, OFF, &format!("{ON} --offline"), "--slow-checks=auto --platform linux/amd64"] {
        let project = &project;
        let warm = project.lint(arguments);
        assert_eq!((warm.findings(), warm.skipped(), counts(&warm)), (cold.findings(), vec![], (1, 0)), "{warm:#?}");
    }
    let project = project.variable("CI", "true");
    let warm = project.lint("--platform linux/amd64");
    assert_eq!((warm.findings(), warm.skipped()), (cold.findings(), vec![]), "{warm:#?}");
    let plan = project.run(&format!("lint --explain-plan {ON}")).stdout;
    assert!(plan.contains("(known from an earlier run)"), "{plan}");
    assert!(plan.ends_with("0 questions would be asked for 0 requests; nothing was asked.\n"), "{plan}");
    assert_eq!(registry.counts().requests, 0);
}

#[test]
fn what_is_not_known_leaves_the_fast_findings() {
    let registry = Registry::start();
    registry.push("team/python:3", &python());
    registry.push("team/other:1", &python());
    let [python, other] = ["team/python:3", "team/other:1"].map(|name| registry.reference(name));
    let project = project().file("known/Dockerfile", format!("FROM {python}\n")).file(
        "both/Dockerfile",
        format!("FROM {python} AS a\nENV A=$PYTHON_VERSION\nFROM {other} AS b\nENV A=$PYTHON_VERSION\n"),
    );
    assert_eq!(counts(&project.lint(&format!("{ON} known"))), (0, 1));
    let linted = project.lint(&format!("{OFF} both"));
    assert_eq!(linted.findings(), ["buildkit/UndefinedVar 4: Usage of undefined variable '$PYTHON_VERSION'"]);
    assert_eq!(linted.skipped().len(), 2, "{linted:#?}");
    assert_eq!(counts(&linted), (1, 0));
}

#[test]
fn a_file_with_errors_is_the_same_with_and_without_a_cache() {
    let registry = Registry::start();
    registry.push("team/python:3", &python());
    let python = registry.reference("team/python:3");
    let project = project()
        .file("good/Dockerfile", format!("FROM {python}\n"))
        .file("bad/Dockerfile", format!("FROM {python}\nRNU\n"));
    let cold = project.lint(&format!("{ON} bad"));
    project.lint(&format!("{ON} good"));
    let warm = project.lint(&format!("{ON} bad"));
    assert_eq!(cold.skipped(), ["buildkit/InvalidBaseImagePlatform fail-fast"]);
    assert_eq!((warm.skipped(), warm.findings()), (cold.skipped(), cold.findings()));
}

#[test]
fn tags_are_asked_again_in_time_and_digests_never() {
    let registry = Registry::start();
    let digest = registry.push("team/app:1", &Image::new("linux/amd64"));
    let tag = registry.reference("team/app:1");
    let by_digest = format!("{}@{digest}", registry.reference("team/app"));
    let project = project().file("Dockerfile", format!("FROM {tag} AS a\nFROM {by_digest} AS b\n"));
    assert_eq!(counts(&project.lint(ON)), (0, 2));
    assert_eq!(counts(&project.lint(ON)), (2, 0));
    project.write("plimsoll.toml", "[slow-checks]\ncache-ttl = \"0s\"\n");
    assert_eq!(counts(&project.lint(ON)), (1, 1));
    let project = project.variable("PLIMSOLL_SLOW_CHECKS_CACHE_TTL", "1m");
    assert_eq!(counts(&project.lint(ON)), (2, 0));
}

#[test]
fn failures_are_not_kept() {
    let registry = Registry::start();
    let project = project().file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")));
    assert_eq!(project.lint(ON).skipped(), ["buildkit/InvalidBaseImagePlatform not-found"]);
    registry.push("team/app:1", &Image::new("linux/arm64"));
    assert_eq!(project.lint(ON).findings().len(), 1);
    // A platform that is not there is an answer.
    registry.clear_log();
    let known = project.lint(OFF);
    assert_eq!((known.findings().len(), registry.counts().requests), (1, 0), "{known:#?}");
}

#[test]
fn damage_is_said_and_mended() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let project = project().file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")));
    project.lint(ON);
    let path = answers(&project).remove(0);
    let content = fs::read(&path).unwrap();
    fs::write(&path, &content[..content.len() / 2]).unwrap();
    let linted = project.lint(ON);
    assert!(linted.stderr.contains("answers that were damaged: 1; they are asked for again"), "{linted:#?}");
    assert_eq!((linted.status, counts(&linted)), (0, (0, 1)));
    let again = project.lint(ON);
    assert_eq!((again.stderr.as_str(), counts(&again)), ("", (1, 0)));
}

#[test]
fn credentials_stay_out_of_it() {
    for auth in [Auth::basic("ada", "s3cret"), Auth::token("ada", "s3cret")] {
        let registry = Registry::builder().auth(auth).start();
        registry.push("team/app:1", &Image::new("linux/amd64"));
        // "ada:s3cret", as `docker login` writes it.
        let encoded = "YWRhOnMzY3JldA==";
        let config = format!(r#"{{"auths":{{"{}":{{"auth":"{encoded}"}}}}}}"#, registry.host());
        let project = project()
            .file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")))
            .file("elsewhere/auth.json", config)
            .file("plimsoll.toml", "[registries]\ncredentials = \"elsewhere/auth.json\"\n");
        let linted = project.lint(ON);
        assert_eq!((linted.skipped(), counts(&linted)), (vec![], (0, 1)), "{linted:#?}");
        let kept = answers(&project);
        assert_eq!(kept.len(), 1);
        for path in files_below(&project.path().join(".cache")) {
            let text = fs::read_to_string(&path).unwrap();
            let is_told = ["s3cret", encoded, "ada", "Bearer", "token"].iter().any(|secret| text.contains(secret));
            assert!(!is_told, "{text}");
        }
    }
}

/// A tree that brings its own mirrors answers for itself, and for nobody else.
#[test]
fn other_mirrors_have_other_answers() {
    let (registry, mirror) = (Registry::start(), Registry::start());
    registry.push("team/app:1", &Image::new("linux/amd64"));
    mirror.push("team/app:1", &Image::new("linux/amd64").env("FORGED", "1"));
    let base = registry.reference("team/app:1");
    let config =
        format!("[[registry]]\nprefix = \"{0}/team\"\nlocation = \"{1}/team\"\n", registry.host(), mirror.host());
    let project = project()
        .file("Dockerfile", format!("FROM {base}\nENV A=$FORGED\n"))
        .file("ci/registries.conf", config)
        .file("plimsoll.toml", "[registries]\nconfig = \"ci/registries.conf\"\n");
    assert_eq!(project.lint(ON).findings(), [""; 0]);
    assert_eq!((mirror.counts().requests, registry.counts().requests), (3, 0));
    assert_eq!(counts(&project.lint(OFF)), (1, 0));

    project.write("plimsoll.toml", "");
    let usual = project.lint(ON);
    assert_eq!((counts(&usual), usual.findings().len()), ((0, 1), 1), "{usual:#?}");
    project.write("plimsoll.toml", "[registries]\nconfig = \"ci/registries.conf\"\n");
    let blocked = format!("[[registry]]\nlocation = \"{}\"\nblocked = true\n", registry.host());
    project.write("ci/registries.conf", blocked);
    let blocked = project.lint(ON);
    assert!(blocked.skipped().iter().all(|skipped| skipped.ends_with(" denied")), "{blocked:#?}");
    assert_eq!(counts(&blocked).0, 0);

    let missing = project.variable("PLIMSOLL_REGISTRIES_CONFIG", "nowhere.conf").lint(ON);
    assert!(missing.stderr.contains("nowhere.conf"), "variables go before the file: {missing:#?}");
}

#[test]
fn many_processes_share_it() {
    let registry = Registry::start();
    let mut project = project();
    for index in 0..20 {
        let name = format!("team/app{index}:1");
        registry.push(&name, &Image::new("linux/amd64").env("N", &index.to_string()));
        project = project.file(&format!("{index}/Dockerfile"), format!("FROM {}\n", registry.reference(&name)));
    }
    let start = || {
        let mut command = project.command(&format!("lint --format json {ON}"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..6).map(|_| start()).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    assert_eq!(answers(&project).len(), 20);
    assert_eq!(counts(&project.lint(OFF)), (20, 0));
}

#[test]
fn a_folder_that_cannot_be_used_costs_nothing_else() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let project = project().file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1"))).file("file", "");
    let linted = project.lint(&format!("{ON} --cache-dir file/cache"));
    assert_eq!((linted.status, linted.stderr.as_str(), counts(&linted)), (0, "", (0, 1)));
    let verbose = project.lint(&format!("{ON} --cache-dir file/cache -v"));
    assert!(verbose.stderr.contains("cache: file/cache: "), "{verbose:#?}");
    assert!(verbose.stderr.contains("use --cache-dir for another folder"), "{verbose:#?}");
}

#[test]
fn it_is_shown_and_cleared() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let project = project()
        .file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")))
        .file("here/letter", "dear")
        .variable("PLIMSOLL_CACHE_DIR", "here");
    project.lint(ON);
    let said = |arguments: &str, answers: &str, native: &str, pulled: &str| {
        assert_eq!(project.run(arguments).stdout, format!("{answers}\n{native}\n{pulled}\n"), "{arguments}");
    };
    said(
        "cache info",
        "here: 1 answer of 4 KiB, the oldest from 0 min ago; at most 64 MiB are kept",
        "here: native code of 0 components, 0 KiB; at most 512 MiB are kept",
        "here: 0 files of pulled plugins, 0 KiB; at most 1024 MiB are kept",
    );
    let cleared = |arguments: &str, place: &str, answers: &str| {
        let nothing = |what: &str| format!("{place}: {what}, 0 KiB removed");
        let (native, pulled) = (nothing("native code of 0 components"), nothing("0 files of pulled plugins"));
        said(arguments, &format!("{place}: {answers} removed"), &native, &pulled);
    };
    cleared("cache clear --cache-dir nowhere", "nowhere", "0 answers of 0 KiB");
    cleared("cache clear", "here", "1 answer of 4 KiB");
    assert_eq!(fs::read_to_string(project.path().join("here/letter")).unwrap(), "dear");
    assert_eq!(counts(&project.lint(ON)), (0, 1));
}

/// 100 files on 40 images of two hosts, warm: no requests, and hardly slower than without slow checks.
#[test]
fn a_warm_cache_costs_little() {
    /// Other work on the machine costs time now and then: the best of some runs counts.
    const RUNS: std::ops::Range<usize> = 10..60;
    let hosts = [Registry::start(), Registry::start()];
    let mut project = project();
    for index in 0..100 {
        let (host, name) = (&hosts[index % 2], format!("team/app{}:1", index % 40));
        host.push(&name, &python().env("NAME", &name));
        let file = format!("FROM {}\nENV A=$PYTHON_VERSION\nRUN make && make install\n", host.reference(&name));
        project = project.file(&format!("{index}/Dockerfile"), file);
    }
    let cold = project.lint(ON);
    assert_eq!((counts(&cold), cold.skipped()), ((0, 40), vec![]));
    hosts.iter().for_each(Registry::clear_log);
    let (mut warm, mut off) = (Duration::MAX, Duration::MAX);
    let mut ratio = f64::MAX;
    for number in 0..RUNS.end {
        let run = project.lint(ON);
        assert_eq!((counts(&run), run.findings()), ((40, 0), cold.findings()));
        warm = warm.min(run.took);
        off = off.min(project.lint(&format!("{OFF} --cache-dir nowhere")).took);
        ratio = warm.as_secs_f64() / off.as_secs_f64();
        if number >= RUNS.start && ratio <= 1.2 {
            break;
        }
    }
    assert!(hosts.iter().all(|host| host.counts().requests == 0));
    println!("100 files on 40 images: warm {warm:?}, slow checks off {off:?}, ratio {ratio:.3}");
    assert!(ratio <= 1.2, "{ratio}");
}
