//! Answers: what a reference means for a platform, and what the image brings into a build.

use std::collections::BTreeMap;

use plimsoll_dockerfile::Platform;
use serde::Deserialize;

use crate::digest::Digest;
use crate::manifest::named;

/// The answer to the question for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The image for the platform; where there is only one, that one, whatever it is built for.
    Image(Box<Image>),
    /// The reference has images, but none for the platform.
    PlatformMismatch {
        /// The platform asked for.
        requested: Platform,
        /// The platforms there are, sorted, each once.
        available: Vec<Platform>,
        /// Digest of the index.
        index_digest: String,
    },
}

/// An image as its manifest and configuration describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Digest of the manifest of this image (not of the index).
    pub digest: String,
    /// Digest of the index that lists it, if there is one.
    pub index_digest: Option<String>,
    /// The platform that the configuration names, else the index, else an unnamed architecture.
    pub platform: Platform,
    /// `ENV`, in the order of the configuration.
    pub environment: Vec<(String, String)>,
    /// `WORKDIR`; empty where there is none.
    pub working_dir: String,
    /// `USER`; empty where there is none.
    pub user: String,
    /// `SHELL`; empty where there is none.
    pub shell: Vec<String>,
    /// `LABEL`, sorted by key.
    pub labels: BTreeMap<String, String>,
    /// The triggers of `ONBUILD`.
    pub onbuild: Vec<String>,
    /// `ENTRYPOINT`; empty where there is none.
    pub entrypoint: Vec<String>,
    /// `CMD`; empty where there is none.
    pub cmd: Vec<String>,
    /// When it was built, as written there.
    pub created: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    architecture: Option<String>,
    os: Option<String>,
    variant: Option<String>,
    created: Option<String>,
    config: Option<Settings>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Settings {
    env: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
    shell: Option<Vec<String>>,
    labels: Option<BTreeMap<String, Option<String>>>,
    on_build: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
}

impl Image {
    /// Reads the configuration `bytes` of the image `digest`; `listed` is what an index says about it.
    pub(crate) fn parse(bytes: &[u8], digest: &Digest, listed: Option<&Platform>) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes).map_err(|error| {
            format!("malformed image configuration (line {}, column {})", error.line(), error.column())
        })?;
        let (os, variant) = (document.os.as_deref(), document.variant.as_deref());
        let platform = named(os, document.architecture.as_deref(), variant).or_else(|| listed.cloned());
        let settings = document.config.unwrap_or_default();
        Ok(Self {
            digest: digest.to_string(),
            index_digest: None,
            platform: platform.unwrap_or_else(|| Platform::new(os.unwrap_or_default(), "", "")),
            environment: settings.env.unwrap_or_default().into_iter().map(variable).collect(),
            working_dir: settings.working_dir.unwrap_or_default(),
            user: settings.user.unwrap_or_default(),
            shell: settings.shell.unwrap_or_default(),
            labels: settings
                .labels
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key, value.unwrap_or_default()))
                .collect(),
            onbuild: settings.on_build.unwrap_or_default(),
            entrypoint: settings.entrypoint.unwrap_or_default(),
            cmd: settings.cmd.unwrap_or_default(),
            created: document.created,
        })
    }
}

fn variable(text: String) -> (String, String) {
    match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => (text, String::new()),
    }
}
