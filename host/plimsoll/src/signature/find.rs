//! Where registries keep signatures: bundles among what refers to a manifest,
//! older ones under a tag made of its digest.

use std::collections::BTreeMap;
use std::future::Future;

use plimsoll_registry::{Error, ErrorKind, Referrer};
use serde::Deserialize;

use super::bundle::{BUNDLE, SIGN};
use super::simple::{SIGNATURE, SIMPLE};
use super::{Key, Proof, Wrong, malformed, unreadable};
use crate::config::Digest;
use crate::limits::{BUNDLE_BYTES_MAX, SIGNATURES_MAX, SIGNED_BYTES_MAX};

/// One repository, as far as signatures need it. What is asked for by digest has that digest.
pub trait Fetch {
    /// All that refers to a manifest, by the list that the registry has of it, or under the tag that stands in for it.
    fn referrers(&self, digest: &Digest) -> impl Future<Output = Result<Vec<Referrer>, Error>> + Send;
    /// The manifest of a digest.
    fn manifest(&self, digest: &str) -> impl Future<Output = Result<Vec<u8>, Error>> + Send;
    /// The manifest that a tag means.
    fn tagged(&self, tag: &str) -> impl Future<Output = Result<Vec<u8>, Error>> + Send;
    /// The blob of a digest, which has the promised size and no more bytes than `bytes_max`.
    fn blob(&self, digest: &str, size: u64, bytes_max: usize) -> impl Future<Output = Result<Vec<u8>, Error>> + Send;
}

/// How something is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a bundle that refers to it.
    Bundle,
    /// Under a tag made of its digest.
    Simple,
}

/// Why something does not count as signed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody signed it.
    #[error(
        "{0} has no signature in its repository, neither a bundle nor under tag {tag}; whoever publishes it signs it \
         with `cosign sign --key`", tag = tag(.0)
    )]
    Absent(Digest),
    /// Others did.
    #[error("{digest} has {}, none by the key {key}{}", counted(*.count), hint(*.may_be_prehashed))]
    OtherKey {
        /// What is to be signed.
        digest: Digest,
        /// The key that should have signed.
        key: Digest,
        /// How many signatures there are.
        count: usize,
        /// Whether they may be by the key in a way that is not known here.
        may_be_prehashed: bool,
    },
    /// The key signed something else, whose signature was put here.
    #[error("{digest} has a signature by the key, but it is of {}", .named.as_ref().map_or("something else", Digest::as_str))]
    OtherContent {
        /// What is to be signed.
        digest: Digest,
        /// What was signed, where that can be told.
        named: Option<Digest>,
    },
    /// There is something that should be a signature.
    #[error("{digest} has a signature that cannot be read: {what}")]
    Unreadable {
        /// What is to be signed.
        digest: Digest,
        /// What is wrong with it.
        what: String,
    },
    /// It cannot be told.
    #[error("signatures cannot be looked up: {0}")]
    Registry(#[from] Error),
}

/// The type that cosign 3 gives its bundles in the lists it keeps under tags.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The annotation that says what a bundle states.
const PREDICATE: &str = "dev.sigstore.bundle.predicateType";

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

/// Whether the key signed the manifest of this digest, as its repository tells: of several signatures one is enough,
/// which is given back.
///
/// # Errors
/// Why not.
pub async fn verify(key: &Key, fetch: &impl Fetch, digest: &Digest) -> Result<Proof, Refusal> {
    let mut tried = Tried::default();
    if let Some(proof) = bundles(key, fetch, digest, &mut tried).await {
        return Ok(proof);
    }
    let proof = simple(key, fetch, digest, &mut tried).await;
    proof.ok_or_else(|| tried.refusal(key, digest))
}

async fn bundles(key: &Key, fetch: &impl Fetch, digest: &Digest, tried: &mut Tried) -> Option<Proof> {
    let referrers = tried.got(fetch.referrers(digest).await, "a list of referrers")?;
    let is_candidate = |referrer: &Referrer| {
        let kind = referrer.artifact_type.as_deref();
        matches!(kind, None | Some(BUNDLE | EMPTY)) && may_sign(Some(&referrer.annotations))
    };
    let mut candidates: Vec<_> = referrers.into_iter().filter(is_candidate).collect();
    candidates.sort_by_key(|referrer| referrer.artifact_type.as_deref() != Some(BUNDLE));
    for candidate in candidates {
        if !tried.has_turn() {
            return None;
        }
        let Some(manifest) = tried.listed(fetch.manifest(&candidate.digest).await, "a manifest") else { continue };
        let Some(Manifest { layers, annotations }) = tried.read(&manifest) else { continue };
        if !may_sign(annotations.as_ref()) {
            continue;
        }
        // A manifest has one.
        let Some(layer) = layers.iter().find(|layer| layer.media_type == BUNDLE) else { continue };
        let Some(bundle) = tried.layer(fetch, layer, BUNDLE_BYTES_MAX).await else { continue };
        let proof = Proof::bundle(key, bundle);
        if tried.holds(proof.verify(key, digest)) {
            return Some(proof);
        }
    }
    None
}

