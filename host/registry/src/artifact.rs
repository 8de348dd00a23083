//! Manifests and blobs as they are, for artifacts that are no images: what they mean is for others to say.

use crate::digest::Digest;
use crate::error::Error;
use crate::fetch::Resolver;

/// A manifest or index as the registry has it, verified by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawManifest {
    /// Its digest.
    pub digest: String,
    /// The `Content-Type`, without parameters.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Resolver<'_> {
    /// The manifest or index that the reference means.
    pub async fn raw_manifest(&self) -> Result<RawManifest, Error> {
        let (digest, blob) = self.root().await?;
        let (media_type, bytes) = (blob.media_type.clone(), blob.bytes.clone());
        Ok(RawManifest { digest: digest.to_string(), media_type, bytes })
    }

    /// A blob, verified by its digest and its promised size.
    pub async fn raw_blob(&self, digest: &str, size: u64, bytes_max: usize) -> Result<Vec<u8>, Error> {
        let known = Digest::parse(digest).ok_or_else(|| self.wrong("the digest of a blob cannot be verified"))?;
        let size = usize::try_from(size).ok().filter(|size| *size <= bytes_max);
        let size = size.ok_or_else(|| self.wrong(&format!("{digest} has more than {bytes_max} bytes")))?;
        let response = self.get(format!("blobs/{digest}"), "*/*", size).await?;
        if response.body.len() != size {
            return Err(self.wrong(&format!("{digest} has not the promised size")));
        }
        if !known.verifies(&response.body) {
            return Err(self.wrong(&format!("what was sent has not the digest {digest}")));
        }
        Ok(response.body)
    }
}
