//! The question for an index: everything that a reference offers, with what BuildKit attached to it.
//!
//! Invariant: entries are in the order of the index, predicate types sorted, so that equal content gives equal answers.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_dockerfile::Platform;
use serde::Deserialize;

use crate::error::Error;
use crate::fetch::Resolver;
use crate::limits::{ATTESTATIONS_MAX, PREDICATE_TYPES_MAX};
use crate::manifest::{Descriptor, Manifest};
use crate::texts::{Annotations, Texts};

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
    /// Whether it is an image, as far as the index tells: nothing that is attached to one, and not for `unknown/unknown`.
    pub is_image: bool,
    /// Its annotations in the index.
    pub annotations: BTreeMap<String, String>,
    /// What it says about an image, if it is an attestation manifest of BuildKit's.
    pub attestation: Option<Attestation>,
}

/// Statements about an image, such as its provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Digest of the entry that they are about, where an index tells it.
    pub subject: Option<String>,
    /// The in-toto predicate types of its layers, sorted, each once; `None` where they were not asked for.
    pub predicate_types: Option<Vec<String>>,
}

impl Index {
    /// The entry that a build for `platform` takes, as for [`Client::image`](crate::Client::image): the best that is
    /// said to fit; else the first that says nothing, whose configuration has the last word.
    pub fn entry_for(&self, platform: &Platform) -> Option<&IndexEntry> {
        if !self.is_index {
            return self.entries.first();
        }
        let mut images = self.entries.iter().filter(|entry| entry.is_image);
        let ranked = images.clone().filter_map(|entry| Some((platform.rank(entry.platform.as_ref()?)?, entry)));
        let best = ranked.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry);
        best.or_else(|| images.find(|entry| entry.platform.is_none()))
    }
}

/// What the question for an image has no use for.
#[derive(Deserialize)]
struct Details {
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
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
    layers: Option<Vec<Layer>>,
}

#[derive(Deserialize)]
struct Layer {
    annotations: Annotations,
}

const PREDICATE_TYPE: &str = "in-toto.io/predicate-type";

impl Resolver<'_> {
    /// The answer: one request, and one for each attestation manifest of an index where `attestations` are asked for.
    pub async fn index(&self, attestations: bool) -> Result<Index, Error> {
        let (digest, blob) = self.root().await?;
        let manifest = self.parse(&blob)?;
        let details: Details = self.details(&blob.bytes)?;
        let digest = digest.to_string();
        let mut texts = Texts::default();
        let annotations = texts.annotations(details.annotations).map_err(|what| self.wrong(&what))?;
        let Manifest::Index(descriptors) = manifest else {
            let predicate_types = self.predicate_types(&blob.bytes, &mut texts)?;
            let attestation = (!predicate_types.is_empty())
                .then(|| Attestation { subject: None, predicate_types: attestations.then_some(predicate_types) });
            let entry = IndexEntry {
                digest: digest.clone(),
                size: blob.bytes.len() as u64,
                media_type: blob.media_type.clone(),
                artifact_type: texts.text(details.artifact_type).map_err(|what| self.wrong(&what))?,
                platform: None,
                is_image: attestation.is_none(),
                annotations: annotations.clone(),
                attestation,
            };
            return Ok(Index { digest, is_index: false, annotations, entries: vec![entry] });
        };
        let mut entries = Vec::with_capacity(descriptors.len());
        let mut read = 0;
        for (descriptor, details) in descriptors.iter().zip(details.manifests.unwrap_or_default()) {
            let entry = IndexEntry::new(descriptor, details, &mut texts);
            let mut entry = entry.map_err(|what| self.wrong(&what))?;
            if let Some(attestation) = entry.attestation.as_mut().filter(|_| attestations) {
                read += 1;
                if read > ATTESTATIONS_MAX {
                    return Err(self.wrong(&format!("more than {ATTESTATIONS_MAX} attestation manifests")));
                }
                let blob = self.manifest(&descriptor.digest, Some(descriptor.size)).await?;
                attestation.predicate_types = Some(self.predicate_types(&blob.bytes, &mut texts)?);
            }
            entries.push(entry);
        }
        Ok(Index { digest, is_index: true, annotations, entries })
    }

    /// What the layers of a manifest state, sorted, each once.
    fn predicate_types(&self, manifest: &[u8], texts: &mut Texts) -> Result<Vec<String>, Error> {
        let Statements { layers } = self.details(manifest)?;
        let stated = layers.into_iter().flatten().filter_map(|layer| layer.annotations?.remove(PREDICATE_TYPE)?);
        let types: BTreeSet<String> = stated.collect();
        if types.len() > PREDICATE_TYPES_MAX {
            return Err(
                self.wrong(&format!("more than {PREDICATE_TYPES_MAX} predicate types in an attestation manifest"))
            );
        }
        let counted = types.into_iter().filter_map(|kind| texts.text(Some(kind)).transpose());
        counted.collect::<Result<_, _>>().map_err(|what| self.wrong(&what))
    }

    fn details<'a, T: Deserialize<'a>>(&self, bytes: &'a [u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| {
            self.wrong(&format!("malformed manifest (line {}, column {})", error.line(), error.column()))
        })
    }
}

impl IndexEntry {
    fn new(descriptor: &Descriptor, details: EntryDetails, texts: &mut Texts) -> Result<Self, String> {
        let annotations = texts.annotations(details.annotations)?;
        let attests = annotations.get("vnd.docker.reference.type").is_some_and(|kind| kind == "attestation-manifest");
        let attestation = attests.then(|| Attestation {
            subject: annotations.get("vnd.docker.reference.digest").cloned(),
            predicate_types: None,
        });
        let is_unknown = descriptor.platform.as_ref().is_some_and(Platform::is_unknown);
        Ok(Self {
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            media_type: texts.text(descriptor.media_type.clone())?,
            artifact_type: texts.text(details.artifact_type)?,
            platform: descriptor.platform.clone().filter(|_| !is_unknown),
            is_image: !descriptor.attached && !is_unknown,
            annotations,
            attestation,
        })
    }
}
