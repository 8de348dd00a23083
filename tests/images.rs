//! What rules learn of images beyond their configuration: when they were made,
//! what is attested, what is attached, which tags there are. Against registries
//! inside the test, and the real one of Debian.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use plimsoll::config::{Files, Grants};
use plimsoll::document::Surroundings;
use plimsoll::lint::{self, Ask, Input, Job, Ruleset, SlowChecks, Source};
use plimsoll::plugin::{Component, Host, Limits, Plugin};
use plimsoll::question::{Answer, Question, SkipReason};
use plimsoll::resolve::{Recorded, Registry as Resolver, World};
use plimsoll::schedule::{Session, Terms};
use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::limits::{ANNOTATIONS_MAX, INDEX_ENTRIES_MAX, REFERRERS_MAX, TAGS_MAX, TEXT_BYTES_MAX};
use plimsoll_registry::{ClientConfig, Environment, IndexEntry, Referrer};
use plimsoll_test_support::component::component;
use plimsoll_test_support::docker_registry::installed_or_skip;
use plimsoll_test_support::{
    Artifact, Auth, DockerRegistry, Fault, Image, Index, Linted, Project, Referrers, Registry,
};

const ON: &str = "--slow-checks=on --platform linux/amd64";

const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const SBOM: &str = "https://spdx.dev/Document";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A project that asks for attestations.
fn project(dockerfile: impl AsRef<[u8]>) -> Project {
    let file = "[rules.\"sources/unattested-image\"]\nseverity = \"warning\"\n";
    Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("plimsoll.toml", file).file("Dockerfile", dockerfile)
}

fn images() -> [Image; 2] {
    [Image::new("linux/amd64"), Image::new("linux/arm64").env("ARM", "1")]
}

/// The digest of an image's manifest.
fn digest(image: &Image) -> String {
    image.tree().root.digest
}

fn missing(line: u32, image: &str, what: &str) -> String {
    format!("sources/unattested-image {line}: Image '{image}' comes without {what} for linux/amd64")
}

/// How often each manifest was sent.
fn manifests(registry: &Registry) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in registry.log().into_iter().filter(|entry| entry.path.contains("/manifests/") && entry.status == 200) {
        *counts.entry(entry.path).or_default() += 1;
    }
    counts
}

#[test]
fn attestations_of_buildkit_are_found_and_their_absence_is_said() {
    let registry = Registry::start();
    registry.push_index("team/all:1", Index::from(&images()).attested(&[PROVENANCE, SBOM]));
    registry.push_index("team/some:1", Index::from(&images()).attested(&[PROVENANCE]));
    registry.push("team/none:1", &Image::new("linux/amd64").env("NONE", "1"));
    let [all, some, none] = ["all", "some", "none"].map(|name| registry.reference(&format!("team/{name}:1")));
    let file = format!("FROM {all}\nCOPY --from={some} /a /b\nRUN --mount=from={none},target=/c true\n");
    let project = project(file);
    let linted = project.lint(ON);
    let expected = [missing(2, &some, "SBOM"), missing(3, &none, "provenance and SBOM")];
    assert_eq!((linted.findings(), linted.skipped()), (expected.to_vec(), vec![]), "{linted:#?}");

    // The rules on images, indexes and attestations share what they fetch; of two attestation manifests, one is read.
    let sent = manifests(&registry);
    assert!(sent.values().all(|count| *count == 1), "{sent:#?}");
    let of_all = sent.keys().filter(|path| path.starts_with("/v2/team/all/")).count();
    assert_eq!(of_all, 3, "index, image, attestations: {sent:#?}");
    let referrers = registry.log().iter().filter(|entry| entry.path.starts_with("/v2/team/all/referrers/")).count();
    assert_eq!(referrers, 0, "nothing is left open");

    registry.clear_log();
    for arguments in [ON, "--slow-checks=off --platform linux/amd64"] {
        let warm = project.lint(arguments);
        assert_eq!((warm.findings(), warm.skipped()), (expected.to_vec(), vec![]), "{warm:#?}");
    }
    assert_eq!(registry.counts().requests, 0);
}

/// The digest to pin takes one request where no other rule wants to know more.
#[test]
fn pinning_costs_one_request() {
    let registry = Registry::start();
    registry.push_index("team/tool:1", &images());
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file(
            "plimsoll.toml",
            "[rules]\n\"sources/unpinned-image\" = { severity = \"warning\" }\n\"buildkit/InvalidBaseImagePlatform\" = { severity = \"off\" }\n",
        )
        .file("Dockerfile", format!("FROM scratch\nCOPY --from={} /a /b\n", registry.reference("team/tool:1")));
    let linted = project.lint(ON);
    assert_eq!((linted.findings().len(), linted.skipped()), (1, vec![]), "{linted:#?}");
    assert_eq!((registry.counts().manifests, registry.counts().blobs), (1, 0), "{:#?}", registry.log());
}

