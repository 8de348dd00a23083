//! One question: reference → manifest or index → platform → configuration, every step verified by digest.

use std::sync::Arc;

use plimsoll_dockerfile::{Platform, Reference};

use crate::cache::{Blob, Cache, CacheKey};
use crate::credentials::Store;
use crate::digest::Digest;
use crate::error::Error;
use crate::host::{Content, Host};
use crate::http::{Call, Http, Response};
use crate::image::{Answer, Image};
use crate::limits::{CONFIG_BYTES_MAX, MANIFEST_BYTES_MAX};
use crate::manifest::{ACCEPT, Descriptor, Manifest, shown};
use crate::select::{Selection, available, select};

/// A question and what it takes to answer it.
pub(crate) struct Resolver<'a> {
    pub http: &'a Http,
    pub store: &'a Arc<Store>,
    pub cache: &'a Cache,
    pub host: &'a Host,
    pub reference: &'a Reference,
    pub call: Call,
}

impl Resolver<'_> {
    /// The answer for `platform`: two requests for a single image, three for one in an index.
    pub async fn image(&self, platform: &Platform) -> Result<Answer, Error> {
        let (digest, blob) = match &self.reference.digest {
            Some(digest) => self.by_digest(digest).await?,
            None => self.by_tag().await?,
        };
        match self.parse(&blob)? {
            Manifest::Image(config) => {
                let image = self.configured(&config, &digest, None).await?;
                Ok(Answer::Image(Box::new(image)))
            }
            Manifest::Index(entries) => self.in_index(&digest, &entries, platform).await,
        }
    }

    async fn in_index(&self, index: &Digest, entries: &[Descriptor], platform: &Platform) -> Result<Answer, Error> {
        let mut platforms = available(entries);
        match select(entries, platform) {
            Selection::Entry(entry) => {
                let image = self.listed(index, entry).await?;
                return Ok(Answer::Image(Box::new(image)));
            }
            Selection::Unlabelled(entry) => {
                let image = self.listed(index, entry).await?;
                if platform.rank(&image.platform).is_some() {
                    return Ok(Answer::Image(Box::new(image)));
                }
                platforms.insert(image.platform);
            }
            Selection::Nothing => {}
        }
        let (requested, available) = (platform.clone(), platforms.into_iter().collect());
        Ok(Answer::PlatformMismatch { requested, available, index_digest: index.to_string() })
    }

    async fn listed(&self, index: &Digest, entry: &Descriptor) -> Result<Image, Error> {
        let blob = self.manifest(&entry.digest, Some(entry.size)).await?;
        let Manifest::Image(config) = self.parse(&blob)? else {
            return Err(self.wrong("an index within an index is not supported"));
        };
        let image = self.configured(&config, &entry.digest, entry.platform.as_ref()).await?;
        Ok(Image { index_digest: Some(index.to_string()), ..image })
    }

    async fn configured(
        &self,
        config: &Descriptor,
        digest: &Digest,
        listed: Option<&Platform>,
    ) -> Result<Image, Error> {
        if !is_image_config(config.media_type.as_deref()) {
            let media_type = shown(config.media_type.as_deref());
            return Err(self.wrong(&format!("no container image: its configuration is {media_type}")));
        }
        let path = format!("blobs/{}", config.digest);
        let blob = self.verified(path, "*/*", CONFIG_BYTES_MAX, &config.digest, Some(config.size)).await?;
        Image::parse(&blob.bytes, digest, listed).map_err(|what| self.wrong(&what))
    }

    async fn by_digest(&self, digest: &str) -> Result<(Digest, Arc<Blob>), Error> {
        let digest = Digest::parse(digest).ok_or_else(|| self.wrong("the digest cannot be verified"))?;
        let blob = self.manifest(&digest, None).await?;
        Ok((digest, blob))
    }

    async fn by_tag(&self) -> Result<(Digest, Arc<Blob>), Error> {
        let tag = self.reference.tag.as_deref().unwrap_or("latest");
        let response = self.get(format!("manifests/{tag}"), ACCEPT, MANIFEST_BYTES_MAX).await?;
        let digest = match response.header("docker-content-digest") {
            Some(text) => Digest::parse(text).ok_or_else(|| self.wrong("malformed Docker-Content-Digest"))?,
            None => Digest::of(&response.body),
        };
        let blob = self.verify(&digest, response)?;
        self.cache.insert(self.key(&digest), Arc::clone(&blob));
        Ok((digest, blob))
    }

    async fn manifest(&self, digest: &Digest, size: Option<u64>) -> Result<Arc<Blob>, Error> {
        self.verified(format!("manifests/{digest}"), ACCEPT, MANIFEST_BYTES_MAX, digest, size).await
    }

    /// Content by digest, fetched once; `size` is what its descriptor promises.
    async fn verified(
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

    async fn get(&self, path: String, accept: &'static str, bytes_max: usize) -> Result<Response, Error> {
        let what = self.what();
        let content = Content { what: &what, repository: &self.reference.path, path, accept, bytes_max };
        self.host.get(self.http, self.store, self.call, &content).await
    }

    fn verify(&self, digest: &Digest, response: Response) -> Result<Arc<Blob>, Error> {
        if !digest.verifies(&response.body) {
            return Err(self.wrong(&format!("what was sent has not the digest {digest}")));
        }
        let media_type = response
            .header("content-type")
            .map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        Ok(Arc::new(Blob { bytes: response.body, media_type }))
    }

    fn parse(&self, blob: &Blob) -> Result<Manifest, Error> {
        Manifest::parse(blob).map_err(|what| self.wrong(&what))
    }

    fn key(&self, digest: &Digest) -> CacheKey {
        CacheKey {
            host: self.host.endpoint.name.clone(),
            repository: self.reference.path.clone(),
            digest: digest.clone(),
        }
    }

    /// The reference without its registry, which every message names anyway.
    fn what(&self) -> String {
        let familiar = self.reference.familiar();
        let prefix = format!("{}/", self.reference.domain);
        familiar.strip_prefix(&prefix).map(str::to_owned).unwrap_or(familiar)
    }

    fn wrong(&self, what: &str) -> Error {
        Error::resolver(&self.host.endpoint.name, format_args!("{}: {what}", self.what()))
    }
}

/// Old tools left the type out or said `octet-stream`.
fn is_image_config(media_type: Option<&str>) -> bool {
    matches!(
        media_type,
        None | Some(
            "" | "application/vnd.oci.image.config.v1+json"
                | "application/vnd.docker.container.image.v1+json"
                | "application/octet-stream"
        )
    )
}
