//! Capability `registry`: asking what an image is, and what is attached to it.

use crate::host;
pub use crate::native::{Attestation, IndexEntry, Referrer, Selection};
use crate::{Answered, Request, RequestId};

/// Plans to ask for an image's manifest and configuration.
///
/// # Errors
/// Why the reference or the platform cannot be parsed; then nothing is planned.
pub fn plan_image(request: &Request, reference: &str, platform: &str) -> Result<RequestId, String> {
    host::plan_image(request, reference, platform)
}

/// The answer to [`plan_image`].
#[derive(Debug, Clone, Copy)]
pub struct Image {
    request: RequestId,
}

impl Image {
    /// The answer of this request, which must have been planned by [`plan_image`].
    pub fn of(answered: &Answered) -> Self {
        Self { request: answered.id }
    }

    /// The image, or the platforms there are when none fits.
    pub fn selection(&self) -> Selection {
        host::image_selection(self.request)
    }

    /// The environment that the image sets, in its order.
    pub fn environment(&self) -> Vec<(String, String)> {
        host::image_environment(self.request)
    }

    /// The working directory; empty if none.
    pub fn working_directory(&self) -> String {
        host::image_working_directory(self.request)
    }

    /// The user; empty if none.
    pub fn user(&self) -> String {
        host::image_user(self.request)
    }

    /// The SHELL of the image; empty if none.
    pub fn shell(&self) -> Vec<String> {
        host::image_shell(self.request)
    }

    /// The labels, sorted by name.
    pub fn labels(&self) -> Vec<(String, String)> {
        host::image_labels(self.request)
    }

    /// The ONBUILD triggers, in their order.
    pub fn onbuild(&self) -> Vec<String> {
        host::image_onbuild(self.request)
    }

    /// When it was made, as it says itself, such as `2026-01-31T12:00:00Z`.
    pub fn created(&self) -> Option<String> {
        host::image_created(self.request)
    }

    /// How many whole days ago it was made; none where nobody can tell. Rules have
    /// no clock: what counts as now is the host's, and the same for the whole run.
    pub fn age_days(&self) -> Option<u32> {
        host::image_age_days(self.request)
    }
}

/// Plans to ask for all that a reference offers; with `attestations`, also for
/// what BuildKit's attestation manifests state, which takes a request for each.
///
/// # Errors
/// Why the reference cannot be parsed; then nothing is planned.
pub fn plan_index(request: &Request, reference: &str, attestations: bool) -> Result<RequestId, String> {
    host::plan_index(request, reference, attestations)
}

/// The answer to [`plan_index`].
#[derive(Debug, Clone, Copy)]
pub struct Index {
    request: RequestId,
}

impl Index {
    /// The answer of this request, which must have been planned by [`plan_index`].
    pub fn of(answered: &Answered) -> Self {
        Self { request: answered.id }
    }

    /// Digest of the index, or of the only manifest.
    pub fn digest(&self) -> String {
        host::index_digest(self.request)
    }

    /// Whether there is an index; if not, the one entry is the manifest itself.
    pub fn is_index(&self) -> bool {
        host::is_index(self.request)
    }

    /// The annotations, sorted by name.
    pub fn annotations(&self) -> Vec<(String, String)> {
        host::index_annotations(self.request)
    }

    /// What it lists, in its order.
    pub fn entries(&self) -> Vec<IndexEntry> {
        host::index_entries(self.request)
    }

    /// The entry that a build for a platform takes.
    ///
    /// # Errors
    /// Why the platform cannot be parsed.
    pub fn entry_for(&self, platform: &str) -> Result<Option<IndexEntry>, String> {
        host::index_entry_for(self.request, platform)
    }
}

/// Plans to ask for the tags of a reference's repository.
///
/// # Errors
/// Why the reference cannot be parsed; then nothing is planned.
pub fn plan_tags(request: &Request, reference: &str) -> Result<RequestId, String> {
    host::plan_tags(request, reference)
}

/// The answer to [`plan_tags`]: the tags, sorted.
pub fn tags(answered: &Answered) -> Vec<String> {
    host::tags(answered.id)
}

/// Plans to ask for what refers to the manifest or index that a reference means;
/// of one artifact type, if it is given.
///
/// # Errors
/// Why the reference or the type cannot be parsed; then nothing is planned.
pub fn plan_referrers(request: &Request, reference: &str, artifact_type: Option<&str>) -> Result<RequestId, String> {
    host::plan_referrers(request, reference, artifact_type)
}

/// The answer to [`plan_referrers`]: the referrers, sorted by digest.
pub fn referrers(answered: &Answered) -> Vec<Referrer> {
    host::referrers(answered.id)
}
