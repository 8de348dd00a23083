//! What is attached to an image: manifests that name it as their subject, and the
//! list of them that registries keep.

use serde_json::{Map, Value, json};

use super::content::{Content, OCI, Tree};

/// Something attached to an image, such as an SBOM.
#[derive(Clone, Debug)]
pub struct Artifact {
    artifact_type: String,
    annotations: Map<String, Value>,
}

/// All that is attached to one image or index.
#[derive(Clone, Debug)]
pub struct Referrers {
    subject: String,
    artifacts: Vec<Artifact>,
}

impl Artifact {
    /// An artifact of this type.
    #[must_use]
    pub fn new(artifact_type: &str) -> Self {
        Self { artifact_type: artifact_type.to_owned(), annotations: Map::new() }
    }

    /// Adds an annotation, on the artifact and in the list.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), json!(value));
        self
    }

    fn tree(&self, subject: &str) -> Tree {
        let empty = Content::new("application/vnd.oci.empty.v1+json", b"{}".to_vec());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI.manifest,
            "artifactType": self.artifact_type,
            "config": empty.descriptor(),
            "layers": [empty.descriptor()],
            "subject": { "mediaType": OCI.manifest, "digest": subject, "size": 1 },
            "annotations": self.annotations,
        });
        Tree { root: Content::json(OCI.manifest, &manifest), manifests: Vec::new(), blobs: vec![empty] }
    }
}

impl Referrers {
    /// The list of what is attached to `subject`, a digest.
    #[must_use]
    pub fn new(subject: &str, artifacts: &[Artifact]) -> Self {
        Self { subject: subject.to_owned(), artifacts: artifacts.to_vec() }
    }

    /// The tag under which a registry without a list of its own keeps this one.
    #[must_use]
    pub fn tag(&self) -> String {
        self.subject.replace(':', "-")
    }

    /// The digest of what they are attached to.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl From<&Referrers> for Tree {
    fn from(referrers: &Referrers) -> Self {
        let (mut descriptors, mut manifests, mut blobs) = (Vec::new(), Vec::new(), Vec::new());
        for artifact in &referrers.artifacts {
            let tree = artifact.tree(&referrers.subject);
            let mut descriptor = tree.root.descriptor();
            descriptor["artifactType"] = json!(artifact.artifact_type);
            descriptor["annotations"] = json!(artifact.annotations);
            descriptors.push(descriptor);
            manifests.push(tree.root);
            blobs.extend(tree.blobs);
        }
        let root = json!({ "schemaVersion": 2, "mediaType": OCI.index, "manifests": descriptors });
        Tree { root: Content::json(OCI.index, &root), manifests, blobs }
    }
}
