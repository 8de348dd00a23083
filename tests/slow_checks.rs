//! Slow checks against a registry inside the test: what is asked, what comes of
//! the answers, and what is said when there are none. Every run sets its mode.

#![allow(clippy::unwrap_used)]

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use plimsoll_test_support::image::Tree;
use plimsoll_test_support::{Auth, Fault, Image, Index, Project, Registries, Registry, best_of, never_answers, timed};

const ON: &str = "--slow-checks=on --platform linux/amd64";

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll"))
}

fn python() -> Image {
    Image::new("linux/amd64").env("PATH", "/usr/local/bin").env("PYTHON_VERSION", "3.12")
}

#[test]
fn fast_findings_give_way_to_the_environment_of_the_base_image() {
    let registry = Registry::start();
    registry.push("team/python:3", &python());
    let base = registry.reference("team/python:3");
    let project = project().file(
        "Dockerfile",
        format!("FROM {base} AS base\nENV A=$PYTHON_VERSION\nFROM base AS next\nENV B=$PYTHON_VERSION C=$PYTHON_VERSIO\nENV D=$NOWHERE\n"),
    );
    let undefined = |line: u32, name: &str, hint: &str| {
        format!("buildkit/UndefinedVar {line}: Usage of undefined variable '${name}'{hint}")
    };

    let fast = project.lint("--slow-checks=off");
    assert_eq!(fast.findings().len(), 4, "{fast:#?}");
    assert_eq!(fast.skipped(), ["buildkit/InvalidBaseImagePlatform disabled", "buildkit/UndefinedVar disabled"]);

    let exact = project.lint(ON);
    let hint = " (did you mean $PYTHON_VERSION?)";
    assert_eq!(exact.findings(), [undefined(4, "PYTHON_VERSIO", hint), undefined(5, "NOWHERE", "")], "{exact:#?}");
    assert_eq!((exact.status, exact.skipped()), (1, vec![]));
    // Two rules ask one question of the chain's root: a probe, the manifest, the configuration.
    let slow = &exact.json()["slow_checks"];
    assert_eq!((&slow["planned"], &slow["deduplicated"], &slow["executed"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(registry.counts().requests, 3, "{:#?}", registry.log());
}

#[test]
fn docker_hub_is_asked_through_the_users_proxy_by_the_users_certificates() {
    let registries = Registries::start(|_| Tree::from(&Index::from(&[python()])));
    let project = project()
        .file("Dockerfile", "FROM python:3\nENV A=$PYTHON_VERSION B=$PYTHON_VERSIO\n")
        .variable("HTTPS_PROXY", &registries.proxy());
    // Nobody has signed for this proxy yet.
    assert_eq!(
        project.lint(ON).skipped(),
        ["buildkit/InvalidBaseImagePlatform network", "buildkit/UndefinedVar network"]
    );
    assert!(registries.log().is_empty());

    let project = project.file("ours.pem", registries.certificates()).variable("SSL_CERT_FILE", "ours.pem");
    let hint = "Usage of undefined variable '$PYTHON_VERSIO' (did you mean $PYTHON_VERSION?)";
    let linted = project.lint(ON);
    assert_eq!(linted.findings(), [format!("buildkit/UndefinedVar 2: {hint}")], "{linted:#?}");
    assert_eq!(registries.log()[1].path, "/v2/registry-1.docker.io/library/python/manifests/3");
}

#[test]
fn triggers_and_other_gifts_of_the_base_image_count() {
    let registry = Registry::start();
    registry.push("team/base:1", &python().onbuild("COPY $GHOST /"));
    let base = registry.reference("team/base:1");
    let project = project().file("Dockerfile", format!("FROM {base}\nENV A=$PYTHON_VERSION\n"));
    let findings = project.lint(ON).findings();
    assert_eq!(findings, ["buildkit/UndefinedVar 1: Usage of undefined variable '$GHOST'"]);
}

#[test]
fn platforms_of_base_images_are_compared() {
    let registry = Registry::start();
    let images = [Image::new("linux/amd64"), Image::new("linux/arm64/v8"), Image::new("linux/arm/v7")];
    registry.push_index("team/many:1", Index::from(&images).attestations());
    registry.push("team/one:1", &Image::new("linux/arm64"));
    let (many, one) = (registry.reference("team/many:1"), registry.reference("team/one:1"));
    let project = project()
        .file(
            "index/Dockerfile",
            format!(
                "FROM {many}\nFROM --platform=linux/s390x {many} AS s390x\nFROM --platform=linux/aarch64 {many} AS arm64\n"
            ),
        )
        .file("single/Dockerfile", format!("FROM {one}\nFROM --platform=linux/arm64/v8 {one} AS arm64\n"));
    let linted = project.lint(&format!("{ON} index single"));
    let missing = format!(
        "buildkit/InvalidBaseImagePlatform 2: Base image {many} has no manifest for platform \"linux/s390x\"; available: linux/amd64, linux/arm/v7, linux/arm64"
    );
    let other = format!(
        "buildkit/InvalidBaseImagePlatform 1: Base image {one} was pulled with platform \"linux/arm64\", expected \"linux/amd64\" for current build"
    );
    assert_eq!(linted.findings(), [missing, other], "{linted:#?}");
    assert_eq!(linted.skipped(), [""; 0]);
}

/// Each platform's answer counts, and what all say is said once.
#[test]
fn several_platforms_are_checked_at_once() {
    let registry = Registry::start();
    let env = |platform: &str, name: &str| Image::new(platform).env("PATH", "/bin").env(name, "1");
    let images = [env("linux/amd64", "SSE"), env("linux/arm64", "THUMB_MODE")];
    registry.push_index("team/many:1", Index::from(&images));
    let many = registry.reference("team/many:1");
    let file = format!("FROM {many} AS Many\nENV A=$SSE\nENV B=$THUMB_MODE\nENV C=$NEITHER\n");
    let project = project().file("Dockerfile", file);
    let undefined = |line, name| format!("buildkit/UndefinedVar {line}: Usage of undefined variable '${name}'");
    let casing = "buildkit/StageNameCasing 1: Stage name 'Many' should be lowercase".to_owned();
    let linted = project.lint("--slow-checks=on --platform linux/amd64,linux/arm64,linux/s390x");
    let missing = format!(
        "buildkit/InvalidBaseImagePlatform 1: Base image {many} has no manifest for platform \"linux/s390x\"; available: linux/amd64, linux/arm64"
    );
    let expected = [missing, casing.clone(), undefined(2, "SSE"), undefined(3, "THUMB_MODE"), undefined(4, "NEITHER")];
    assert_eq!(linted.findings(), expected, "{linted:#?}");
    let counts = registry.counts();
    assert_eq!(counts.blobs, 2, "one configuration each: {counts:?}");
    let linted = project.lint("--slow-checks=on --platform linux/amd64");
    assert_eq!(linted.findings(), [casing, undefined(3, "THUMB_MODE"), undefined(4, "NEITHER")], "{linted:#?}");
}

/// A file in the tree does not take the place of the user's own choice.
#[test]
fn the_tree_unblocks_no_registry() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let blocked = format!("[[registry]]\nlocation = \"{}\"\nblocked = true\n", registry.host());
    let home = plimsoll_test_support::scratch_folder();
    std::fs::create_dir(home.path().join("plimsoll")).unwrap();
    std::fs::write(home.path().join("plimsoll/own.conf"), blocked).unwrap();
    std::fs::write(home.path().join("plimsoll/plimsoll.toml"), "[registries]\nconfig = \"own.conf\"\n").unwrap();
    let project = project()
        .file("plimsoll.toml", "[registries]\nconfig = \"tree.conf\"\n")
        .file("tree.conf", "")
        .file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")));
    assert_eq!(project.lint(ON).skipped(), [""; 0], "where the user says nothing, the tree does");
    let project = project.variable("XDG_CONFIG_HOME", &home.path().display().to_string());
    assert_eq!(project.lint(ON).skipped(), ["buildkit/InvalidBaseImagePlatform denied"]);
}

/// What one platform's answer knows how to mend, the other does not say without.
#[test]
fn platforms_without_an_answer_say_nothing_twice() {
    let registry = Registry::start();
    registry.push_index("team/some:1", Index::from(&[Image::new("linux/amd64")]));
    let project = project()
        .file("plimsoll.toml", "[rules.\"sources/unpinned-image\"]\nseverity = \"info\"\n")
        .file("Dockerfile", format!("FROM {}\n", registry.reference("team/some:1")));
    for platforms in ["linux/amd64,linux/s390x", "linux/s390x,linux/amd64"] {
        let linted = project.lint(&format!("--slow-checks=on --platform {platforms}"));
        let unpinned = linted.findings().iter().filter(|finding| finding.contains("not pinned")).count();
        assert_eq!(unpinned, 1, "{linted:#?}");
    }
}

#[test]
fn scratch_and_stages_ask_nothing_and_digests_are_asked() {
    let registry = Registry::start();
    let digest = registry.push("team/app:1", &Image::new("linux/amd64"));
    let by_digest = format!("{}@{digest}", registry.reference("team/app"));
    let project = project()
        .file("none/Dockerfile", "FROM scratch AS base\nFROM base\nENV A=$B\n")
        .file("digest/Dockerfile", format!("FROM {by_digest}\n"));
    assert_eq!(project.lint(&format!("{ON} none")).json()["slow_checks"]["planned"], 0);
    let linted = project.lint(&format!("{ON} digest"));
    assert_eq!((linted.status, linted.skipped()), (0, vec![]), "{linted:#?}");
    assert_eq!(linted.json()["slow_checks"]["executed"], 1);
}

#[test]
fn equal_questions_of_many_files_are_one() {
    let registry = Registry::start();
    registry.push("team/python:3", &python());
    let base = registry.reference("team/python:3");
    let mut project = project();
    for index in 0..30 {
        project =
            project.file(&format!("{index}/Dockerfile"), format!("FROM {base}\nENV A=$PYTHON_VERSION B=$NOWHERE\n"));
    }
    let linted = project.lint(ON);
    assert_eq!(linted.findings().len(), 30);
    let slow = &linted.json()["slow_checks"];
    assert_eq!((&slow["planned"], &slow["deduplicated"], &slow["executed"]), (&60.into(), &59.into(), &1.into()));
    assert_eq!(registry.counts().requests, 3);
}

#[test]
fn the_budget_is_kept_and_status_is_that_of_the_fast_findings() {
    let silent = never_answers();
    let project = project()
        .file("found/Dockerfile", format!("FROM {}/app:1 AS Build\n", silent.host()))
        .file("clean/Dockerfile", format!("FROM {}/app:1\n", silent.host()));
    let lint = || project.lint(&format!("{ON} --slow-checks-timeout=2s found"));
    let took_max = Duration::from_millis(2_300);
    let took = best_of(1, took_max, || lint().took);
    assert!(took <= took_max, "{took:?}");
    let found = lint();
    assert_eq!(found.status, 1);
    assert_eq!(found.skipped(), ["buildkit/InvalidBaseImagePlatform timeout"]);
    assert!(
        found.stderr.contains("1 slow check timed out") && found.stderr.contains("raise --slow-checks-timeout, now 2s"),
        "{found:#?}"
    );
    let clean = project.lint(&format!("{ON} --slow-checks-timeout=500ms clean"));
    assert_eq!(clean.status, 0);
    assert_eq!(project.lint(&format!("{ON} --slow-checks-timeout=500ms --fail-on-skipped clean")).status, 1);
}

#[test]
fn fast_findings_stand_when_the_answer_is_missing() {
    let registry = Registry::start();
    registry.push("team/python:3", &python());
    let (python, nowhere) = (registry.reference("team/python:3"), registry.reference("team/nowhere:1"));
    let project = project().file(
        "Dockerfile",
        format!("FROM {nowhere} AS a\nENV A=$PYTHON_VERSION\nFROM {python} AS b\nENV A=$PYTHON_VERSION\n"),
    );
    let linted = project.lint(ON);
    assert_eq!(linted.findings(), ["buildkit/UndefinedVar 2: Usage of undefined variable '$PYTHON_VERSION'"]);
    assert_eq!(linted.skipped(), ["buildkit/InvalidBaseImagePlatform not-found", "buildkit/UndefinedVar not-found"]);
    assert!(linted.stderr.contains("there is no such image"), "{linted:#?}");
}

#[test]
fn reasons_are_told_apart() {
    let check = |fault: Fault, reason: &str| {
        let registry = Registry::start();
        registry.push("team/app:1", &Image::new("linux/amd64"));
        registry.fault("/manifests/", fault);
        let project = project().file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")));
        let linted = project.lint(&format!("{ON} --slow-checks-timeout=2s"));
        assert_eq!(linted.skipped(), [format!("buildkit/InvalidBaseImagePlatform {reason}")], "{linted:#?}");
        assert_eq!(linted.status, 0);
    };
    check(Fault::status(401), "auth");
    check(Fault::status(403), "auth");
    check(Fault::status(404), "not-found");
    check(Fault::status(500), "network");
    check(Fault::status(429), "network");
    check(Fault::Reset, "network");
    check(Fault::NeverAnswer, "timeout");
    check(Fault::WrongDigest, "resolver-error");
    check(Fault::Malformed, "resolver-error");
    check(Fault::Oversize { bytes: 5 << 20, announced: true }, "resolver-error");
}

#[test]
fn credentials_are_found_and_their_absence_is_explained() {
    for auth in [Auth::basic("ada", "secret"), Auth::token("ada", "secret")] {
        let registry = Registry::builder().auth(auth).start();
        registry.push("team/app:1", &Image::new("linux/arm64"));
        let project = project().file("Dockerfile", format!("FROM {}\n", registry.reference("team/app:1")));
        let refused = project.lint(ON);
        assert_eq!(refused.skipped(), ["buildkit/InvalidBaseImagePlatform auth"], "{refused:#?}");
        assert!(refused.stderr.contains("docker login"), "{refused:#?}");

        // "ada:secret", as `docker login` writes it.
        let config = format!(r#"{{"auths":{{"{}":{{"auth":"YWRhOnNlY3JldA=="}}}}}}"#, registry.host());
        project.write(".docker/config.json", config);
        let allowed = project.lint(ON);
        assert_eq!((allowed.findings().len(), allowed.skipped()), (1, vec![]), "{allowed:#?}");
        assert!(!format!("{allowed:?}{refused:?}").contains("secret"));
    }
}

#[test]
fn errors_of_a_file_save_its_questions_but_not_those_of_others() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let base = registry.reference("team/app:1");
    let project = project()
        .file("plimsoll.toml", "[rules.\"buildkit/StageNameCasing\"]\nseverity = \"error\"\n")
        .file("bad/Dockerfile", format!("FROM {base} AS Bad\n"))
        .file("waved/Dockerfile", format!("# plimsoll ignore=StageNameCasing -- agreed\nFROM {base} AS Waved\n"));
    let linted = project.lint(ON);
    assert_eq!(linted.skipped(), ["buildkit/InvalidBaseImagePlatform fail-fast"], "{linted:#?}");
    let slow = &linted.json()["slow_checks"];
    assert_eq!((&slow["planned"], &slow["executed"], &slow["skipped"]["fail-fast"]), (&2.into(), &1.into(), &1.into()));

    project.write(
        "plimsoll.toml",
        "[slow-checks]\nfail-fast = false\n[rules.\"buildkit/StageNameCasing\"]\nseverity = \"error\"\n",
    );
    assert_eq!(project.lint(ON).skipped(), [""; 0]);
}

#[test]
fn mode_auto_is_off_where_ci_is_detected() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    let file = format!("FROM {}\n", registry.reference("team/app:1"));
    let lint = |name: &str, value: &str, arguments: &str| {
        let project = project().file("Dockerfile", &file).variable(name, value);
        project.lint(&format!("--slow-checks=auto --platform linux/amd64 {arguments}"))
    };
    let local = lint("TERM", "dumb", "");
    assert_eq!(local.json()["slow_checks"]["executed"], 1, "{local:#?}");
    let ci = lint("GITLAB_CI", "true", "");
    assert_eq!((&ci.json()["slow_checks"]["executed"], &ci.json()["slow_checks"]["mode"]), (&0.into(), &"auto".into()));
    assert!(ci.stderr.contains("CI detected: GitLab CI; use --slow-checks=on"), "{ci:#?}");
    assert!(lint("GITLAB_CI", "true", "-q").stderr.is_empty());
    assert_eq!(lint("CI", "false", "").json()["slow_checks"]["executed"], 1);
}

#[test]
fn explaining_the_plan_asks_nothing() {
    let registry = Registry::start();
    let project = project().file("Dockerfile", format!("FROM {}\nENV A=$B\n", registry.reference("team/app:1")));
    let explained = project.run(&format!("lint --explain-plan {ON}"));
    let expected = format!(
        "registry {host}: image {host}/team/app:1 for linux/amd64\n    buildkit/InvalidBaseImagePlatform\n    buildkit/UndefinedVar\n\
         1 question would be asked for 2 requests; nothing was asked.\n",
        host = registry.host()
    );
    assert_eq!((explained.status, explained.stdout), (0, expected));
    assert_eq!(registry.counts().requests, 0);
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_the_run_at_once() {
    let silent = never_answers();
    let project = project().file("Dockerfile", format!("FROM {}/app:1\n", silent.host()));
    let took_max = Duration::from_millis(200);
    let took = best_of(1, took_max, || {
        let mut command = project.command(&format!("lint {ON}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(400));
        assert!(child.try_wait().unwrap().is_none(), "it waits for the registry");
        timed(|| {
            let kill = format!("kill -INT {}", child.id());
            assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(130));
        })
    });
    assert!(took <= took_max, "{took:?}");
}
