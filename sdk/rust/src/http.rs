//! Capability `http`: asking what addresses of the web hold.

use crate::host;
use crate::{Answered, Request, RequestId};

/// Plans to ask for the digest of what a URL holds, as ADD would download it.
/// The algorithm is `sha256`, `sha384` or `sha512`.
///
/// # Errors
/// Why it cannot be asked; then nothing is planned.
pub fn plan_digest(request: &Request, url: &str, algorithm: &str) -> Result<RequestId, String> {
    host::plan_digest(request, url, algorithm)
}

/// The answer to [`plan_digest`].
#[derive(Debug, Clone, Copy)]
pub struct Download {
    request: RequestId,
}

impl Download {
    /// The answer of this request, which must have been planned by [`plan_digest`].
    pub fn of(answered: &Answered) -> Self {
        Self { request: answered.id }
    }

    /// The digest of the content, such as `sha256:…`.
    pub fn digest(&self) -> String {
        host::digest(self.request)
    }

    /// The length of the content in bytes.
    pub fn size(&self) -> u64 {
        host::size(self.request)
    }

    /// The URL that it was found at, after redirects.
    pub fn final_url(&self) -> String {
        host::final_url(self.request)
    }
}
