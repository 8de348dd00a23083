//! The question for an index: everything that a reference offers, with what BuildKit attached to it.
//!
//! Invariant: entries are in the order of the index, predicate types sorted, so that equal content gives equal answers.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_dockerfile::Platform;
use serde::Deserialize;

use crate::digest::Digest;
use crate::error::Error;
use crate::fetch::Resolver;
use crate::limits::ATTESTATIONS_MAX;
use crate::manifest::{Descriptor, Manifest};

/// What a reference offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Digest of the index, or of the only manifest.
    pub digest: String,
    /// Whether there is an index; if not, the one entry is the manifest itself, and its platform is not told.
    pub is_index: bool,
    /// Annotations of the index, or of the only manifest.
    pub annotations: BTreeMap<String, String>,
    /// What it lists, in its order.
    pub entries: Vec<IndexEntry>,
}

/// One entry of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Digest of the manifest.
    pub digest: String,
    /// Size of the manifest in bytes.
    pub size: u64,
    /// Media type of the manifest, where it is told.
    pub media_type: Option<String>,
    /// What kind of thing it is, where it is no image.
    pub artifact_type: Option<String>,
    /// The platform it is for; `None` where none is told, or `unknown/unknown`.
    pub platform: Option<Platform>,
    /// Its annotations in the index.
    pub annotations: BTreeMap<String, String>,
    /// What it says about another entry, if it is an attestation manifest of BuildKit's.
    pub attestation: Option<Attestation>,
}

/// Statements about an image, such as its provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Digest of the entry that they are about, where it is told.
    pub subject: Option<String>,
    /// The in-toto predicate types of its layers, sorted, each once; `None` where they were not asked for.
    pub predicate_types: Option<Vec<String>>,
}

type Annotations = Option<BTreeMap<String, Option<String>>>;

/// What the question for an image has no use for.
#[derive(Deserialize)]
struct Details {
    annotations: Annotations,
    manifests: Option<Vec<EntryDetails>>,
}

#[derive(Deserialize)]
struct EntryDetails {
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
    annotations: Annotations,
}

#[derive(Deserialize)]
struct Statements {
    layers: Option<Vec<EntryDetails>>,
}

impl Resolver<'_> {
    /// The answer: one request, and one for each attestation manifest where `attestations` are asked for.
    pub async fn index(&self, attestations: bool) -> Result<Index, Error> {
        let (digest, blob) = self.root().await?;
        let manifest = self.parse(&blob)?;
        let details: Details = self.details(&blob.bytes)?;
        let Manifest::Index(descriptors) = manifest else {
            let annotations = flat(details.annotations);
            let entry = IndexEntry {
                digest: digest.to_string(),
                size: blob.bytes.len() as u64,
                media_type: blob.media_type.clone(),
                artifact_type: None,
                platform: None,
                annotations: annotations.clone(),
                attestation: None,
            };
            return Ok(Index { digest: digest.to_string(), is_index: false, annotations, entries: vec![entry] });
        };
        let mut entries = Vec::with_capacity(descriptors.len());
        let mut read = 0;
        for (descriptor, details) in descriptors.iter().zip(details.manifests.unwrap_or_default()) {
            let mut entry = IndexEntry::new(descriptor, details);
            if let Some(attestation) = entry.attestation.as_mut().filter(|_| attestations) {
                read += 1;
                if read > ATTESTATIONS_MAX {
                    return Err(self.wrong(&format!("more than {ATTESTATIONS_MAX} attestation manifests")));
                }
                attestation.predicate_types = Some(self.predicate_types(&descriptor.digest, descriptor.size).await?);
            }
            entries.push(entry);
        }
        let annotations = flat(details.annotations);
        Ok(Index { digest: digest.to_string(), is_index: true, annotations, entries })
    }

    async fn predicate_types(&self, digest: &Digest, size: u64) -> Result<Vec<String>, Error> {
        let blob = self.manifest(digest, Some(size)).await?;
        let Statements { layers } = self.details(&blob.bytes)?;
        let types: BTreeSet<String> = layers
            .into_iter()
            .flatten()
            .filter_map(|layer| flat(layer.annotations).remove("in-toto.io/predicate-type"))
            .collect();
        Ok(types.into_iter().collect())
    }

    fn details<'a, T: Deserialize<'a>>(&self, bytes: &'a [u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| {
            self.wrong(&format!("malformed manifest (line {}, column {})", error.line(), error.column()))
        })
    }
}

impl IndexEntry {
    fn new(descriptor: &Descriptor, details: EntryDetails) -> Self {
        let annotations = flat(details.annotations);
        let attests = annotations.get("vnd.docker.reference.type").is_some_and(|kind| kind == "attestation-manifest");
        let attestation = attests.then(|| Attestation {
            subject: annotations.get("vnd.docker.reference.digest").cloned(),
            predicate_types: None,
        });
        Self {
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            media_type: descriptor.media_type.clone(),
            artifact_type: details.artifact_type,
            platform: descriptor.platform.clone().filter(|platform| !platform.is_unknown()),
            annotations,
            attestation,
        }
    }
}

/// Annotations, with nothing for `null`.
pub(crate) fn flat(annotations: Annotations) -> BTreeMap<String, String> {
    annotations.into_iter().flatten().map(|(key, value)| (key, value.unwrap_or_default())).collect()
}
