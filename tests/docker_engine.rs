//! Our warnings against those of a real Docker Engine 28.5, over the repository's
//! own Dockerfiles: `docker build --check` and `plimsoll lint` must give the same
//! multiset of rule, message and line for each, for the rules that pack
//! `buildkit` has. What is known to differ stands in [`DIFFERENCES`].
//!
//! BuildKit asks for the base image of every stage, and its check ends early
//! where it gets none. So both programs are led to the same stand-ins for all
//! registries, whose images are as `tests/dockerfiles/README.md` says. Both read
//! the same copies of the files, which differ from the files in two things:
//!
//! - `# syntax=` makes BuildKit run another version of itself from an image that
//!   is not here. The line becomes `# escape=\`, which says what holds anyway,
//!   and unlike a mere comment does not end the directives.
//! - A pinned digest becomes the stand-in's.
//!
//! BuildKit's check is for the engine's own platform, also of files that build on
//! Windows; so is ours here.
//!
//! Where there is no engine the test says so and is skipped;
//! `PLIMSOLL_REQUIRE_SERVERS=1` makes that a failure.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use plimsoll::plugin::{Host, Plugin};
use plimsoll_test_support::docker_engine::{Checked, installed_or_skip};
use plimsoll_test_support::dockerfiles::{Dockerfile, buildkit_findings, dockerfiles};
use plimsoll_test_support::image::Tree;
use plimsoll_test_support::{DockerEngine, Image, Index, Project, Registries, limits};

use Who::{Engine, Ours};

/// What only one of the two says, and why. The BuildKit inside
/// Engine 28.5 is older than docker/dockerfile 1.20; pack `buildkit` follows a
/// newer one.
#[rustfmt::skip]
const DIFFERENCES: [(Who, &str, &str); 7] = [
    (Engine, "check-directives:6: SecretsUsedInArgOrEnv Do not use ARG or ENV instructions for sensitive data (ARG \"API_TOKEN\")", INLINE_SKIP),
    (Engine, "check-directives:12: UndefinedVar Usage of undefined variable '$CHANNEL'", INLINE_SKIP),
    (Ours, "ignored-files:5: CopyIgnoredFile Attempting to Copy file \".env\" that is excluded by .dockerignore", EXPERIMENTAL),
    (Ours, "ignored-files:7: CopyIgnoredFile Attempting to Copy file \"README.md\" that is excluded by .dockerignore", EXPERIMENTAL),
    (Ours, "ignored-files:7: CopyIgnoredFile Attempting to Copy file \"docs/manual.md\" that is excluded by .dockerignore", EXPERIMENTAL),
    (Ours, "ignored-files:8: CopyIgnoredFile Attempting to Add file \"dist/bundle.tar.gz\" that is excluded by .dockerignore", EXPERIMENTAL),
    (Engine, "postgres-extensions:22: SecretsUsedInArgOrEnv Do not use ARG or ENV instructions for sensitive data (ENV \"POSTGRES_PASSWORD_FILE\")", FILE_NAMES),
];
const INLINE_SKIP: &str = "docker/dockerfile 1.21 began to honour `# check=skip=` above an instruction";
const EXPERIMENTAL: &str = "the rule was experimental, and so off, until docker/dockerfile 1.21";
const FILE_NAMES: &str = "docker/dockerfile 1.22 let off names that end in _FILE";

/// Files that no build accepts, besides those of `findings.txt`: name, error, reason.
const REFUSED: [(&str, &str, &str); 1] = [(
    "node-monorepo",
    "dockerfile parse error on line 29: unknown flag: --parents",
    "docker/dockerfile 1.20 made COPY --parents part of the stable syntax",
)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ours,
    Engine,
}

#[test]
fn a_real_engine_warns_of_the_same() {
    if !installed_or_skip("a_real_engine_warns_of_the_same") {
        return;
    }
    let registries = Registries::start(base_image);
    let engine = DockerEngine::start(&registries);
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("certificates.pem", registries.certificates())
        .variable("SSL_CERT_FILE", "certificates.pem")
        .variable("HTTPS_PROXY", &registries.proxy());
    let set = dockerfiles();
    set.iter().for_each(|file| copy(&project, file));

    let checked = checked(&engine, &project, &set);
    // A further one means that an image was missing, and with it warnings.
    let broken = checked.iter().filter_map(|(name, checked)| Some(line(name, checked.build_error.as_ref()?)));
    assert_eq!(broken.collect::<BTreeSet<_>>(), refused());

    let rules = rules();
    let engines: Vec<String> = checked
        .iter()
        .flat_map(|(name, checked)| checked.warnings.iter().map(move |warning| (name, warning)))
        .filter(|(_, warning)| rules.contains(&warning.rule))
        .map(|(name, warning)| format!("{name}:{}: {} {}", warning.line, warning.rule, warning.detail))
        .collect();
    assert!(engines.len() >= 20, "{engines:#?}");

    // Who says a line how often more than the other; what is known to differ made even.
    let mut surplus: BTreeMap<String, i64> = BTreeMap::new();
    let mut count = |line: String, times: i64| *surplus.entry(line).or_default() += times;
    ours(&project, &set).into_iter().for_each(|line| count(line, 1));
    engines.into_iter().for_each(|line| count(line, -1));
    for (who, line, _) in DIFFERENCES {
        let rule = line.split(' ').nth(1).unwrap();
        if rules.contains(rule) {
            count(line.to_owned(), if who == Ours { -1 } else { 1 });
        }
    }
    surplus.retain(|_, times| *times != 0);
    assert!(surplus.is_empty(), "more often in ours (+) or the engine's (-): {surplus:#?}");
}

