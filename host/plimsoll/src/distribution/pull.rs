//! Pulling: from a name, or the digest it means, to a component on the shelf.
//!
//! Invariant: the shelf gets all of a plugin after all of it was verified, its signatures
//! included where keys are named, or nothing. What is on the shelf counts as signed where
//! a signature lies beside it that holds, each time anew.

use plimsoll_dockerfile::Reference;

use super::artifact::{Blob, check_size};
use super::{Artifact, Remote, Shelf};
use crate::config::{Digest, Source};
use crate::limits::{ARTIFACT_DOCUMENT_BYTES_MAX, COMPONENT_BYTES_MAX};
use crate::plugin::Component;
use crate::signature::{Key, Proof};

/// A component, and what named it. Nothing of it has run.
#[derive(Clone)]
pub struct Pulled {
    /// The component.
    pub component: Component,
    /// What its source means: the digest of the manifest, or on the web of the component itself.
    pub content: Digest,
    /// What the manifest says, where there is one.
    pub artifact: Option<Artifact>,
    /// Why it could not be kept, where it could not.
    pub unkept: Option<String>,
}

/// The component that a source must turn out to be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// Its digest.
    pub component: &'e Digest,
    /// Who expects it, as the error says: `the lock says`.
    pub whose: &'e str,
}

impl Expected<'_> {
    /// Holds a component against it.
    ///
    /// # Errors
    /// That it is another one.
    pub fn check(&self, found: &Digest) -> Result<(), String> {
        let Self { component, whose } = self;
        if found == *component { Ok(()) } else { Err(format!("its component is {found}, and {whose} {component}")) }
    }
}

/// What is on the shelf of `content`, or of the digest that the source itself has, signed by all these keys; nobody
/// is asked.
pub fn known(shelf: &Shelf, source: &Source, content: Option<&Digest>, keys: &[Key]) -> Option<Pulled> {
    let pulled = kept(shelf, source, content)?;
    keys.iter().all(|key| shelf.proof(key, &pulled.content).is_some()).then_some(pulled)
}

fn kept(shelf: &Shelf, source: &Source, content: Option<&Digest>) -> Option<Pulled> {
    let content = &content.cloned().or_else(|| own_digest(source))?;
    match source {
        Source::Web(_) => {
            let component = shelf.component(content)?;
            Some(Pulled { component, content: content.clone(), artifact: None, unkept: None })
        }
        Source::Oci(_) => {
            let artifact =
                Artifact::read(&shelf.get(content)?).ok().filter(|artifact| shelf.has(&artifact.config.digest))?;
            let component = shelf.component(&artifact.layer.digest)?;
            Some(Pulled { component, content: content.clone(), artifact: Some(artifact), unkept: None })
        }
    }
}