#[test]
fn what_is_attached_counts_by_list_and_by_tag() {
    for registry in [Registry::start(), Registry::builder().referrers().start()] {
        let index = registry.push_index("team/app:1", &images());
        let bundle = Artifact::new(BUNDLE).annotation("dev.sigstore.bundle.predicateType", PROVENANCE);
        let signature = Artifact::new("application/vnd.cncf.notary.signature");
        registry.refer("team/app", &Referrers::new(&digest(&images()[0]), &[bundle, signature.clone()]));
        registry.push_index("team/signed:1", &images());
        registry.refer("team/signed", &Referrers::new(&digest(&images()[0]), &[signature]));
        let (app, signed) = (registry.reference("team/app:1"), registry.reference("team/signed:1"));
        let project = project(format!("FROM {app} AS app\nFROM {signed}\n"));
        let expected = [missing(1, &app, "SBOM"), missing(2, &signed, "provenance and SBOM")];
        let linted = project.lint(ON);
        assert_eq!((linted.findings(), linted.skipped()), (expected.to_vec(), vec![]), "{linted:#?}");

        // Attached to the index, it holds for its images.
        let sbom = Artifact::new("application/spdx+json");
        registry.refer("team/app", &Referrers::new(&index, &[sbom]));
        let linted = project.lint(&format!("{ON} --cache-dir another"));
        assert_eq!(linted.findings(), expected[1..], "{linted:#?}");
        registry.clear_log();
        assert_eq!(project.lint(&format!("{ON} --cache-dir another")).findings(), expected[1..]);
        assert_eq!(registry.counts().requests, 0);
    }
}

#[test]
fn a_registry_in_trouble_leaves_it_open() {
    let registry = Registry::builder().referrers().start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    registry.fault("/referrers/", Fault::Malformed);
    let linted = project(format!("FROM {}\n", registry.reference("team/app:1"))).lint(ON);
    assert_eq!((linted.findings(), linted.status), (vec![], 0), "{linted:#?}");
    assert_eq!(linted.skipped(), ["sources/unattested-image resolver-error"]);
}

#[test]
fn the_plan_tells_of_indexes() {
    let plan = project("FROM acme/base:1\n").run(&format!("lint --explain-plan {ON}")).stdout;
    assert!(plan.contains("registry docker.io: index acme/base:1\n    sources/unattested-image\n"), "{plan}");
}

#[test]
fn real_registries_keep_attestations_and_attached_things() {
    if !installed_or_skip("real_registries_keep_attestations_and_attached_things") {
        return;
    }
    let registry = DockerRegistry::start(&Auth::basic("ada", "secret"));
    registry.push("team/all:1", &Index::from(&images()).attested(&[PROVENANCE, SBOM]));
    let index = registry.push("team/attached:1", &Index::from(&images()));
    let sbom = Artifact::new("application/vnd.cyclonedx+json");
    let bundle = Artifact::new(BUNDLE).annotation("dev.sigstore.bundle.predicateType", PROVENANCE);
    registry.refer("team/attached", &Referrers::new(&index, &[sbom, bundle]));
    registry.push("team/none:1", &Image::new("linux/amd64"));
    let [all, attached, none] = ["all", "attached", "none"].map(|name| registry.reference(&format!("team/{name}:1")));
    // "ada:secret", as `docker login` writes it.
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"YWRhOnNlY3JldA=="}}}}}}"#, registry.host());
    let project = project(format!("FROM {all} AS a\nFROM {attached} AS b\nFROM {none}\n"));
    project.write(".docker/config.json", config);
    let linted = project.lint(ON);
    let expected = [missing(3, &none, "provenance and SBOM")];
    assert_eq!((linted.findings(), linted.skipped()), (expected.to_vec(), vec![]), "{linted:#?}");
}

