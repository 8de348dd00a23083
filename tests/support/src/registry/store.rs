//! What the registry holds, and which path asks for what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::error;
use crate::http::Reply;
use crate::image::{Content, Referrers, Tree};

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/v2/`
    Probe,
    /// `/token`
    Token,
    /// `/v2/<repository>/manifests/<tag or digest>`
    Manifest { repository: String, reference: String },
    /// `/v2/<repository>/blobs/<digest>`
    Blob { repository: String, digest: String },
    /// `/v2/<repository>/tags/list`
    Tags { repository: String },
    /// `/v2/<repository>/referrers/<digest>`
    Referrers { repository: String, digest: String },
    /// Anything else.
    Other,
}

#[derive(Default)]
pub(super) struct Store {
    manifests: BTreeMap<(String, String), Content>,
    blobs: BTreeMap<(String, String), Content>,
    tags: BTreeMap<String, BTreeSet<String>>,
    /// By repository and subject; none where the registry has no such lists.
    referrers: Option<BTreeMap<(String, String), Content>>,
}

impl Route {
    pub(super) fn new(path: &str) -> Self {
        let Some(rest) = path.strip_prefix("/v2/") else {
            return match path {
                "/v2" => Self::Probe,
                "/token" => Self::Token,
                _ => Self::Other,
            };
        };
        if rest.is_empty() {
            return Self::Probe;
        }
        if let Some((repository, reference)) = rest.rsplit_once("/manifests/") {
            return Self::Manifest { repository: repository.to_owned(), reference: reference.to_owned() };
        }
        if let Some((repository, digest)) = rest.rsplit_once("/blobs/") {
            return Self::Blob { repository: repository.to_owned(), digest: digest.to_owned() };
        }
        if let Some((repository, digest)) = rest.rsplit_once("/referrers/") {
            return Self::Referrers { repository: repository.to_owned(), digest: digest.to_owned() };
        }
        match rest.strip_suffix("/tags/list") {
            Some(repository) => Self::Tags { repository: repository.to_owned() },
            None => Self::Other,
        }
    }

    pub(super) fn repository(&self) -> Option<&str> {
        match self {
            Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Tags { repository }
            | Self::Referrers { repository, .. } => Some(repository),
            Self::Probe | Self::Token | Self::Other => None,
        }
    }
}

impl Store {
    pub(super) fn new(has_referrers: bool) -> Self {
        Self { referrers: has_referrers.then(BTreeMap::new), ..Self::default() }
    }

    pub(super) fn refer(&mut self, repository: &str, referrers: &Referrers) {
        let list = Tree::from(referrers);
        match &mut self.referrers {
            Some(lists) => {
                lists.insert((repository.to_owned(), referrers.subject().to_owned()), list.root);
            }
            None => self.put(&format!("{repository}:{}", referrers.tag()), &list),
        }
    }

    pub(super) fn put(&mut self, reference: &str, tree: &Tree) {
        let (repository, tag) = split(reference);
        for blob in &tree.blobs {
            let key = (repository.to_owned(), blob.digest.clone());
            self.blobs.insert(key, blob.clone());
        }
        for manifest in tree.manifests.iter().chain([&tree.root]) {
            let key = (repository.to_owned(), manifest.digest.clone());
            self.manifests.insert(key, manifest.clone());
        }
        let key = (repository.to_owned(), tag.to_owned());
        self.manifests.insert(key, tree.root.clone());
        let tags = self.tags.entry(repository.to_owned()).or_default();
        tags.insert(tag.to_owned());
    }

    pub(super) fn remove(&mut self, reference: &str) {
        let (repository, tag) = split(reference);
        self.manifests.remove(&(repository.to_owned(), tag.to_owned()));
        if let Some(tags) = self.tags.get_mut(repository) {
            tags.remove(tag);
        }
    }

    pub(super) fn answer(&self, route: &Route) -> Reply {
        match route {
            Route::Probe => Reply::new(200, "{}").header("Content-Type", "application/json"),
            Route::Manifest { repository, reference } => {
                let key = (repository.clone(), reference.clone());
                match self.manifests.get(&key) {
                    Some(content) => found(content, &content.media_type),
                    None if self.tags.contains_key(repository) => error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
                    None => error(404, "NAME_UNKNOWN", "repository name not known to registry"),
                }
            }
            Route::Blob { repository, digest } => match self.blobs.get(&(repository.clone(), digest.clone())) {
                Some(content) => found(content, "application/octet-stream"),
                None => error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
            },
            Route::Tags { repository } => match self.tags.get(repository) {
                Some(tags) => Reply::new(200, json!({ "name": repository, "tags": tags }).to_string())
                    .header("Content-Type", "application/json"),
                None => error(404, "NAME_UNKNOWN", "repository name not known to registry"),
            },
            Route::Referrers { repository, digest } => match &self.referrers {
                Some(lists) => match lists.get(&(repository.clone(), digest.clone())) {
                    Some(list) => found(list, &list.media_type),
                    None => {
                        let none = Tree::from(&Referrers::new(digest, &[])).root;
                        found(&none, &none.media_type)
                    }
                },
                None => error(404, "NOT_FOUND", "no such page"),
            },
            Route::Token | Route::Other => error(404, "NOT_FOUND", "no such page"),
        }
    }
}

/// Splits `repository:tag`; the tag is `latest` when there is none.
fn split(reference: &str) -> (&str, &str) {
    reference.rsplit_once(':').unwrap_or((reference, "latest"))
}

fn found(content: &Content, media_type: &str) -> Reply {
    Reply::new(200, content.bytes.clone())
        .header("Content-Type", media_type)
        .header("Docker-Content-Digest", &content.digest)
        .header("ETag", &format!("\"{}\"", content.digest))
}
