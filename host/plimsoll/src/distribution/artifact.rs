//! A component as registries keep it: a manifest with a configuration and one layer.
//!
//! The layout is that of the CNCF's Wasm working group
//! (<https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>), which other
//! clients of Wasm read and write; the layer type that came before it is read too.
//! Input: a manifest of a stranger. Output: what it names, with digests that can be
//! verified. Invariant: equal components with equal annotations are equal artifacts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::Described;
use crate::config::Digest;
use crate::limits::{ANNOTATION_BYTES_MAX, ARTIFACT_DOCUMENT_BYTES_MAX, COMPONENT_BYTES_MAX};
use crate::plugin::{Component, Plugin};

/// The media type of the manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of the configuration.
pub const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the component.
pub const LAYER_TYPE: &str = "application/wasm";
/// The media type that components had before.
pub const LEGACY_LAYER_TYPE: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// The annotation that says what a plugin is called.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The annotation with the version that it gives itself.
pub const VERSION: &str = "org.opencontainers.image.version";
/// The annotation that says where its source is.
pub const SOURCE: &str = "org.opencontainers.image.source";
/// The annotation with its licences.
pub const LICENSES: &str = "org.opencontainers.image.licenses";
/// The annotation with what it says it is for.
pub const DESCRIPTION: &str = "org.opencontainers.image.description";
/// The annotation with the version of the contract that it is made for.
pub const CONTRACT: &str = "io.github.plimsoll.contract";

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The configuration.
    pub config: Blob,
    /// The component.
    pub layer: Blob,
    /// What it says of itself, by name.
    pub annotations: BTreeMap<String, String>,
}

/// What a manifest refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What it is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A component with all that a registry keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The bytes of the manifest.
    pub manifest: Vec<u8>,
    /// The bytes of the configuration.
    pub config: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
}

impl Artifact {
    /// Reads a manifest.
    ///
    /// # Errors
    /// What it is instead of a plugin's.
    pub fn read(manifest: &[u8]) -> Result<Self, String> {
        if manifest.len() > ARTIFACT_DOCUMENT_BYTES_MAX {
            return Err(format!("its manifest has more than {ARTIFACT_DOCUMENT_BYTES_MAX} bytes"));
        }
        let document: Document = serde_json::from_slice(manifest)
            .map_err(|error| format!("its manifest is none (line {}, column {})", error.line(), error.column()))?;
        if document.manifests.is_some() {
            return Err("it is an index of several manifests; name the plugin's by its digest".to_owned());
        }
        if let Some(other) = document.media_type.filter(|media_type| media_type != MANIFEST_TYPE) {
            return Err(format!("its manifest is of type {other:?}; a plugin's is of {MANIFEST_TYPE}"));
        }
        let (Some(config), Some(layers)) = (document.config, document.layers) else {
            return Err("its manifest names no configuration or no layers".to_owned());
        };
        let count = layers.len();
        let Some(layer) = layers.into_iter().next().filter(|_| count == 1) else {
            return Err(format!("it has {count} layers; a plugin has one, of type {LAYER_TYPE}"));
        };
        if ![LAYER_TYPE, LEGACY_LAYER_TYPE].contains(&layer.media_type.as_str()) {
            return Err(format!("it is no plugin: its layer is of type {:?}, not {LAYER_TYPE}", layer.media_type));
        }
        if layer.size > COMPONENT_BYTES_MAX {
            let most = COMPONENT_BYTES_MAX >> 20;
            return Err(format!(
                "its component has {} bytes; the {most} MiB a component may have are fewer",
                layer.size
            ));
        }
        let annotations = document.annotations.into_iter().flatten();
        let annotations = annotations.filter_map(|(name, text)| Some((name, text?)));
        let is_small = |(name, text): &(String, String)| name.len().max(text.len()) <= ANNOTATION_BYTES_MAX;
        Ok(Self {
            config: config.checked()?,
            layer: layer.checked()?,
            annotations: annotations.filter(is_small).collect(),
        })
    }
}

