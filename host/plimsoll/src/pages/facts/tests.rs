//! What is written is read as the same answer, and says nothing that it should not.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::{Answer as RegistryAnswer, Attestation, Image, Index, IndexEntry, Referrer};
use serde_json::{Map, Value};

use super::{Facts, Outcome, RUNS, fact, key, run_fact, spaced};
use crate::question::{Algorithm, Answer, Download, Failure, Question, Ran, SkipReason, Tool};

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap().with_default_tag()
}

fn platform(text: &str) -> Platform {
    Platform::parse(text).unwrap()
}

/// Writes what came of a question, reads it, and compares with what rules may see of it; says what was written.
fn round(question: &Question, outcome: &Outcome, expected: &Outcome) -> String {
    let mut facts = Map::new();
    match key(question) {
        Some(key) => drop(facts.insert(key, fact(question, outcome).unwrap())),
        None => drop(facts.insert(RUNS.to_owned(), Value::from(vec![run_fact(question, outcome).unwrap()]))),
    }
    let text = spaced(&Value::Object(facts));
    let read = Facts::parse(&text).unwrap_or_else(|error| panic!("{error:?} in {text}"));
    let answers: Vec<_> = read.answers.iter().collect();
    assert_eq!(format!("{answers:?}"), format!("{:?}", [(question, expected)]), "{text}");
    text
}

fn same(question: &Question, answer: Answer) -> String {
    let outcome = Ok(answer);
    round(question, &outcome, &outcome)
}

fn image() -> Image {
    Image {
        digest: format!("sha256:{:064}", 7),
        index_digest: Some(format!("sha256:{:064}", 8)),
        platform: platform("linux/arm64/v8"),
        environment: vec![("A".into(), "1".into()), ("PATH".into(), "/bin".into())],
        working_dir: "/srv".into(),
        user: "app".into(),
        shell: vec!["/bin/bash".into(), "-c".into()],
        labels: BTreeMap::from([("k".into(), "v".into())]),
        onbuild: vec!["RUN a".into()],
        entrypoint: Vec::new(),
        cmd: Vec::new(),
        created: Some("2025-01-01T00:00:00Z".into()),
    }
}

#[test]
fn images() {
    let question = Question::Image { reference: reference("alpine"), platform: platform("linux/amd64") };
    let answer = |image| Answer::Image(RegistryAnswer::Image(Box::new(image)));
    same(&question, answer(image()));
    // No rule reads how an image is started, so no page tells.
    let started = Image { entrypoint: vec!["token=secret".into()], cmd: vec!["secret".into()], ..image() };
    let written = round(&question, &Ok(answer(started)), &Ok(answer(image())));
    assert!(!written.contains("secret"), "{written}");
    same(
        &question,
        Answer::Image(RegistryAnswer::PlatformMismatch {
            requested: platform("linux/amd64"),
            available: vec![platform("linux/arm64"), platform("windows/amd64")],
            index_digest: format!("sha256:{:064}", 9),
        }),
    );
}

#[test]
fn indexes() {
    let entry = |number: usize| IndexEntry {
        digest: format!("sha256:{number:064}"),
        size: 500,
        media_type: Some("application/vnd.oci.image.manifest.v1+json".into()),
        artifact_type: None,
        platform: Some(platform("linux/amd64")),
        is_image: true,
        annotations: BTreeMap::from([("a".into(), "b".into())]),
        attestation: None,
    };
    let attests = |subject: Option<&str>, predicate_types: Option<&[&str]>| IndexEntry {
        is_image: false,
        attestation: Some(Attestation {
            subject: subject.map(str::to_owned),
            predicate_types: predicate_types.map(|types| types.iter().map(ToString::to_string).collect()),
        }),
        ..entry(2)
    };
    let unknown = IndexEntry { platform: None, is_image: false, ..entry(3) };
    let artifact = IndexEntry { artifact_type: Some("x/y".into()), is_image: false, ..entry(4) };
    let entries = vec![
        entry(1),
        attests(Some("sha256:1"), None),
        attests(None, Some(&["https://slsa.dev/provenance/v1"])),
        attests(None, None),
        unknown,
        artifact,
    ];
    for attestations in [true, false] {
        let question = Question::Index { reference: reference("alpine:3"), attestations };
        let index = |is_index, entries| Index {
            digest: format!("sha256:{:064}", 5),
            is_index,
            annotations: BTreeMap::from([("c".into(), "d".into())]),
            entries,
        };
        same(&question, Answer::Index(index(true, entries.clone())));
        same(&question, Answer::Index(index(true, Vec::new())));
        same(&question, Answer::Index(index(false, vec![entry(5)])));
    }
}

