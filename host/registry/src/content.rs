//! The questions for content as it is: a manifest, a blob.

use crate::digest::Digest;
use crate::error::Error;
use crate::fetch::Resolver;

/// What a registry holds under a digest. The bytes have that digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The digest.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Resolver<'_> {
    /// The manifest or index that the reference means.
    pub async fn content_of_root(&self) -> Result<Content, Error> {
        let (digest, blob) = self.root().await?;
        Ok(Content { digest: digest.to_string(), bytes: blob.bytes.clone() })
    }

    /// The blob of the reference's digest.
    pub async fn blob(&self, bytes_max: usize) -> Result<Content, Error> {
        let digest = self.reference.digest.as_deref().and_then(Digest::parse);
        let digest = digest.ok_or_else(|| self.wrong("a blob is asked for by a digest that can be verified"))?;
        let blob = self.verified(format!("blobs/{digest}"), "*/*", bytes_max, &digest, None).await?;
        // Who asked for it before may have allowed for more.
        match blob.bytes.len() > bytes_max {
            true => Err(self.wrong(&format!("{digest} has more than {bytes_max} bytes"))),
            false => Ok(Content { digest: digest.to_string(), bytes: blob.bytes.clone() }),
        }
    }
}