#[test]
fn images_are_as_old_as_the_run_says() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64").created("2026-01-01T00:00:00Z"));
    registry.push("team/odd:1", &Image::new("linux/amd64").created("1980-01-01T00:00:00Z"));
    let [app, odd] = ["app", "odd"].map(|name| registry.reference(&format!("team/{name}:1")));
    let lint = |epoch: &str, options: &str| {
        let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
            .file("Dockerfile", format!("FROM {app} AS app\nFROM {odd}\n"))
            .file("plimsoll.toml", format!("[rules.\"sources/old-image\"]\nseverity = \"warning\"\n{options}"))
            .variable("SOURCE_DATE_EPOCH", epoch);
        project.lint(ON)
    };
    // 2026-07-01T12:00:00Z.
    let linted = lint("1782907200", "");
    let expected = format!("sources/old-image 1: Base image '{app}' was made 181 days ago");
    assert_eq!((linted.findings(), linted.stderr.as_str()), (vec![expected], ""), "{linted:#?}");
    assert_eq!(lint("1782907200", "options = { days = 181 }\n").findings(), [""; 0]);
    // Before it was made.
    assert_eq!(lint("1767225599", "options = { days = 1 }\n").findings(), [""; 0]);
    let unreadable = lint("yesterday", "");
    assert!(unreadable.stderr.contains("SOURCE_DATE_EPOCH is no number of seconds since 1970"), "{unreadable:#?}");
    let refused = lint("", "options = { days = 0 }\n");
    assert_eq!(
        (refused.status, refused.stderr.contains("options: /days: must be >=1, but got 0")),
        (2, true),
        "{refused:#?}"
    );
}

/// Asks one question, as a run does.
fn ask(question: &Question, budget: Duration) -> Result<Answer, (SkipReason, String)> {
    let registry = Arc::new(Resolver::new(ClientConfig::new(Environment::default())));
    let mut session = Session::new(Arc::new(World::new(registry, [])), Terms::within(budget));
    session.ask([(question, None)].into_iter(), &mut ());
    match session.outcome(question).unwrap() {
        Ok(answer) => Ok(answer.as_ref().clone()),
        Err(failure) => Err((failure.reason, failure.detail.clone())),
    }
}

#[test]
fn tags_without_end_end_in_time() {
    let registry = Registry::start();
    for tag in ["2", "1", "latest"] {
        registry.push(&format!("team/app:{tag}"), &Image::new("linux/amd64"));
    }
    let repository = Reference::parse(&registry.reference("team/app")).unwrap();
    let question = Question::Tags { repository };
    match ask(&question, Duration::from_secs(10)) {
        Ok(Answer::Tags(tags)) => assert_eq!(tags, ["1", "2", "latest"]),
        other => panic!("{other:?}"),
    }
    registry.fault("/tags/list", Fault::EndlessTags);
    let failed = ask(&question, Duration::from_secs(10)).unwrap_err();
    assert!(failed.0 == SkipReason::ResolverError && failed.1.contains("more than 512 pages"), "{failed:?}");

    registry.set_latency(50);
    let start = Instant::now();
    let failed = ask(&question, Duration::from_secs(1)).unwrap_err();
    assert_eq!(failed.0, SkipReason::Timeout, "{}", failed.1);
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
}

#[test]
fn a_stranger_s_rule_learns_which_tags_there_are() {
    let registry = Registry::start();
    for tag in ["7", "8", "latest"] {
        registry.push(&format!("team/app:{tag}"), &Image::new("linux/amd64"));
    }
    let app = registry.reference("team/app");
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("Dockerfile", format!("FROM {app}:7 AS old\nFROM {app}:8\n"))
        .file("plimsoll.toml", "[rules.\"acme/newest-tag\"]\nseverity = \"warning\"\n");
    let plugin = component("acme").display().to_string();
    let lint = |arguments: &str| project.lint(&format!("{ON} --plugin acme={plugin} {arguments}"));
    let theirs = |linted: &Linted| -> Vec<String> {
        linted.findings().into_iter().filter(|finding| finding.starts_with("acme/newest-tag")).collect()
    };
    // Tags do not count: the two ask for the same.
    let linted = lint("");
    assert_eq!(theirs(&linted), ["acme/newest-tag 1: There is a newer one: 8"], "{linted:#?}");
    assert_eq!(registry.log().iter().filter(|entry| entry.path.ends_with("/tags/list")).count(), 1);
    registry.clear_log();
    assert_eq!((theirs(&lint("")), registry.counts().requests), (theirs(&linted), 0));

    registry.fault("/tags/list", Fault::EndlessTags);
    registry.set_latency(20);
    let endless = lint("--cache-dir another --slow-checks-timeout=2s");
    assert_eq!(endless.skipped(), ["acme/newest-tag timeout", "acme/newest-tag timeout"], "{endless:#?}");
    // All pages would take ten seconds; compiling the plugin takes its time too.
    assert!(endless.took < Duration::from_secs(4), "{endless:#?}");
    registry.set_latency(0);
    let endless = lint("--cache-dir third");
    assert_eq!(endless.skipped(), ["acme/newest-tag resolver-error", "acme/newest-tag resolver-error"]);
    assert!(endless.stderr.contains("more than 512 pages"), "{endless:#?}");
}

