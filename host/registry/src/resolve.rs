//! The question for an image: reference → manifest or index → platform → configuration, every step verified by digest.

use plimsoll_dockerfile::Platform;

use crate::digest::Digest;
use crate::error::Error;
use crate::fetch::Resolver;
use crate::image::{Answer, Image};
use crate::limits::CONFIG_BYTES_MAX;
use crate::manifest::{Descriptor, Manifest, shown};
use crate::select::{Selection, available, select};

impl Resolver<'_> {
    /// The answer for `platform`: two requests for a single image, three for one in an index.
    pub async fn image(&self, platform: &Platform) -> Result<Answer, Error> {
        let (digest, blob) = self.root().await?;
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