async fn simple(key: &Key, fetch: &impl Fetch, digest: &Digest, tried: &mut Tried) -> Option<Proof> {
    tried.turns = 0;
    let manifest = tried.got(fetch.tagged(&tag(digest)).await, "a manifest")?;
    let Manifest { layers, .. } = tried.read(&manifest)?;
    for layer in layers.iter().filter(|layer| layer.media_type == SIMPLE) {
        if !tried.has_turn() {
            return None;
        }
        let Some(signature) = layer.annotations.as_ref().and_then(|all| all.get(SIGNATURE)) else {
            tried.note(unreadable(format!("a layer without the annotation {SIGNATURE}")));
            continue;
        };
        let Some(payload) = tried.layer(fetch, layer, SIGNED_BYTES_MAX).await else { continue };
        let proof = Proof::simple(key, payload, signature);
        if tried.holds(proof.verify(key, digest)) {
            return Some(proof);
        }
    }
    None
}

/// Whether what is said of a bundle leaves room for a signature: others, such as SBOMs, can be large.
fn may_sign(annotations: Option<&BTreeMap<String, String>>) -> bool {
    annotations.and_then(|all| all.get(PREDICATE)).is_none_or(|predicate| predicate == SIGN)
}

/// The tag of older signatures.
fn tag(digest: &Digest) -> String {
    format!("sha256-{}.sig", digest.digits())
}

fn counted(count: usize) -> String {
    if count == 1 { "1 signature".to_owned() } else { format!("{count} signatures") }
}

fn hint(may_be_prehashed: bool) -> &'static str {
    if may_be_prehashed {
        "; those that cosign 3 makes with Ed25519 keys (Ed25519ph) are not known here: sign with ECDSA P-256"
    } else {
        ""
    }
}

/// What came of the signatures so far.
#[derive(Default)]
struct Tried {
    /// How many had their turn.
    turns: usize,
    by_others: usize,
    of_others: Option<Option<Digest>>,
    unreadable: Option<String>,
    failure: Option<Error>,
}

impl Tried {
    /// Whether a further one is looked at.
    fn has_turn(&mut self) -> bool {
        self.turns += 1;
        if self.turns > SIGNATURES_MAX {
            self.note(unreadable(format!("more than {SIGNATURES_MAX} may be signatures; others were not looked at")));
        }
        self.turns <= SIGNATURES_MAX
    }

    /// What was asked for by a name of its own; that it is not there is no news.
    fn got<T>(&mut self, fetched: Result<T, Error>, what: &str) -> Option<T> {
        match fetched {
            Err(error) if error.kind == ErrorKind::NotFound => None,
            fetched => self.listed(fetched, what),
        }
    }

    /// What something else listed, and so has to be there.
    fn listed<T>(&mut self, fetched: Result<T, Error>, what: &str) -> Option<T> {
        match fetched {
            Ok(content) => return Some(content),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::ResolverError) => {
                self.note(unreadable(format!("{what}: {error}")));
            }
            Err(error) => _ = self.failure.get_or_insert(error),
        }
        None
    }

    fn read(&mut self, manifest: &[u8]) -> Option<Manifest> {
        let manifest = serde_json::from_slice(manifest);
        manifest.map_err(|error| self.note(malformed("malformed manifest", &error))).ok()
    }

    async fn layer(&mut self, fetch: &impl Fetch, layer: &Layer, bytes_max: usize) -> Option<Vec<u8>> {
        if layer.size > bytes_max as u64 {
            self.note(unreadable(format!("{} bytes; at most {bytes_max} are read", layer.size)));
            return None;
        }
        self.listed(fetch.blob(&layer.digest, layer.size, bytes_max).await, "a blob")
    }

    fn holds(&mut self, verified: Result<(), Wrong>) -> bool {
        verified.map_err(|wrong| self.note(wrong)).is_ok()
    }

    fn note(&mut self, wrong: Wrong) {
        match wrong {
            Wrong::OtherKey => self.by_others += 1,
            Wrong::OtherContent(named) => _ = self.of_others.get_or_insert(named),
            Wrong::Unreadable(what) => _ = self.unreadable.get_or_insert(what),
        }
    }

    /// The reason that helps most.
    fn refusal(self, key: &Key, digest: &Digest) -> Refusal {
        let digest = digest.clone();
        match self {
            Self { failure: Some(error), .. } => Refusal::Registry(error),
            Self { of_others: Some(named), .. } => Refusal::OtherContent { digest, named },
            Self { by_others: count @ 1.., .. } => {
                Refusal::OtherKey { digest, key: key.id().clone(), count, may_be_prehashed: key.may_be_prehashed() }
            }
            Self { unreadable: Some(what), .. } => Refusal::Unreadable { digest, what },
            _ => Refusal::Absent(digest),
        }
    }
}