#[test]
fn lists() {
    let tags = Question::Tags { repository: Reference::parse("ghcr.io/a/b").unwrap() };
    same(&tags, Answer::Tags(vec!["1".into(), "2".into()]));
    same(&tags, Answer::Tags(Vec::new()));
    let referrer = Referrer {
        digest: format!("sha256:{:064}", 6),
        size: 12,
        media_type: Some("m/t".into()),
        artifact_type: Some("a/t".into()),
        annotations: BTreeMap::from([("a".into(), "b".into())]),
    };
    for artifact_type in [None, Some("a/t".to_owned())] {
        let question = Question::Referrers { reference: reference("alpine:3"), artifact_type };
        same(&question, Answer::Referrers(vec![referrer.clone()]));
    }
}

#[test]
fn downloads_do_not_tell_signatures() {
    for algorithm in Algorithm::ALL {
        let question = Question::Download { url: "https://example.com/a?b=c".parse().unwrap(), algorithm };
        let answer = |final_url: &str| {
            let digest = format!("{}:00ff", algorithm.name());
            Answer::Download(Download { digest, size: 70, final_url: final_url.into() })
        };
        same(&question, answer("https://example.com/a?b=c"));
        let signed = answer("https://cdn.example.com/a?X-Amz-Signature=secret#secret");
        let written = round(&question, &Ok(signed), &Ok(answer("https://cdn.example.com/a")));
        assert!(!written.contains("secret") && !written.contains("Signature"), "{written}");
    }
    let question = Question::Commit { remote: "https://example.com/a.git".parse().unwrap(), reference: "HEAD".into() };
    same(&question, Answer::Commit("0123".into()));
}

#[test]
fn runs_of_tools() {
    let tool = Tool { name: Arc::from("hadolint"), arguments: ["-".to_owned(), "--x".to_owned()].into() };
    let question = Question::Run { tool, input: "FROM a\n".into() };
    same(&question, Answer::Ran(Ran { exit_code: 3, output: "out".into(), errors: "err".into() }));
    same(&question, Answer::Ran(Ran::default()));
}

#[test]
fn failures_tell_their_reason_alone() {
    let image = Question::Image { reference: reference("alpine"), platform: platform("linux/amd64") };
    let url = || "https://example.com/a".parse().unwrap();
    let tool = Tool { name: Arc::from("a"), arguments: [].into() };
    let questions = [
        image,
        Question::Index { reference: reference("alpine"), attestations: true },
        Question::Tags { repository: Reference::parse("alpine").unwrap() },
        Question::Referrers { reference: reference("alpine"), artifact_type: None },
        Question::Download { url: url(), algorithm: Algorithm::Sha256 },
        Question::Download { url: url(), algorithm: Algorithm::Sha512 },
        Question::Commit { remote: url(), reference: "main".into() },
        Question::Run { tool, input: String::new() },
    ];
    let reasons =
        [SkipReason::Auth, SkipReason::NotFound, SkipReason::Network, SkipReason::Timeout, SkipReason::ResolverError];
    for (question, reason) in questions.iter().flat_map(|question| reasons.map(|reason| (question, reason))) {
        let failure = |detail: &str| Err(Failure { reason, detail: detail.into() });
        let written = round(question, &failure("user bob was refused"), &failure(""));
        assert!(!written.contains("bob"), "{written}");
    }
}
