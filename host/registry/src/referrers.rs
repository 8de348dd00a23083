//! The question for referrers: what refers to a manifest, such as signatures and SBOMs.
//!
//! Asked through the API; a registry without it keeps the same list under the tag `sha256-<hex>`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::fetch::Resolver;
use crate::limits::{MANIFEST_BYTES_MAX, REFERRERS_MAX};
use crate::texts::{Annotations, Texts};

/// One manifest that refers to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Digest of the manifest.
    pub digest: String,
    /// Size of the manifest in bytes.
    pub size: u64,
    /// Media type of the manifest, where it is told.
    pub media_type: Option<String>,
    /// What kind of thing it is.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

const ACCEPT: &str = "application/vnd.oci.image.index.v1+json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    manifests: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    digest: String,
    size: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    annotations: Annotations,
}

/// What the pages so far listed.
#[derive(Default)]
struct Found {
    referrers: BTreeMap<String, Referrer>,
    texts: Texts,
}

impl Found {
    fn add(&mut self, digest: String, entry: Entry) -> Result<(), String> {
        let referrer = Referrer {
            digest: digest.clone(),
            size: entry.size,
            media_type: self.texts.text(entry.media_type)?,
            artifact_type: self.texts.text(entry.artifact_type)?,
            annotations: self.texts.annotations(entry.annotations)?,
        };
        self.referrers.insert(digest, referrer);
        Ok(())
    }
}

impl Resolver<'_> {
    /// All that refers to the manifest of the reference, sorted by digest; only those of `artifact_type`, if it is
    /// given.
    pub async fn referrers(&self, artifact_type: Option<&str>) -> Result<Vec<Referrer>, Error> {
        let digest = match &self.reference.digest {
            Some(digest) => Digest::parse(digest).ok_or_else(|| self.wrong("the digest cannot be verified"))?,
            None => self.root().await?.0,
        };
        let mut found = Found::default();
        let (host, repository) = (&self.host.name, &self.reference.path);
        let mut has_list = !self.cache.has_no_lists(host, repository);
        if has_list {
            let path = format!("referrers/{digest}");
            let listed =
                self.pages(&path, query(artifact_type), ACCEPT, |response| self.take(&response.body, &mut found)).await;
            match listed {
                Err(error) if error.kind == ErrorKind::NotFound => {
                    self.cache.note_no_lists(host, repository);
                    has_list = false;
                }
                other => other?,
            }
        }
        if !has_list {
            self.by_tag_scheme(&digest, &mut found).await?;
        }
        let wanted =
            |referrer: &Referrer| artifact_type.is_none_or(|kind| referrer.artifact_type.as_deref() == Some(kind));
        Ok(found.referrers.into_values().filter(wanted).collect())
    }

    async fn by_tag_scheme(&self, digest: &Digest, found: &mut Found) -> Result<(), Error> {
        let tag = digest.to_string().replace(':', "-");
        match self.get(format!("manifests/{tag}"), ACCEPT, MANIFEST_BYTES_MAX).await {
            Ok(response) => self.take(&response.body, found),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn take(&self, body: &[u8], found: &mut Found) -> Result<(), Error> {
        let page: Page = serde_json::from_slice(body).map_err(|error| {
            self.wrong(&format!("malformed list of referrers (line {}, column {})", error.line(), error.column()))
        })?;
        let entries = page.manifests.ok_or_else(|| self.wrong("malformed list of referrers: no manifests"))?;
        for entry in entries {
            let digest = Digest::parse(&entry.digest);
            let digest = digest.ok_or_else(|| self.wrong("malformed list of referrers: a malformed digest"))?;
            found.add(digest.to_string(), entry).map_err(|what| self.wrong(&what))?;
        }
        match found.referrers.len() > REFERRERS_MAX {
            true => Err(self.wrong(&format!("more than {REFERRERS_MAX} referrers"))),
            false => Ok(()),
        }
    }
}

fn query(artifact_type: Option<&str>) -> String {
    let mut query = form_urlencoded(artifact_type.unwrap_or_default());
    if !query.is_empty() {
        query.insert_str(0, "artifactType=");
    }
    query
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}
