//! Manifests and indexes: bytes and their media type in, what they list out.
//!
//! A document is what its `mediaType` says, else what its `Content-Type` says, else what it has; one that could be
//! read as both an image and an index is refused.

use std::collections::BTreeMap;

use plimsoll_dockerfile::Platform;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::cache::Blob;
use crate::digest::Digest;
use crate::limits::INDEX_ENTRIES_MAX;

/// What is accepted for a tag or digest.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// A manifest document.
#[derive(Debug)]
pub(crate) enum Manifest {
    /// One image, by its configuration.
    Image(Descriptor),
    /// Images for several platforms.
    Index(Vec<Descriptor>),
}

/// A reference to content by digest.
#[derive(Clone, Debug)]
pub(crate) struct Descriptor {
    pub digest: Digest,
    pub size: u64,
    pub media_type: Option<String>,
    pub platform: Option<Platform>,
    /// Whether it describes another entry, such as an attestation.
    pub attached: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: Option<u64>,
    media_type: Option<String>,
    config: Option<RawDescriptor>,
    layers: Option<IgnoredAny>,
    manifests: Option<Vec<RawDescriptor>>,
    fs_layers: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    digest: String,
    size: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    platform: Option<RawPlatform>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPlatform {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Index,
    Legacy,
}

impl Manifest {
    /// Reads `blob`; the error says what is wrong with it.
    pub fn parse(blob: &Blob) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(&blob.bytes)
            .map_err(|error| format!("malformed manifest (line {}, column {})", error.line(), error.column()))?;
        match document.kind(blob.media_type.as_deref())? {
            Kind::Legacy => {
                Err("the image has the retired schema 1 format; push it again with a current tool".to_owned())
            }
            Kind::Image => {
                let config = document.config.ok_or("malformed manifest: no configuration")?;
                Ok(Self::Image(config.checked()?))
            }
            Kind::Index => {
                let entries = document.manifests.ok_or("malformed index: no manifests")?;
                if entries.len() > INDEX_ENTRIES_MAX {
                    return Err(format!("an index of more than {INDEX_ENTRIES_MAX} entries"));
                }
                entries.into_iter().map(RawDescriptor::checked).collect::<Result<_, _>>().map(Self::Index)
            }
        }
    }
}

impl Document {
    fn kind(&self, content_type: Option<&str>) -> Result<Kind, String> {
        let inner = self.media_type.as_deref().map(kind_of);
        let outer = content_type.map(kind_of);
        let unsupported = |media_type: Option<&str>| Err(format!("unsupported media type {}", shown(media_type)));
        let kind = match (inner, outer) {
            (Some(Some(inner)), Some(Some(outer))) if inner != outer => {
                return Err("the manifest contradicts its content type".to_owned());
            }
            (Some(Some(kind)), _) => kind,
            (Some(None), _) => return unsupported(self.media_type.as_deref()),
            (None, Some(Some(kind))) => kind,
            (None, _) => match (self.schema_version, self.fs_layers.is_some()) {
                (Some(1), _) | (_, true) => Kind::Legacy,
                _ if self.manifests.is_some() => Kind::Index,
                _ if self.config.is_some() => Kind::Image,
                _ => return unsupported(content_type),
            },
        };
        let ambiguous = self.manifests.is_some() && (self.config.is_some() || self.layers.is_some());
        if ambiguous { Err("the manifest is both an image and an index".to_owned()) } else { Ok(kind) }
    }
}

fn kind_of(media_type: &str) -> Option<Kind> {
    match media_type {
        "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json" => {
            Some(Kind::Index)
        }
        "application/vnd.oci.image.manifest.v1+json" | "application/vnd.docker.distribution.manifest.v2+json" => {
            Some(Kind::Image)
        }
        "application/vnd.docker.distribution.manifest.v1+json"
        | "application/vnd.docker.distribution.manifest.v1+prettyjws" => Some(Kind::Legacy),
        _ => None,
    }
}

/// A media type fit to be shown.
pub(crate) fn shown(media_type: Option<&str>) -> String {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte);
    match media_type {
        Some(text) if !text.is_empty() && text.len() <= 100 && text.bytes().all(fit) => text.to_owned(),
        _ => "(not readable)".to_owned(),
    }
}

impl RawDescriptor {
    fn checked(self) -> Result<Descriptor, String> {
        let digest = Digest::parse(&self.digest).ok_or("malformed digest in a descriptor")?;
        let attestation = self.annotations.is_some_and(|all| all.contains_key("vnd.docker.reference.type"));
        let artifact = self.artifact_type.is_some() && self.platform.is_none();
        let platform = self.platform.and_then(|platform| {
            named(platform.os.as_deref(), platform.architecture.as_deref(), platform.variant.as_deref())
        });
        Ok(Descriptor {
            digest,
            size: self.size,
            media_type: self.media_type,
            platform,
            attached: attestation || artifact,
        })
    }
}

/// A platform from what a document says; one without an architecture says nothing.
pub(crate) fn named(os: Option<&str>, architecture: Option<&str>, variant: Option<&str>) -> Option<Platform> {
    let architecture = architecture.filter(|architecture| !architecture.is_empty())?;
    Some(Platform::new(os.unwrap_or_default(), architecture, variant.unwrap_or_default()))
}