/// What the engine says of each file.
fn checked(engine: &DockerEngine, project: &Project, set: &[Dockerfile]) -> BTreeMap<String, Checked> {
    let (next, checked) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some(file) = set.get(next.fetch_add(1, Ordering::Relaxed)) {
            let path = project.path().join(&file.name).join("Dockerfile");
            let answer = engine.check(&path);
            checked.lock().unwrap_or_else(PoisonError::into_inner).insert(file.name.clone(), answer);
        }
    };
    thread::scope(|scope| {
        for _ in 0..limits::ENGINE_CHECKS_AT_ONCE {
            scope.spawn(work);
        }
    });
    checked.into_inner().unwrap()
}

/// `NAME:LINE: RULE MESSAGE` of every finding of pack `buildkit`.
fn ours(project: &Project, set: &[Dockerfile]) -> Vec<String> {
    let names: Vec<&str> = set.iter().map(|file| file.name.as_str()).collect();
    // Without --platform, the target is this machine's, as the engine's.
    let linted = project.lint(&format!("--slow-checks=on {}", names.join(" ")));
    let skipped = linted.skipped();
    assert!(linted.problems().is_empty() && !skipped.iter().any(|line| line.contains("buildkit/")), "{linted:#?}");
    let mut ours = Vec::new();
    for file in linted.json()["files"].as_array().unwrap() {
        let name = file["path"].as_str().unwrap().strip_suffix("/Dockerfile").unwrap();
        for finding in file["findings"].as_array().unwrap() {
            let Some(rule) = finding["rule"].as_str().unwrap().strip_prefix("buildkit/") else { continue };
            let (line, message) = (&finding["range"]["start"]["line"], finding["message"].as_str().unwrap());
            ours.push(format!("{name}:{line}: {rule} {message}"));
        }
    }
    ours
}

/// The rules of pack `buildkit`, without its prefix.
fn rules() -> BTreeSet<String> {
    let host = Host::new().unwrap();
    let packs = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
    let rules = packs.iter().flat_map(|pack| pack.rules.iter());
    rules.filter_map(|rule| rule.name.strip_prefix("buildkit/").map(str::to_owned)).collect()
}

/// `NAME: ERROR` of the files that no build by this engine accepts.
fn refused() -> BTreeSet<String> {
    let always = buildkit_findings().into_iter().filter_map(|finding| {
        let (name, error) = finding.split_once(": build error: ")?;
        Some(line(name, error))
    });
    always.chain(REFUSED.map(|(name, error, _)| line(name, error))).collect()
}

fn line(name: &str, error: &str) -> String {
    format!("{name}: {error}")
}

/// Copies a file with its `.dockerignore` into the project.
fn copy(project: &Project, file: &Dockerfile) {
    let text = String::from_utf8(file.source.clone()).unwrap();
    let lines = text.split_inclusive('\n').map(|line| match line.starts_with("# syntax=") {
        true => line.replace(line.trim_end(), "# escape=\\"),
        false => pinned_to_stand_in(line),
    });
    project.write(&format!("{}/Dockerfile", file.name), lines.collect::<String>());
    if let Ok(ignore) = fs::read(file.folder.join(".dockerignore")) {
        project.write(&format!("{}/.dockerignore", file.name), ignore);
    }
}

fn pinned_to_stand_in(line: &str) -> String {
    const PIN: &str = "@sha256:";
    const DIGITS: usize = 64;
    match line.find(PIN) {
        Some(start) => {
            let end = start + PIN.len() + DIGITS;
            format!("{}@{}{}", &line[..start], base_image("any").root.digest, &line[end..])
        }
        None => line.to_owned(),
    }
}

/// The base images as `tests/dockerfiles/README.md` describes them.
fn base_image(repository: &str) -> Tree {
    let image = |platform: &str| {
        let image = Image::new(platform).env("PATH", "/set");
        match repository {
            "registry-1.docker.io/library/eclipse-temurin" => image.env("JAVA_HOME", "/set"),
            "mcr.microsoft.com/dotnet/aspnet" => image.env("APP_UID", "/set"),
            _ => image,
        }
    };
    match repository.starts_with("registry-1.docker.io/arm32v7/") {
        true => Tree::from(&image("linux/arm/v7")),
        false => Tree::from(&Index::from(&["linux/amd64", "linux/arm64"].map(image))),
    }
}
