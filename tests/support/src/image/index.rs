//! Several images under one reference.

use serde_json::{Value, json};

use super::Image;
use super::content::{Content, DOCKER, MediaTypes, OCI, Tree, manifest};

/// Several images under one reference, one for each platform.
#[derive(Clone, Debug)]
pub struct Index {
    images: Vec<Image>,
    /// The predicate types of what is attested about each image.
    attestations: Vec<String>,
    media_types: &'static MediaTypes,
}

impl Index {
    /// An index over these images, in this order.
    #[must_use]
    pub fn new(images: &[Image]) -> Self {
        Self { images: images.to_vec(), attestations: Vec::new(), media_types: &OCI }
    }

    /// Adds an attestation manifest of platform `unknown/unknown` for each
    /// image, as BuildKit does.
    #[must_use]
    pub fn attestations(self) -> Self {
        self.attested(&["https://slsa.dev/provenance/v0.2"])
    }

    /// The same, with a statement of each of these predicate types.
    #[must_use]
    pub fn attested(mut self, predicate_types: &[&str]) -> Self {
        self.attestations = predicate_types.iter().map(|&kind| kind.to_owned()).collect();
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
        if !self.attestations.is_empty() {
            for subject in manifests.clone() {
                let attestation = attestation(&subject.digest, &self.attestations);
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

fn attestation(subject: &str, predicate_types: &[String]) -> Tree {
    let (mut layers, mut descriptors) = (Vec::new(), Vec::new());
    for predicate_type in predicate_types {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": predicate_type,
            "subject": [{ "name": "image", "digest": { "sha256": subject.trim_start_matches("sha256:") } }],
            "predicate": {},
        });
        let layer = Content::json("application/vnd.in-toto+json", &statement);
        let mut descriptor = layer.descriptor();
        descriptor["annotations"] = json!({ "in-toto.io/predicate-type": predicate_type });
        descriptors.push(descriptor);
        layers.push(layer);
    }
    let digests: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
    let config = json!({
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": digests },
    });
    let config = Content::json(OCI.config, &config);
    let root = manifest(&OCI, &config, &descriptors);
    Tree { root, manifests: Vec::new(), blobs: [vec![config], layers].concat() }
}
