//! Facts of what registries list: entries of an index, tags, referrers.

use std::collections::BTreeMap;

use plimsoll_dockerfile::Platform;
use plimsoll_registry::{Attestation, Index, IndexEntry, Referrer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outcome, failure, form, reference, some_digest};
use crate::question::{Answer, Failure, Question};

/// What is told of an index; without entries, of a single manifest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct IndexFact {
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// Where it is not told by there being entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_index: Option<bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<EntryFact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_types: Option<Vec<String>>,
    #[serde(skip_serializing)]
    skipped: Option<String>,
}

/// What is told of one entry. `attests` is the digest that it makes statements about.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct EntryFact {
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    /// Where it is not told by what else there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_image: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attests: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_types: Option<Vec<String>>,
    /// Whether it makes statements, though neither their subject nor their types are told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_attestation: bool,
}

impl EntryFact {
    fn entry(self) -> Result<IndexEntry, String> {
        let platform = self.platform.map(|platform| Platform::parse(&platform)).transpose();
        let is_attestation = self.is_attestation || self.attests.is_some() || self.predicate_types.is_some();
        let attestation =
            is_attestation.then_some(Attestation { subject: self.attests, predicate_types: self.predicate_types });
        Ok(IndexEntry {
            digest: self.digest,
            size: self.size.unwrap_or(1),
            media_type: self.media_type,
            platform: platform.map_err(|error| error.to_string())?,
            is_image: self.is_image.unwrap_or(self.artifact_type.is_none() && attestation.is_none()),
            artifact_type: self.artifact_type,
            annotations: self.annotations,
            attestation,
        })
    }

    fn of(entry: &IndexEntry) -> Self {
        let IndexEntry { digest, size, media_type, platform, is_image, artifact_type, annotations, attestation } =
            entry;
        let told = attestation.as_ref();
        let (attests, predicate_types) =
            told.map(|told| (told.subject.clone(), told.predicate_types.clone())).unwrap_or_default();
        let seems_image = artifact_type.is_none() && attestation.is_none();
        Self {
            digest: digest.clone(),
            size: Some(*size),
            media_type: media_type.clone(),
            platform: platform.as_ref().map(ToString::to_string),
            is_image: (*is_image != seems_image).then_some(*is_image),
            artifact_type: artifact_type.clone(),
            annotations: annotations.clone(),
            is_attestation: told.is_some() && attests.is_none() && predicate_types.is_none(),
            attests,
            predicate_types,
        }
    }
}

/// What a reference offers.
pub(super) fn index(question: &str, fact: Value) -> Result<(Question, Outcome), String> {
    let IndexFact { digest, is_index, annotations, entries, predicate_types, skipped } = form(fact)?;
    let (text, attestations) = match question.strip_suffix(" attestations") {
        Some(text) => (text, true),
        None => (question, false),
    };
    let reference = reference(text)?.with_default_tag();
    let digest = digest.or_else(|| reference.digest.clone()).unwrap_or_else(|| some_digest(0));
    let question = Question::Index { reference, attestations };
    if let Some(failure) = failure(skipped.as_deref())? {
        return Ok((question, Err(failure)));
    }
    let is_index = is_index.unwrap_or(entries.is_some());
    let manifest = || vec![EntryFact { digest: digest.clone(), predicate_types, ..EntryFact::default() }];
    let entries = entries.unwrap_or_else(manifest).into_iter().map(EntryFact::entry).collect::<Result<_, _>>()?;
    Ok((question, Ok(Answer::Index(Index { digest, is_index, annotations, entries }))))
}

/// What is told of an index, or of a single manifest.
pub(super) fn index_fact(index: &Index) -> Value {
    let fact = IndexFact {
        digest: Some(index.digest.clone()),
        is_index: (!index.is_index).then_some(false),
        annotations: index.annotations.clone(),
        entries: Some(index.entries.iter().map(EntryFact::of).collect()),
        predicate_types: None,
        skipped: None,
    };
    serde_json::to_value(fact).expect("text in maps and lists is JSON")
}

/// A list, or why there is none.
#[derive(Deserialize)]
#[serde(untagged)]
enum List<T> {
    All(Vec<T>),
    Skipped { skipped: String },
}

impl<T: DeserializeOwned> List<T> {
    fn read(fact: Value) -> Result<Result<Vec<T>, Failure>, String> {
        match form(fact).map_err(|_| "it is neither a list of what there is nor {\"skipped\": REASON}".to_owned())? {
            Self::All(all) => Ok(Ok(all)),
            Self::Skipped { skipped } => Ok(Err(failure(Some(&skipped))?.ok_or("no reason is given")?)),
        }
    }
}

/// The tags of a repository.
pub(super) fn tags(repository: &str, fact: Value) -> Result<(Question, Outcome), String> {
    let question = Question::Tags { repository: reference(repository)? };
    Ok((question, List::read(fact)?.map(Answer::Tags)))
}

/// What is told of a referrer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReferrerFact {
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// What refers to an image.
pub(super) fn referrers(question: &str, fact: Value) -> Result<(Question, Outcome), String> {
    let (text, artifact_type) = match question.split_once(' ') {
        Some((text, kind)) => (text, Some(kind.to_owned())),
        None => (question, None),
    };
    let question = Question::Referrers { reference: reference(text)?.with_default_tag(), artifact_type };
    let referrer = |(number, fact): (usize, ReferrerFact)| Referrer {
        digest: fact.digest.unwrap_or_else(|| some_digest(number)),
        size: fact.size.unwrap_or(1),
        media_type: fact.media_type,
        artifact_type: fact.artifact_type,
        annotations: fact.annotations,
    };
    let listed = List::read(fact)?.map(|all| (0..).zip(all).map(referrer).collect());
    Ok((question, listed.map(Answer::Referrers)))
}

/// What is told of referrers.
pub(super) fn referrers_fact(referrers: &[Referrer]) -> Value {
    let fact = |referrer: &Referrer| ReferrerFact {
        digest: Some(referrer.digest.clone()),
        size: Some(referrer.size),
        media_type: referrer.media_type.clone(),
        artifact_type: referrer.artifact_type.clone(),
        annotations: referrer.annotations.clone(),
    };
    let facts: Vec<_> = referrers.iter().map(fact).collect();
    serde_json::to_value(facts).expect("text in maps and lists is JSON")
}
