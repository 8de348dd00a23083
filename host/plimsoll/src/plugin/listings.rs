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
