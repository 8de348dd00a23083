//! A repository in memory that holds whatever a test puts there, and says what
//! it was asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use plimsoll::config::Digest;
use plimsoll::signature::Fetch;
use plimsoll_registry::{Error, ErrorKind, Referrer};
use serde_json::{Value, json};

use crate::signer::Signer;

pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

#[derive(Default)]
pub struct Shelf {
    referrers: Vec<Referrer>,
    manifests: HashMap<String, Vec<u8>>,
    blobs: HashMap<String, Vec<u8>>,
    tagged: Option<Vec<u8>>,
    lost: Option<ErrorKind>,
    /// What was asked for, and how many bytes of it may have been read.
    asked: Mutex<Vec<(String, usize)>>,
}

impl Shelf {
    /// Has a bundle refer to everything, listed with a type.
    pub fn attach(&mut self, kind: Option<&str>, bundle: &[u8]) {
        self.attach_with(kind, BTreeMap::new(), bundle);
    }

    /// The same, where its list says what the bundle states.
    pub fn attach_about(&mut self, kind: Option<&str>, predicate: &str, bundle: &[u8]) {
        let annotation = ("dev.sigstore.bundle.predicateType".to_owned(), predicate.to_owned());
        self.attach_with(kind, BTreeMap::from([annotation]), bundle);
    }

    fn attach_with(&mut self, kind: Option<&str>, annotations: BTreeMap<String, String>, bundle: &[u8]) {
        let layer = self.layer(BUNDLE, bundle);
        let manifest = json!({ "schemaVersion": 2, "artifactType": BUNDLE, "layers": [layer] }).to_string();
        let digest = Digest::of(manifest.as_bytes()).to_string();
        let (size, artifact_type) = (manifest.len() as u64, kind.map(str::to_owned));
        self.referrers.push(Referrer { digest: digest.clone(), size, media_type: None, artifact_type, annotations });
        self.manifests.insert(digest, manifest.into_bytes());
    }

    /// Puts older signatures under every tag.
    pub fn tag(&mut self, signatures: &[(Value, &Signer)]) {
        let mut layers = Vec::new();
        for (payload, signer) in signatures {
            let payload = payload.to_string().into_bytes();
            let mut layer = self.layer("application/vnd.dev.cosign.simplesigning.v1+json", &payload);
            layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": signer.sign(&payload) });
            layers.push(layer);
        }
        let manifest = json!({ "schemaVersion": 2, "layers": layers }).to_string();
        self.tagged = Some(manifest.into_bytes());
    }

    /// From now on there are no blobs, for this reason.
    pub fn lose_blobs(&mut self, why: ErrorKind) {
        self.lost = Some(why);
    }

    pub fn asked(&self) -> Vec<(String, usize)> {
        self.notes().clone()
    }

    fn layer(&mut self, media_type: &str, blob: &[u8]) -> Value {
        let digest = Digest::of(blob).to_string();
        self.blobs.insert(digest.clone(), blob.to_vec());
        json!({ "mediaType": media_type, "digest": digest, "size": blob.len() })
    }

    fn notes(&self) -> MutexGuard<'_, Vec<(String, usize)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: &str, bytes_max: usize) {
        self.notes().push((what.to_owned(), bytes_max));
    }
}

fn error(kind: ErrorKind) -> Error {
    Error { kind, host: "shelf".to_owned(), detail: "shelf: not there".to_owned() }
}

impl Fetch for Shelf {
    async fn referrers(&self, digest: &Digest) -> Result<Vec<Referrer>, Error> {
        self.note(digest.as_str(), 0);
        Ok(self.referrers.clone())
    }

    async fn manifest(&self, digest: &str) -> Result<Vec<u8>, Error> {
        self.note(digest, 0);
        self.manifests.get(digest).cloned().ok_or_else(|| error(ErrorKind::NotFound))
    }

    async fn tagged(&self, tag: &str) -> Result<Vec<u8>, Error> {
        self.note(tag, 0);
        self.tagged.clone().ok_or_else(|| error(ErrorKind::NotFound))
    }

    async fn blob(&self, digest: &str, _size: u64, bytes_max: usize) -> Result<Vec<u8>, Error> {
        self.note(digest, bytes_max);
        let blob = self.blobs.get(digest).filter(|blob| self.lost.is_none() && blob.len() <= bytes_max);
        blob.cloned().ok_or_else(|| error(self.lost.unwrap_or(ErrorKind::ResolverError)))
    }
}
