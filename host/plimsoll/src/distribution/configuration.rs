//! Configuration that others keep in a registry: an artifact with one layer, which is
//! the text of a `plimsoll.toml`.
//!
//! In the lock: `["config","resolve",[SOURCE],{"value":DIGEST,"policy":"pin"}]`, the digest
//! of the manifest. Invariant: text is given out only if it is what the digest names.

use plimsoll_dockerfile::Reference;
use serde_json::Value;

use super::{Remote, Shelf};
use crate::config::{Digest, Source};
use crate::limits::{ARTIFACT_DOCUMENT_BYTES_MAX, CONFIG_BYTES_MAX};
use crate::lock::{Entry, Key, Lock, Policy};

/// How the media type of the layer ends, such as `application/toml`.
const LAYER_TYPE_END: &str = "toml";

/// What a source is found by in a lock.
pub fn configuration_key(source: &Source) -> Key {
    Key::new("config", "resolve", &[&source.to_string()])
}

/// What a lock says of one.
pub fn configuration_entry(content: &Digest) -> Entry {
    Entry::new(content.as_str(), Policy::Pin)
}

/// What the manifest is by a lock, or by the digest that the source itself has.
///
/// # Errors
/// When what the lock says is no digest.
pub fn configuration_content(lock: &Lock, source: &Source) -> Result<Option<Digest>, String> {
    if let Source::Oci(Reference { digest: Some(digest), .. }) = source {
        return digest.parse().map(Some);
    }
    let key = configuration_key(source);
    let Some(entry) = lock.get(&key) else { return Ok(None) };
    let digest = entry.text().and_then(|text| text.parse().ok());
    digest.map(Some).ok_or_else(|| {
        format!("what the lock says under {key} is no digest: take the line away, and run `plimsoll lock`")
    })
}

/// The text under a manifest, if both are on the shelf; nobody is asked.
pub fn kept_configuration(shelf: &Shelf, content: &Digest) -> Option<String> {
    let (layer, _) = layer(&shelf.get(content)?).ok()?;
    String::from_utf8(shelf.get(&layer)?).ok()
}

/// The text that a reference means, and its manifest: `content`, where that is known, else what it means now.
///
/// # Errors
/// Why it cannot be had, or is no configuration.
pub fn pull_configuration(
    remote: &Remote,
    shelf: Option<&Shelf>,
    reference: &Reference,
    content: Option<&Digest>,
) -> Result<(Digest, String), String> {
    let mut reference = reference.clone();
    let mut mean = |digest: &Digest| (reference.tag, reference.digest) = (None, Some(digest.to_string()));
    if let Some(content) = content {
        mean(content);
    }
    let manifest = remote.manifest(&reference).map_err(|failure| failure.detail)?;
    let digest = Digest::of(&manifest.bytes);
    if content.is_some_and(|content| *content != digest) {
        return Err(format!("its manifest is {digest} now"));
    }
    let (layer, size) = layer(&manifest.bytes)?;
    (reference.tag, reference.digest) = (None, Some(digest.to_string()));
    let bytes_max = usize::try_from(CONFIG_BYTES_MAX).unwrap_or(usize::MAX);
    let bytes = remote.blob(&reference, &layer, size, bytes_max).map_err(|failure| failure.detail)?;
    if let Some(shelf) = shelf {
        // The manifest comes last: where it is, all is.
        shelf.put(&[&bytes, &manifest.bytes]).map_err(|error| format!("it cannot be kept: {error}"))?;
    }
    String::from_utf8(bytes).map(|text| (digest, text)).map_err(|_| "its layer is no text".to_owned())
}

/// Digest and size of the layer that a manifest names.
fn layer(manifest: &[u8]) -> Result<(Digest, u64), String> {
    if manifest.len() > ARTIFACT_DOCUMENT_BYTES_MAX {
        return Err(format!("its manifest has more than {ARTIFACT_DOCUMENT_BYTES_MAX} bytes"));
    }
    let manifest: Value = serde_json::from_slice(manifest).map_err(|_| "its manifest is no JSON".to_owned())?;
    let layers = manifest.get("layers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [layer] = layers else {
        return Err(format!("it has {} layers; a configuration has one, of type application/toml", layers.len()));
    };
    let text = |name: &str| layer.get(name).and_then(Value::as_str).unwrap_or_default();
    if !text("mediaType").ends_with(LAYER_TYPE_END) {
        let media_type = text("mediaType");
        return Err(format!("it is no configuration: its layer is of type {media_type:?}, not application/toml"));
    }
    let size = layer.get("size").and_then(Value::as_u64).filter(|size| *size <= CONFIG_BYTES_MAX);
    let size = size.ok_or_else(|| format!("its text has more than the {CONFIG_BYTES_MAX} bytes it may have"))?;
    let digest = text("digest").parse().map_err(|_| "its manifest names no sha256 digest".to_owned())?;
    Ok((digest, size))
}
