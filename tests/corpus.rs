//! Dockerfiles at large: the repository's own set against BuildKit's answers,
//! and those that nobody here wrote, when `PLIMSOLL_CORPUS` names a folder.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::config::Files;
use plimsoll::document::Surroundings;
use plimsoll::lint::{self, Ask, Input, Job, Ruleset, SlowChecks, Source};
use plimsoll::plugin::{Host, Plugin};
use plimsoll::question::{Answer, BuildContext, Question};
use plimsoll::resolve::{Context, Resolve, Resolving};
use plimsoll::schedule::Terms;
use plimsoll_dockerfile::Platform;
use plimsoll_registry::Image;
use plimsoll_test_support::dockerfiles::{buildkit_findings, dockerfiles};
use plimsoll_test_support::{Project, repository_root};

/// The base images as `tests/dockerfiles/README.md` describes them.
#[derive(Default)]
struct AsBuildkitWasTold(Context);

impl Resolve for AsBuildkitWasTold {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        let (reference, platform) = match question {
            Question::Image { reference, platform } => (reference, platform),
            _ => return self.0.resolve(question, deadline),
        };
        let variable = match reference.familiar().as_str() {
            name if name.starts_with("eclipse-temurin") => Some("JAVA_HOME"),
            name if name.contains("dotnet/aspnet") => Some("APP_UID"),
            _ => None,
        };
        let platform = match reference.path.starts_with("arm32v7/") {
            true => Platform::new("linux", "arm", "v7"),
            false => platform.clone(),
        };
        let names = ["PATH"].into_iter().chain(variable);
        let image = Image {
            digest: String::new(),
            index_digest: None,
            platform,
            environment: names.map(|name| (name.to_owned(), "/set".to_owned())).collect(),
            working_dir: String::new(),
            user: String::new(),
            shell: Vec::new(),
            labels: Default::default(),
            onbuild: Vec::new(),
            entrypoint: Vec::new(),
            cmd: Vec::new(),
            created: None,
        };
        Box::pin(async move { Ok(Answer::Image(plimsoll_registry::Answer::Image(Box::new(image)))) })
    }
}

/// `NAME:LINE: RULE MESSAGE` of every finding in one file of the set.
fn findings_of(name: &str, source: &[u8]) -> Vec<String> {
    let host = Host::new().unwrap();
    let packs = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
    let plugins: Arc<[Plugin]> = packs.into_iter().filter(|pack| pack.name == "buildkit").collect();
    let root = repository_root().join("tests/dockerfiles").join(name);
    let context = Arc::new(BuildContext { dockerfile: Some(root.join("Dockerfile")), root, ..BuildContext::default() });
    let is_windows = String::from_utf8_lossy(source).contains("mcr.microsoft.com/windows");
    let target = Platform::new(if is_windows { "windows" } else { "linux" }, "amd64", "");
    let job = Job {
        inputs: vec![Input { shown: name.to_owned(), source: Source::Bytes(source.to_vec()), ruleset: 0, context }],
        rulesets: vec![Ruleset::new(&plugins, Files::default()).unwrap()],
        plugins,
        unusable: Vec::new(),
        surroundings: vec![Surroundings::of_platform(target)],
        slow_checks: SlowChecks {
            ask: Ask::Everything,
            fail_fast: true,
            terms: Terms::within(Duration::from_secs(20)),
        },
        lock: None,
        resolver: Arc::<AsBuildkitWasTold>::default(),
        now: std::time::SystemTime::UNIX_EPOCH,
        threads: 1,
    };
    let mut files = lint::run(&job).files;
    let file = files.remove(0);
    assert!(file.problems.is_empty() && file.skipped.is_empty(), "{name}: {:?} {:?}", file.problems, file.skipped);
    let source = file.source.unwrap();
    let ours = file.findings.iter().filter_map(|finding| Some((finding, finding.rule.strip_prefix("buildkit/")?)));
    ours.map(|(finding, rule)| {
        format!("{name}:{}: {rule} {}", source.lines().line_of(finding.span.start), finding.message)
    })
    .collect()
}

#[test]
fn the_set_gives_what_buildkit_says() {
    let host = Host::new().unwrap();
    let packs = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
    let known: Vec<String> = packs[0].rules.iter().map(|rule| rule.name.replace("buildkit/", " ") + " ").collect();
    let mut expected: Vec<String> =
        buildkit_findings().into_iter().filter(|line| known.iter().any(|rule| line.contains(rule.as_str()))).collect();
    let set = dockerfiles();
    assert!(set.len() >= 30 && expected.len() >= 20, "{} files, {} findings", set.len(), expected.len());
    let mut found: Vec<String> = set.iter().flat_map(|file| findings_of(&file.name, &file.source)).collect();
    expected.sort();
    found.sort();
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let surplus: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
    assert_eq!(found, expected);
}

/// No crash, no plugin that fails, no difference between one thread and two;
/// and in the repository's own set no problem at all.
#[test]
fn nothing_breaks() {
    let own = repository_root().join("tests/dockerfiles");
    let folder = std::env::var_os("PLIMSOLL_CORPUS").map_or_else(
        || {
            eprintln!("PLIMSOLL_CORPUS is not set: the repository's own set stands in");
            own.clone()
        },
        Into::into,
    );
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let lint = |threads: usize| {
        let mut command = project.command(&format!("lint --format json --slow-checks=off --threads {threads}"));
        command.arg(Path::new(&folder)).output().unwrap().stdout
    };
    let (one, two) = (lint(1), lint(2));
    assert_eq!(one, two);
    let json: serde_json::Value = serde_json::from_slice(&one).unwrap();
    assert!(json["summary"]["files"].as_u64().unwrap() >= 30, "{}", json["summary"]);
    assert_eq!(json["summary"]["not_checked"], 0);
    if folder == own {
        assert!(json["files"].as_array().unwrap().iter().all(|file| file["problems"].as_array().unwrap().is_empty()));
    }
    println!("{} files, {} findings", json["summary"]["files"], json["summary"]["findings"]);
}