impl Descriptor {
    fn checked(self) -> Result<Blob, String> {
        let Self { media_type, digest, size } = self;
        let digest = digest.parse().map_err(|_| format!("its manifest names {digest:?}, which is no sha256 digest"))?;
        Ok(Blob { media_type, digest, size })
    }
}

/// Holds some content against the size that a manifest says it has.
///
/// # Errors
/// That it has another.
pub(super) fn check_size(digest: &Digest, size: u64, bytes: &[u8]) -> Result<(), String> {
    match bytes.len() as u64 == size {
        true => Ok(()),
        false => Err(format!("its manifest says that {digest} has {size} bytes, and it has {}", bytes.len())),
    }
}

/// What there is to say of a component, where nobody says otherwise.
pub fn annotations(component: &Component, plugin: &Plugin) -> BTreeMap<String, String> {
    let described = Described::of(component);
    let contract = described.contract().map(str::to_owned);
    let all = [
        (TITLE, Some(plugin.name.clone())),
        (VERSION, Some(plugin.version.clone())),
        (SOURCE, described.source),
        (LICENSES, described.licenses),
        (DESCRIPTION, described.description),
        (CONTRACT, contract),
    ];
    let said = all.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
    said.filter(|(_, text)| !text.is_empty() && text.len() <= ANNOTATION_BYTES_MAX).collect()
}

/// Packs a component. `created` is a moment in RFC 3339, which the layout asks for.
pub fn pack(component: &Component, annotations: &BTreeMap<String, String>, created: &str) -> Packed {
    let Described { imports, exports, .. } = Described::of(component);
    let config = json!({
        "created": created,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [component.digest().as_str()],
        "component": { "exports": exports, "imports": imports },
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(CONFIG_TYPE, &config),
        "layers": [descriptor(LAYER_TYPE, component.bytes())],
        "annotations": annotations,
    });
    Packed { manifest: manifest.to_string().into_bytes(), config }
}

/// How a manifest or an index names some content.
pub(super) fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes).as_str(), "size": bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(layers: &serde_json::Value) -> String {
        json!({ "schemaVersion": 2, "config": descriptor(CONFIG_TYPE, b"{}"), "layers": layers }).to_string()
    }

    #[test]
    fn what_is_no_plugin_is_told_from_one() {
        let (new, old) = (descriptor(LAYER_TYPE, b"x"), descriptor(LEGACY_LAYER_TYPE, b"x"));
        assert_eq!(Artifact::read(manifest(&json!([new])).as_bytes()).unwrap().layer.digest, Digest::of(b"x"));
        assert!(Artifact::read(manifest(&json!([old])).as_bytes()).is_ok());
        let large =
            json!([{ "mediaType": LAYER_TYPE, "digest": Digest::of(b"").as_str(), "size": COMPONENT_BYTES_MAX + 1 }]);
        let sha512 = json!([{ "mediaType": LAYER_TYPE, "digest": format!("sha512:{:0128}", 0), "size": 1 }]);
        let tar = json!([descriptor("application/vnd.oci.image.layer.v1.tar+gzip", b"x")]);
        for (text, words) in [
            (manifest(&json!([])), "it has 0 layers"),
            (manifest(&json!([new, old])), "it has 2 layers"),
            (manifest(&tar), "it is no plugin: its layer is of type"),
            (manifest(&large), "the 64 MiB a component may have"),
            (manifest(&sha512), "which is no sha256 digest"),
            (json!({ "manifests": [] }).to_string(), "an index"),
            (json!({ "mediaType": "text/html", "layers": [] }).to_string(), "of type \"text/html\""),
            (json!({}).to_string(), "names no configuration"),
            ("<html>".to_owned(), "its manifest is none (line 1"),
            (" ".repeat(ARTIFACT_DOCUMENT_BYTES_MAX + 1), "more than"),
        ] {
            let error = Artifact::read(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
