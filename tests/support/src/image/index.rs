//! Several images under one reference.

use serde_json::{Value, json};

use super::Image;
use super::content::{Content, DOCKER, MediaTypes, OCI, Tree, manifest};

/// Several images under one reference, one for each platform.
#[derive(Clone, Debug)]
pub struct Index {
    images: Vec<Image>,
    attestations: bool,
    media_types: &'static MediaTypes,
}

impl Index {
    /// An index over these images, in this order.
    #[must_use]
    pub fn new(images: &[Image]) -> Self {
        Self { images: images.to_vec(), attestations: false, media_types: &OCI }
    }

    /// Adds an attestation manifest of platform `unknown/unknown` for each
    /// image, as BuildKit does.
    #[must_use]
    pub fn attestations(mut self) -> Self {
        self.attestations = true;
        self
    }

    /// Uses Docker's media types, in the images too.
    #[must_use]
    pub fn docker_media_types(mut self) -> Self {
        self.media_types = &DOCKER;
        for image in &mut self.images {
            image.media_types = &DOCKER;
        }
        self
    }

    /// The index with its manifests and their blobs.
    #[must_use]
    pub fn tree(&self) -> Tree {
        let mut descriptors = Vec::new();
        let mut manifests = Vec::new();
        let mut blobs = Vec::new();
        for image in &self.images {
            let tree = image.tree();
            let mut descriptor = tree.root.descriptor();
            descriptor["platform"] = Value::Object(image.platform.fields());
            descriptors.push(descriptor);
            manifests.push(tree.root);
            blobs.extend(tree.blobs);
        }
        if self.attestations {
            for subject in manifests.clone() {
                let attestation = attestation(&subject.digest);
                let mut descriptor = attestation.root.descriptor();
                descriptor["platform"] = json!({ "architecture": "unknown", "os": "unknown" });
                descriptor["annotations"] = json!({
                    "vnd.docker.reference.digest": subject.digest,
                    "vnd.docker.reference.type": "attestation-manifest",
                });
                descriptors.push(descriptor);
                manifests.push(attestation.root);
                blobs.extend(attestation.blobs);
            }
        }
        let root = json!({
            "schemaVersion": 2,
            "mediaType": self.media_types.index,
            "manifests": descriptors,
        });
        Tree { root: Content::json(self.media_types.index, &root), manifests, blobs }
    }
}

impl From<&[Image]> for Index {
    fn from(images: &[Image]) -> Self {
        Self::new(images)
    }
}

impl<const N: usize> From<&[Image; N]> for Index {
    fn from(images: &[Image; N]) -> Self {
        Self::new(images)
    }
}

impl From<&Index> for Tree {
    fn from(index: &Index) -> Self {
        index.tree()
    }
}

fn attestation(subject: &str) -> Tree {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{ "name": "image", "digest": { "sha256": subject.trim_start_matches("sha256:") } }],
        "predicate": {},
    });
    let layer = Content::json("application/vnd.in-toto+json", &statement);
    let mut descriptor = layer.descriptor();
    descriptor["annotations"] = json!({ "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2" });
    let config = json!({
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
    });
    let config = Content::json(OCI.config, &config);
    Tree { root: manifest(&OCI, &config, &descriptor), manifests: Vec::new(), blobs: vec![config, layer] }
}