/// Pulls what a source means: `content`, where that is known, else what it means now.
/// What is on the shelf is not asked for again; what cannot be kept there is had all the same. Each of the keys must have signed its manifest, and another component
/// than the one expected is neither downloaded nor kept.
///
/// # Errors
/// Why it cannot be had, is no plugin, or is not signed; with the source.
pub fn pull(
    remote: &Remote,
    shelf: Option<&Shelf>,
    source: &Source,
    content: Option<&Digest>,
    expected: Option<Expected>,
    keys: &[Key],
) -> Result<Pulled, String> {
    let check = |found: &Digest| expected.map_or(Ok(()), |expected| expected.check(found));
    let content = content.cloned().or_else(|| own_digest(source));
    let kept = shelf.and_then(|shelf| kept(shelf, source, content.as_ref()));
    let is_kept = kept.is_some();
    let (mut pulled, documents) = match (kept, source) {
        (Some(kept), _) => check(kept.component.digest()).map(|()| (kept, Vec::new())),
        (None, Source::Oci(reference)) => from_registry(remote, shelf, reference, content.as_ref(), check),
        (None, Source::Web(url)) => remote.download(url).map_err(|failure| failure.detail).and_then(|bytes| {
            let component = Component::new(bytes)?;
            check(component.digest())?;
            Ok((Pulled { content: component.digest().clone(), component, artifact: None, unkept: None }, Vec::new()))
        }),
    }
    .map_err(|message| format!("{source}: {message}"))?;
    if let Some(wanted) = content.filter(|wanted| *wanted != pulled.content) {
        return Err(format!("{source}: it is {} now, not {wanted}", pulled.content));
    }
    let proofs =
        proofs(remote, shelf, source, &pulled.content, keys).map_err(|message| format!("{source}: {message}"))?;
    if let Some(shelf) = shelf {
        // The manifest comes last: where it is, all is.
        let mut contents = vec![pulled.component.bytes()];
        contents.extend(documents.iter().map(Vec::as_slice));
        let mut put = proofs.iter().try_for_each(|proof| shelf.put_proof(&pulled.content, proof));
        if !is_kept {
            put = put.and_then(|()| shelf.put(&contents));
        }
        pulled.unkept =
            put.err().map(|error| format!("{source} cannot be kept in {}: {error}", shelf.place().display()));
    }
    Ok(pulled)
}

/// The signatures by these keys, as far as they are not on the shelf.
fn proofs(
    remote: &Remote,
    shelf: Option<&Shelf>,
    source: &Source,
    content: &Digest,
    keys: &[Key],
) -> Result<Vec<Proof>, String> {
    let is_missing = |key: &&Key| shelf.is_none_or(|shelf| shelf.proof(key, content).is_none());
    let missing = keys.iter().filter(is_missing);
    match source {
        Source::Oci(reference) => {
            missing.map(|key| remote.proof(key, reference, content).map_err(|refusal| refusal.to_string())).collect()
        }
        Source::Web(_) => missing.map(|_| Err("only registries keep signatures".to_owned())).collect(),
    }
}

/// The digest that a source names itself.
fn own_digest(source: &Source) -> Option<Digest> {
    match source {
        Source::Oci(reference) => reference.digest.as_ref()?.parse().ok(),
        Source::Web(_) => None,
    }
}

/// The component, and the configuration and manifest that it came with.
fn from_registry(
    remote: &Remote,
    shelf: Option<&Shelf>,
    reference: &Reference,
    content: Option<&Digest>,
    check: impl Fn(&Digest) -> Result<(), String>,
) -> Result<(Pulled, Vec<Vec<u8>>), String> {
    let told = |failure: crate::question::Failure| failure.detail;
    let mut by_content = reference.clone();
    if let Some(content) = content {
        (by_content.tag, by_content.digest) = (None, Some(content.to_string()));
    }
    let manifest = remote.manifest(&by_content).map_err(told)?;
    let digest: Digest = manifest.digest.parse()?;
    let artifact = Artifact::read(&manifest.bytes)?;
    check(&artifact.layer.digest)?;
    // Nothing but content from here on.
    (by_content.tag, by_content.digest) = (None, Some(manifest.digest));
    let blob = |blob: &Blob, bytes_max| remote.blob(&by_content, &blob.digest, blob.size, bytes_max);
    let config = blob(&artifact.config, ARTIFACT_DOCUMENT_BYTES_MAX).map_err(told)?;
    let kept = shelf.and_then(|shelf| shelf.component(&artifact.layer.digest));
    let component = match kept {
        Some(component) => {
            check_size(&artifact.layer.digest, artifact.layer.size, component.bytes())?;
            component
        }
        None => {
            let bytes_max = usize::try_from(COMPONENT_BYTES_MAX).unwrap_or(usize::MAX);
            Component::new(blob(&artifact.layer, bytes_max).map_err(told)?)?
        }
    };
    Ok((Pulled { component, content: digest, artifact: Some(artifact), unkept: None }, vec![config, manifest.bytes]))
}
