//! What a registry holds, as a test describes it.
//!
//! An [`Image`] is one platform's configuration over one empty layer; an
//! [`Index`] is several of them. Equal descriptions give equal bytes, and so
//! equal digests, in every registry.

mod artifact;
mod content;
mod index;

use serde_json::{Map, Value, json};

pub use artifact::{Artifact, Referrers};
pub use content::{Content, Tree};
use content::{DOCKER, MediaTypes, OCI, manifest};
pub use index::Index;

/// One image: a platform and the configuration that rules ask about.
#[derive(Clone, Debug)]
pub struct Image {
    platform: Platform,
    config: Map<String, Value>,
    created: String,
    media_types: &'static MediaTypes,
}

#[derive(Clone, Debug)]
struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
    os_version: Option<String>,
}

/// An empty tar archive, as gzip: Docker's well-known empty layer.
const EMPTY_LAYER: [u8; 32] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x09, 0x6e, 0x88, 0x00, 0xff, 0x62, 0x18, 0x05, 0xa3, 0x60, 0x14, 0x8c, 0x58, 0x00,
    0x08, 0x00, 0x00, 0xff, 0xff, 0x2e, 0xaf, 0xb5, 0xef, 0x00, 0x04, 0x00, 0x00,
];
/// The digest of the archive inside [`EMPTY_LAYER`].
const EMPTY_LAYER_DIFF_ID: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

impl Image {
    /// An image for a platform such as `linux/amd64` or `linux/arm64/v8`.
    #[must_use]
    pub fn new(platform: &str) -> Self {
        let created = "2026-01-01T00:00:00Z".to_owned();
        Self { platform: Platform::new(platform), config: Map::new(), created, media_types: &OCI }
    }

    /// Says another time at which it was made.
    #[must_use]
    pub fn created(mut self, time: &str) -> Self {
        time.clone_into(&mut self.created);
        self
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.append("Env", json!(format!("{name}={value}")));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn working_dir(self, path: &str) -> Self {
        self.set("WorkingDir", json!(path))
    }

    /// Sets the user, with or without a group.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        self.set("User", json!(user))
    }

    /// Sets the shell of the shell form (Docker's extension of the OCI configuration).
    #[must_use]
    pub fn shell(self, words: &[&str]) -> Self {
        self.set("Shell", json!(words))
    }

    /// Adds a trigger for images that are built from this one.
    #[must_use]
    pub fn onbuild(mut self, instruction: &str) -> Self {
        self.append("OnBuild", json!(instruction));
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.insert("Labels", name, json!(value));
        self
    }

    /// Adds a port such as `8080/tcp`.
    #[must_use]
    pub fn exposed_port(mut self, port: &str) -> Self {
        self.insert("ExposedPorts", port, json!({}));
        self
    }

    /// Adds a volume.
    #[must_use]
    pub fn volume(mut self, path: &str) -> Self {
        self.insert("Volumes", path, json!({}));
        self
    }

    /// Sets the entry point.
    #[must_use]
    pub fn entrypoint(self, words: &[&str]) -> Self {
        self.set("Entrypoint", json!(words))
    }

    /// Sets the command.
    #[must_use]
    pub fn cmd(self, words: &[&str]) -> Self {
        self.set("Cmd", json!(words))
    }

    /// Sets the signal that stops a container.
    #[must_use]
    pub fn stop_signal(self, signal: &str) -> Self {
        self.set("StopSignal", json!(signal))
    }

    /// Sets the health check, such as `["CMD-SHELL", "true"]` or `["NONE"]`.
    #[must_use]
    pub fn healthcheck(self, test: &[&str]) -> Self {
        self.set("Healthcheck", json!({ "Test": test }))
    }

    /// Sets the version of the operating system, as Windows images have it.
    #[must_use]
    pub fn os_version(mut self, version: &str) -> Self {
        self.platform.os_version = Some(version.into());
        self
    }

    /// Uses Docker's media types instead of OCI's.
    #[must_use]
    pub fn docker_media_types(mut self) -> Self {
        self.media_types = &DOCKER;
        self
    }

    /// The manifest of the image with its blobs.
    #[must_use]
    pub fn tree(&self) -> Tree {
        let layer = Content::new(self.media_types.layer, EMPTY_LAYER.to_vec());
        let mut config = self.platform.fields();
        config.insert("created".into(), json!(self.created));
        config.insert("config".into(), Value::Object(self.config.clone()));
        config.insert("rootfs".into(), json!({ "type": "layers", "diff_ids": [EMPTY_LAYER_DIFF_ID] }));
        let config = Content::json(self.media_types.config, &Value::Object(config));
        let root = manifest(self.media_types, &config, &[layer.descriptor()]);
        Tree { root, manifests: Vec::new(), blobs: vec![config, layer] }
    }

    fn set(mut self, key: &str, value: Value) -> Self {
        self.config.insert(key.into(), value);
        self
    }

    fn append(&mut self, key: &str, value: Value) {
        let list = self.config.entry(key).or_insert_with(|| json!([]));
        list.as_array_mut().expect("made as a list").push(value);
    }

    fn insert(&mut self, key: &str, name: &str, value: Value) {
        let map = self.config.entry(key).or_insert_with(|| json!({}));
        let map = map.as_object_mut().expect("made as an object");
        map.insert(name.into(), value);
    }
}

impl From<&Image> for Tree {
    fn from(image: &Image) -> Self {
        image.tree()
    }
}

impl Platform {
    fn new(platform: &str) -> Self {
        let mut parts = platform.split('/').map(str::to_owned);
        Self {
            os: parts.next().unwrap_or_default(),
            architecture: parts.next().unwrap_or_default(),
            variant: parts.next(),
            os_version: None,
        }
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("os".into(), json!(self.os));
        fields.insert("architecture".into(), json!(self.architecture));
        if let Some(variant) = &self.variant {
            fields.insert("variant".into(), json!(variant));
        }
        if let Some(version) = &self.os_version {
            fields.insert("os.version".into(), json!(version));
        }
        fields
    }
}
