//! Signatures as cosign made them before bundles: over a text that names the
//! manifest ("simple signing").

use serde::Deserialize;

use super::{Key, Wrong, malformed, signature, unreadable};
use crate::config::Digest;
use crate::limits::SIGNED_BYTES_MAX;

/// The media type of what is signed.
pub(super) const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that has the signature.
pub(super) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

const KIND: &str = "cosign container image signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(rename = "type")]
    kind: String,
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Whether this signature, in Base64, over this payload signs the manifest of this digest. Where the payload says
/// that the image lies does not count: mirrors have it elsewhere.
///
/// # Errors
/// Why it does not.
pub fn verify_simple(key: &Key, payload: &[u8], base64: &str, digest: &Digest) -> Result<(), Wrong> {
    if payload.len() > SIGNED_BYTES_MAX {
        return Err(unreadable(format!("a payload of more than {SIGNED_BYTES_MAX} bytes")));
    }
    if !key.verifies(payload, &signature(base64)?) {
        return Err(Wrong::OtherKey);
    }
    let payload: Payload = serde_json::from_slice(payload).map_err(|error| malformed("malformed payload", &error))?;
    if payload.critical.kind != KIND {
        return Err(unreadable(format!("the key states something else of it than {KIND:?}")));
    }
    match payload.critical.image.digest.parse::<Digest>() {
        Ok(named) if named == *digest => Ok(()),
        named => Err(Wrong::OtherContent(named.ok())),
    }
}
