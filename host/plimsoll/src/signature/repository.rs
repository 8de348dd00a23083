//! A repository of a registry, asked for signatures.

use std::time::Instant;

use plimsoll_dockerfile::Reference;
use plimsoll_registry::{Client, Error, Referrer};

use super::Fetch;
use crate::config::Digest;

/// The repository that a reference leads to.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'r> {
    /// Who asks.
    pub client: &'r Client,
    /// The reference; its tag and digest do not count.
    pub reference: &'r Reference,
    /// When nobody waits any more.
    pub deadline: Option<Instant>,
}

impl Repository<'_> {
    fn by_digest(&self, digest: &str) -> Reference {
        Reference { tag: None, digest: Some(digest.to_owned()), ..self.reference.clone() }
    }

    fn by_tag(&self, tag: &str) -> Reference {
        Reference { tag: Some(tag.to_owned()), digest: None, ..self.reference.clone() }
    }
}

impl Fetch for Repository<'_> {
    async fn referrers(&self, digest: &Digest) -> Result<Vec<Referrer>, Error> {
        // By type, the lists that cosign 3 keeps under tags would show none.
        self.client.referrers(&self.by_digest(digest.as_str()), None, self.deadline).await
    }

    async fn manifest(&self, digest: &str) -> Result<Vec<u8>, Error> {
        Ok(self.client.manifest(&self.by_digest(digest), self.deadline).await?.bytes)
    }

    async fn tagged(&self, tag: &str) -> Result<Vec<u8>, Error> {
        Ok(self.client.manifest(&self.by_tag(tag), self.deadline).await?.bytes)
    }

    async fn blob(&self, digest: &str, size: u64, bytes_max: usize) -> Result<Vec<u8>, Error> {
        self.client.blob(self.reference, digest, size, bytes_max, self.deadline).await
    }
}
