//! Indexes and referrers as JSON, for the module above: each form lists every field of what
//! it stands for.

use std::collections::BTreeMap;

use plimsoll_registry::{Attestation, Index, IndexEntry, Referrer};
use serde::{Deserialize, Serialize};

use super::KeptPlatform;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptIndex {
    digest: String,
    is_index: bool,
    annotations: BTreeMap<String, String>,
    entries: Vec<KeptEntry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptEntry {
    digest: String,
    size: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    platform: Option<KeptPlatform>,
    is_image: bool,
    annotations: BTreeMap<String, String>,
    attestation: Option<KeptAttestation>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptAttestation(#[serde(with = "AttestationForm")] Attestation);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptReferrer(#[serde(with = "ReferrerForm")] pub(super) Referrer);

impl From<Index> for KeptIndex {
    fn from(index: Index) -> Self {
        let Index { digest, is_index, annotations, entries } = index;
        Self { digest, is_index, annotations, entries: entries.into_iter().map(KeptEntry::from).collect() }
    }
}

impl From<KeptIndex> for Index {
    fn from(kept: KeptIndex) -> Self {
        let KeptIndex { digest, is_index, annotations, entries } = kept;
        Self { digest, is_index, annotations, entries: entries.into_iter().map(IndexEntry::from).collect() }
    }
}

impl From<IndexEntry> for KeptEntry {
    fn from(entry: IndexEntry) -> Self {
        let IndexEntry { digest, size, media_type, artifact_type, platform, is_image, annotations, attestation } =
            entry;
        let (platform, attestation) = (platform.map(KeptPlatform), attestation.map(KeptAttestation));
        Self { digest, size, media_type, artifact_type, platform, is_image, annotations, attestation }
    }
}

impl From<KeptEntry> for IndexEntry {
    fn from(kept: KeptEntry) -> Self {
        let KeptEntry { digest, size, media_type, artifact_type, platform, is_image, annotations, attestation } = kept;
        let (platform, attestation) = (platform.map(|kept| kept.0), attestation.map(|kept| kept.0));
        Self { digest, size, media_type, artifact_type, platform, is_image, annotations, attestation }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Attestation")]
struct AttestationForm {
    subject: Option<String>,
    predicate_types: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Referrer")]
struct ReferrerForm {
    digest: String,
    size: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
}
