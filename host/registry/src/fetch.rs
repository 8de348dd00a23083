//! Fetching from one repository: manifests and blobs, every one verified by digest, and lists.

use std::sync::Arc;
use std::time::Instant;

use plimsoll_dockerfile::Reference;

use crate::auth::Access;
use crate::cache::{Blob, Cache, CacheKey, Tag};
use crate::credentials::Store;
use crate::digest::Digest;
use crate::error::Error;
use crate::host::{Content, Host};
use crate::http::{Call, Deed, Http, Response};
use crate::limits::{MANIFEST_BYTES_MAX, TAG_LIFE};
use crate::manifest::{ACCEPT, Manifest};

/// A question for one repository, and what it takes to answer it.
pub(crate) struct Resolver<'a> {
    pub http: &'a Http,
    pub store: &'a Arc<Store>,
    pub cache: &'a Cache,
    pub host: &'a Host,
    /// With a tag or a digest.
    pub reference: &'a Reference,
    pub call: Call,
}

impl Resolver<'_> {
    /// The manifest or index that the reference means.
    pub async fn root(&self) -> Result<(Digest, Arc<Blob>), Error> {
        match &self.reference.digest {
            Some(digest) => self.by_digest(digest).await,
            None => self.by_tag().await,
        }
    }

    async fn by_digest(&self, digest: &str) -> Result<(Digest, Arc<Blob>), Error> {
        let digest = Digest::parse(digest).ok_or_else(|| self.wrong("the digest cannot be verified"))?;
        let blob = self.manifest(&digest, None).await?;
        Ok((digest, blob))
    }

    /// The first who asks for a tag fetches its manifest; the others find it known.
    async fn by_tag(&self) -> Result<(Digest, Arc<Blob>), Error> {
        let tag = self.reference.tag.as_deref().unwrap_or("latest");
        let mut fetched = None;
        let fetch = async || {
            let (digest, blob) = self.fetch_tag(tag).await?;
            fetched = Some(blob);
            Ok(Tag { when: Instant::now(), digest })
        };
        let cell = self.cache.tag((self.host.name.clone(), self.reference.path.clone(), tag.to_owned()));
        let Tag { digest, .. } = cell.get(|known| known.when.elapsed() < TAG_LIFE, fetch).await?;
        let blob = match fetched {
            Some(blob) => blob,
            None => self.manifest(&digest, None).await?,
        };
        Ok((digest, blob))
    }

    async fn fetch_tag(&self, tag: &str) -> Result<(Digest, Arc<Blob>), Error> {
        let response = self.get(format!("manifests/{tag}"), ACCEPT, MANIFEST_BYTES_MAX).await?;
        let digest = match response.header("docker-content-digest") {
            Some(text) => Digest::parse(text).ok_or_else(|| self.wrong("malformed Docker-Content-Digest"))?,
            None => Digest::of(&response.body),
        };
        let blob = self.verify(&digest, response)?;
        self.cache.insert(self.key(&digest), Arc::clone(&blob));
        Ok((digest, blob))
    }

    /// A manifest by digest; `size` is what its descriptor promises.
    pub async fn manifest(&self, digest: &Digest, size: Option<u64>) -> Result<Arc<Blob>, Error> {
        self.verified(format!("manifests/{digest}"), ACCEPT, MANIFEST_BYTES_MAX, digest, size).await
    }

    /// Content by digest, fetched once; `size` is what its descriptor promises.
    pub async fn verified(
        &self,
        path: String,
        accept: &'static str,
        bytes_max: usize,
        digest: &Digest,
        size: Option<u64>,
    ) -> Result<Arc<Blob>, Error> {
        if size.is_some_and(|size| size > bytes_max as u64) {
            return Err(self.wrong(&format!("{digest} has more than {bytes_max} bytes")));
        }
        let bytes_max = size.map_or(bytes_max, |size| size as usize);
        let fetch = async || {
            let response = self.get(path, accept, bytes_max).await?;
            let blob = self.verify(digest, response)?;
            self.cache.count(&blob);
            Ok(blob)
        };
        let blob = self.cache.cell(self.key(digest)).get(|_| true, fetch).await?;
        match size {
            Some(size) if size != blob.bytes.len() as u64 => {
                Err(self.wrong(&format!("{digest} has not the promised size")))
            }
            _ => Ok(blob),
        }
    }

    /// Anything of the repository, not verified.
    pub async fn get(&self, path: String, accept: &'static str, bytes_max: usize) -> Result<Response, Error> {
        self.send(Access::Pull, Deed::Get, self.path(&path), accept, bytes_max).await
    }

    /// Gets or puts something, by its path on the server.
    pub async fn send(
        &self,
        access: Access,
        deed: Deed<'_>,
        path: String,
        accept: &'static str,
        bytes_max: usize,
    ) -> Result<Response, Error> {
        let (what, repository) = (self.what(), self.reference.path.as_str());
        let content = Content { what: &what, repository, access, deed, path, accept, bytes_max };
        self.host.send(self.http, self.store, self.call, &content).await
    }

    /// The path on the server of what is `path` in the repository.
    pub fn path(&self, path: &str) -> String {
        format!("/v2/{}/{path}", self.reference.path)
    }

    pub fn verify(&self, digest: &Digest, response: Response) -> Result<Arc<Blob>, Error> {
        if !digest.verifies(&response.body) {
            return Err(self.wrong(&format!("what was sent has not the digest {digest}")));
        }
        let media_type = response
            .header("content-type")
            .map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        Ok(Arc::new(Blob { bytes: response.body, media_type }))
    }

    /// Reads a manifest.
    pub fn parse(&self, blob: &Blob) -> Result<Manifest, Error> {
        Manifest::parse(blob).map_err(|what| self.wrong(&what))
    }

    fn key(&self, digest: &Digest) -> CacheKey {
        CacheKey { host: self.host.name.clone(), repository: self.reference.path.clone(), digest: digest.clone() }
    }

    /// The reference without its registry, which every message names anyway.
    fn what(&self) -> String {
        let familiar = self.reference.familiar();
        let prefix = format!("{}/", self.reference.domain);
        familiar.strip_prefix(&prefix).map(str::to_owned).unwrap_or(familiar)
    }

    /// The error for what the registry should not have answered.
    pub fn wrong(&self, what: &str) -> Error {
        Error::resolver(&self.host.name, format_args!("{}: {what}", self.what()))
    }
}