/// Whatever a registry may answer within its bounds fits into the memory and the time of a rule.
#[test]
fn the_largest_answers_fit_into_a_rule() {
    let host = Host::new().unwrap();
    let mut plugins = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
    plugins.retain(|pack| pack.name == "sources");
    let acme = Component::read(&component("acme")).unwrap();
    let acme = Plugin::load(&host, "acme", &acme, Limits::default()).unwrap_or_else(|error| panic!("{error:?}"));
    plugins.push(acme.granted(Grants::everything()));
    let plugins: Arc<[Plugin]> = plugins.into();
    let file = r#"
        [rules]
        "sources/unattested-image" = { severity = "info" }
        "acme/newest-tag" = { severity = "info" }
        "acme/no-root" = { severity = "off" }
    "#;
    let file = toml::from_str(file).unwrap();
    let files = Files { tree: Some(&file), ..Files::default() };

    // As many annotations as there may be, and texts as long as they may be.
    let annotations = |entries: usize| -> BTreeMap<String, String> {
        let length = TEXT_BYTES_MAX / ANNOTATIONS_MAX - 8;
        (0..ANNOTATIONS_MAX / entries).map(|number| (format!("{number:08}"), "x".repeat(length))).collect()
    };
    let digest = |number: usize| format!("sha256:{number:064}");
    let entry = |number: usize| IndexEntry {
        digest: digest(number),
        size: 1,
        media_type: None,
        artifact_type: None,
        platform: Some(Platform::new("linux", "amd64", "")),
        is_image: true,
        annotations: annotations(INDEX_ENTRIES_MAX),
        attestation: None,
    };
    let entries = (0..INDEX_ENTRIES_MAX).map(entry).collect();
    let index = plimsoll_registry::Index {
        digest: digest(INDEX_ENTRIES_MAX),
        is_index: true,
        annotations: BTreeMap::new(),
        entries,
    };
    let referrer = |number: usize| Referrer {
        digest: digest(number),
        size: 1,
        media_type: None,
        artifact_type: None,
        annotations: annotations(REFERRERS_MAX),
    };
    let referrers: Vec<Referrer> = (0..REFERRERS_MAX).map(referrer).collect();
    let tags = (0..TAGS_MAX).map(|number| format!("{number:0128}")).collect();
    let reference = |text: &str| Reference::parse(text).unwrap();
    let of = |number: usize| {
        let question =
            Question::Referrers { reference: reference(&format!("a@{}", digest(number))), artifact_type: None };
        (question, Ok(Answer::Referrers(referrers.clone())))
    };
    let answers = [
        (Question::Index { reference: reference("a:1"), attestations: false }, Ok(Answer::Index(index))),
        of(0),
        of(INDEX_ENTRIES_MAX),
        (Question::Tags { repository: reference("a") }, Ok(Answer::Tags(tags))),
    ];
    let job = Job {
        inputs: vec![Input {
            shown: "Dockerfile".to_owned(),
            source: Source::Bytes(b"FROM a:1\n".to_vec()),
            ruleset: 0,
            context: Arc::default(),
        }],
        rulesets: vec![Ruleset::new(&plugins, files).unwrap()],
        plugins,
        unusable: Vec::new(),
        surroundings: vec![Surroundings::of_platform(Platform::new("linux", "amd64", ""))],
        slow_checks: SlowChecks {
            ask: Ask::Everything,
            fail_fast: true,
            terms: Terms::within(Duration::from_secs(20)),
        },
        lock: None,
        resolver: Arc::new(Recorded { answers: answers.into(), ..Recorded::default() }),
        now: SystemTime::UNIX_EPOCH,
        threads: 1,
    };
    let report = lint::run(&job).files.remove(0);
    assert!(report.problems.is_empty() && report.skipped.is_empty(), "{:?} {:?}", report.problems, report.skipped);
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    let expected = [
        format!("There is a newer one: {}", TAGS_MAX - 1),
        "Image 'a:1' comes without provenance and SBOM for linux/amd64".to_owned(),
    ];
    assert_eq!(found, expected);
}
