//! What guests ask about indexes, tags and referrers, and how old images are.
//!
//! The same bargain as in `questions`: what is planned has one spelling, and an
//! answer is read by who asked for it.

use std::collections::BTreeMap;

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::Index;

use super::call::{Call, Planning, Result};
use super::contract::{Attestation, IndexEntry, Referrer, Request, RequestId};
use super::questions::{Parsed, parse_reference};
use crate::age;
use crate::limits::ARTIFACT_TYPE_BYTES_MAX;
use crate::question::{Answer, Question};

impl Call {
    /// `registry.plan-index`; the inner error is the guest's to deal with.
    pub fn plan_index(&mut self, request: Request, reference: &str, attestations: bool) -> Result<Planning> {
        self.plan(request, "registry.plan-index", |_| {
            Ok(Question::Index { reference: parse_reference(reference)?.with_default_tag(), attestations })
        })
    }

    /// `registry.plan-tags`; the inner error is the guest's to deal with.
    pub fn plan_tags(&mut self, request: Request, reference: &str) -> Result<Planning> {
        self.plan(request, "registry.plan-tags", |_| {
            Ok(Question::Tags { repository: Reference { tag: None, digest: None, ..parse_reference(reference)? } })
        })
    }

    /// `registry.plan-referrers`; the inner error is the guest's to deal with.
    pub fn plan_referrers(
        &mut self,
        request: Request,
        reference: &str,
        artifact_type: Option<String>,
    ) -> Result<Planning> {
        self.plan(request, "registry.plan-referrers", |_| {
            let reference = parse_reference(reference)?.with_default_tag();
            let artifact_type = artifact_type.map(check_artifact_type).transpose()?;
            Ok(Question::Referrers { reference, artifact_type })
        })
    }

    /// `registry.image-created`.
    pub fn image_created(&self, request: RequestId) -> Result<Option<String>> {
        Ok(age::made(self.image(request, "registry.image-created")?.created.as_deref()))
    }

    /// `registry.image-age-days`.
    pub fn image_age_days(&self, request: RequestId) -> Result<Option<u32>> {
        let image = self.image(request, "registry.image-age-days")?;
        Ok(age::days(image.created.as_deref(), self.now()?))
    }

