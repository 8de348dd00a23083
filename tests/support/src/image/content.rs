//! The bytes behind images: content with its digest, manifests, media types.

use serde_json::{Value, json};

use crate::digest;

/// Bytes with the media type and digest under which a registry serves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What `Content-Type` and descriptors say.
    pub media_type: String,
    /// `sha256:…` of the bytes.
    pub digest: String,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
}

/// What a reference leads to: its manifest, and all that hangs from it.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The manifest or index of the reference itself.
    pub root: Content,
    /// The manifests that the root lists, when it is an index.
    pub manifests: Vec<Content>,
    /// Configurations and layers.
    pub blobs: Vec<Content>,
}

#[derive(Debug)]
pub(super) struct MediaTypes {
    pub(super) index: &'static str,
    pub(super) manifest: &'static str,
    pub(super) config: &'static str,
    pub(super) layer: &'static str,
}

pub(super) static OCI: MediaTypes = MediaTypes {
    index: "application/vnd.oci.image.index.v1+json",
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

pub(super) static DOCKER: MediaTypes = MediaTypes {
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
};

impl Content {
    /// These bytes under a media type.
    #[must_use]
    pub fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        Self { media_type: media_type.into(), digest: digest::of(&bytes), bytes }
    }

    /// A document under a media type.
    #[must_use]
    pub fn json(media_type: &str, value: &Value) -> Self {
        Self::new(media_type, value.to_string().into_bytes())
    }

    /// The descriptor by which other content refers to this.
    #[must_use]
    pub fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.bytes.len(),
        })
    }
}

/// The manifest over a configuration and the descriptors of layers.
pub(super) fn manifest(media_types: &MediaTypes, config: &Content, layers: &[Value]) -> Content {
    let value = json!({
        "schemaVersion": 2,
        "mediaType": media_types.manifest,
        "config": config.descriptor(),
        "layers": layers,
    });
    Content::json(media_types.manifest, &value)
}