    /// All that a reference offers.
    pub fn index(&self, request: RequestId, function: &str) -> Result<&Index> {
        match self.answer(request, function)? {
            Answer::Index(index) => Ok(index),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// `registry.index-entries`.
    pub fn index_entries(&self, request: RequestId) -> Result<Vec<IndexEntry>> {
        Ok(self.index(request, "registry.index-entries")?.entries.iter().map(entry).collect())
    }

    /// `registry.index-entry-for`.
    pub fn index_entry_for(&self, request: RequestId, platform: &str) -> Result<Parsed<Option<IndexEntry>>> {
        let index = self.index(request, "registry.index-entry-for")?;
        let platform = Platform::parse(platform).map_err(|error| format!("{platform:?} is no platform: {error}"));
        Ok(platform.map(|platform| index.entry_for(&platform).map(entry)))
    }

    /// The tags of a repository.
    pub fn tags(&self, request: RequestId, function: &str) -> Result<&[String]> {
        match self.answer(request, function)? {
            Answer::Tags(tags) => Ok(tags),
            _ => Err(self.other_answer(request, function)),
        }
    }

    /// `registry.referrers`.
    pub fn referrers(&self, request: RequestId) -> Result<Vec<Referrer>> {
        let function = "registry.referrers";
        let Answer::Referrers(referrers) = self.answer(request, function)? else {
            return Err(self.other_answer(request, function));
        };
        let referrer = |referrer: &plimsoll_registry::Referrer| Referrer {
            digest: referrer.digest.clone(),
            size: referrer.size,
            media_type: referrer.media_type.clone(),
            artifact_type: referrer.artifact_type.clone(),
            annotations: pairs(&referrer.annotations),
        };
        Ok(referrers.iter().map(referrer).collect())
    }
}

/// A map in the contract's form.
pub(super) fn pairs(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn entry(entry: &plimsoll_registry::IndexEntry) -> IndexEntry {
    let attestation = |attestation: &plimsoll_registry::Attestation| Attestation {
        subject: attestation.subject.clone(),
        predicate_types: attestation.predicate_types.clone(),
    };
    IndexEntry {
        digest: entry.digest.clone(),
        size: entry.size,
        media_type: entry.media_type.clone(),
        artifact_type: entry.artifact_type.clone(),
        platform: entry.platform.as_ref().map(ToString::to_string),
        image: entry.is_image,
        annotations: pairs(&entry.annotations),
        attestation: entry.attestation.as_ref().map(attestation),
    }
}

/// A media type, such as `application/vnd.in-toto+json`.
fn check_artifact_type(text: String) -> Parsed<String> {
    let is_name = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !name.is_empty() && name.bytes().all(fits)
    };
    match text.split_once('/') {
        Some((kind, name)) if text.len() <= ARTIFACT_TYPE_BYTES_MAX && is_name(kind) && is_name(name) => Ok(text),
        _ => Err(format!("{text:?} is no artifact type, such as application/vnd.in-toto+json")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::document::{Document, Meaning, Surroundings};
    use crate::plugin::contract::Scope;
    use crate::plugin::{Answered, Phase, Planned, Settings, Subject};

    fn call(phase: Phase) -> Call {
        let document = Arc::new(Document::new(0, "Dockerfile".to_owned(), b"FROM a\n".to_vec()));
        let surroundings = Surroundings::of_platform(Platform::new("linux", "amd64", ""));
        let meaning = Arc::new(Meaning::new(document.clone(), &surroundings, &[]));
        let settings = Arc::new(Settings { rules: ["p/r".into()].into(), enabled: vec![0], options: Vec::new() });
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let subject = Subject { id: 0, document, meaning, settings, context: Arc::default(), now };
        Call::new(Arc::new(subject), phase, 0)
    }

    fn request() -> Request {
        Request { rule: 0, scope: Scope::File, state: Vec::new(), budget_ms: None }
    }

    /// A call in which this was answered, as request 1.
    fn answered(question: Question, answer: Answer) -> Call {
        let request = Planned { id: 1, rule: 0, scope: Scope::File, state: Vec::new(), budget_ms: None, question };
        call(Phase::OnSuccess(vec![Arc::new(Answered { request, answer: Arc::new(answer) })]))
    }

    fn tags() -> Question {
        Question::Tags { repository: Reference::parse("a").unwrap() }
    }

    #[test]
    fn questions_have_one_spelling() {
        let mut call = call(Phase::Plan);
        let digest = format!("sha256:{}", "0".repeat(64));
        for reference in ["alpine", "docker.io/library/alpine:3", &format!("alpine:3@{digest}")] {
            call.plan_tags(request(), reference).unwrap().unwrap();
        }
        for reference in ["alpine", "docker.io/library/alpine:latest"] {
            call.plan_index(request(), reference, false).unwrap().unwrap();
            call.plan_referrers(request(), reference, None).unwrap().unwrap();
        }
        let shown: Vec<String> = call.take_planned().iter().map(|planned| planned.question.to_string()).collect();
        let index = ["index alpine:latest", "what refers to alpine:latest"];
        assert_eq!(shown, [["tags of alpine"; 3].as_slice(), &index, &index].concat());

        call.plan_index(request(), "alpine", true).unwrap().unwrap();
        call.plan_referrers(request(), "alpine", Some("application/vnd.in-toto+json".to_owned())).unwrap().unwrap();
        let shown: Vec<String> = call.take_planned().iter().map(|planned| planned.question.to_string()).collect();
        let of_kind = "what refers to alpine:latest as application/vnd.in-toto+json";
        assert_eq!(shown, ["index alpine:latest with its attestations", of_kind]);
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let mut call = call(Phase::Plan);
        for nonsense in ["", "A", "a b", "a@sha256:1"] {
            let planned = [
                call.plan_index(request(), nonsense, true).unwrap(),
                call.plan_tags(request(), nonsense).unwrap(),
                call.plan_referrers(request(), nonsense, None).unwrap(),
            ];
            assert!(planned.iter().all(|planned| planned.is_err()), "{nonsense:?} {planned:?}");
        }
        let long = format!("a/{}", "b".repeat(ARTIFACT_TYPE_BYTES_MAX));
        for nonsense in ["", "a", "a/", "/b", "a/b/c", "a/b c", "a/b\n", &long] {
            let planned = call.plan_referrers(request(), "a", Some(nonsense.to_owned())).unwrap();
            assert!(planned.unwrap_err().contains("no artifact type"), "{nonsense:?}");
        }
        assert!(call.take_planned().is_empty());
    }

    #[test]
    fn answers_are_read_as_what_they_are() {
        let call = answered(tags(), Answer::Tags(vec!["1".to_owned()]));
        assert_eq!(call.tags(1, "registry.tags").unwrap(), ["1"]);
        let misuse = call.referrers(1).unwrap_err();
        assert_eq!(misuse.what, "registry.referrers was asked for request 1, which asked something else");
        assert!(call.index_entries(1).is_err() && call.image_age_days(1).is_err() && call.image_created(1).is_err());
        assert!(call.tags(2, "registry.tags").is_err());

        let index = Index { digest: "d".to_owned(), is_index: true, annotations: BTreeMap::new(), entries: Vec::new() };
        let call = answered(tags(), Answer::Index(index));
        assert_eq!(call.index_entry_for(1, "linux/amd64").unwrap().unwrap().map(|entry| entry.digest), None);
        assert!(call.index_entry_for(1, "linux/amd64/v1/x").unwrap().unwrap_err().contains("no platform"));
    }
}
