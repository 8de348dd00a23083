//! Locks of other tools as entries of ours.
//!
//! Input: a file of docker-lock, a source policy of BuildKit, or a Dockerfile with digests, and the platforms the
//! entries are for. Output: pinned entries, and what could not be taken over. Invariant: no entry says what the file
//! does not say. Whether a digest is that of an index or of one manifest no such file tells, so an entry does not
//! either.

mod docker_lock;
mod dockerfile;
mod policy;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use plimsoll_dockerfile::{Platform, Reference};
use serde_json::Value;

use super::pins::is_digest;
use super::{Entry, Key, Policy};
use crate::limits::{LOCK_BYTES_MAX, LOCK_ENTRIES_MAX, SOURCE_BYTES_MAX};

/// Where the entries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `docker-lock.json` of docker-lock.
    DockerLock,
    /// A source policy of BuildKit, as container-source-policy writes it too.
    SourcePolicy,
    /// A Dockerfile with digests behind its images.
    Dockerfile,
}

/// What a file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The entries, sorted, each once.
    pub entries: Vec<(Key, Entry)>,
    /// What is not among them: where it stands, and why.
    pub left: Vec<String>,
}

/// Reads a file as entries for each of these platforms.
///
/// # Errors
/// When the text is not of its kind, is too large, or gives an image two digests.
pub fn migrate(kind: Kind, text: &str, platforms: &[Platform]) -> Result<Migrated, String> {
    let bytes_max = if kind == Kind::Dockerfile { SOURCE_BYTES_MAX } else { LOCK_BYTES_MAX };
    if text.len() as u64 > bytes_max {
        return Err(format!("it is larger than {bytes_max} bytes: split it"));
    }
    let mut found = Found { platforms, entries: BTreeMap::new(), left: Vec::new() };
    match kind {
        Kind::DockerLock => docker_lock::read(&json(text)?, &mut found)?,
        Kind::SourcePolicy => policy::read(&json(text)?, &mut found)?,
        Kind::Dockerfile => dockerfile::read(text, &mut found)?,
    }
    let entries = found.entries.into_iter().map(|(key, (digest, _))| (key, Entry::new(digest, Policy::Pin)));
    Ok(Migrated { entries: entries.collect(), left: found.left })
}

/// What was found so far.
struct Found<'p> {
    platforms: &'p [Platform],
    /// Each digest, and where it stood.
    entries: BTreeMap<Key, (String, String)>,
    left: Vec<String>,
}

impl Found<'_> {
    /// A digest for all platforms.
    fn add(&mut self, place: &str, reference: &Reference, digest: &str) -> Result<(), String> {
        let platforms = self.platforms;
        platforms.iter().try_for_each(|platform| self.add_for(place, reference, digest, platform))
    }

    /// A digest for one platform.
    fn add_for(&mut self, place: &str, reference: &Reference, digest: &str, platform: &Platform) -> Result<(), String> {
        if !is_digest(digest) {
            return Err(format!("{place}: {digest} is no digest such as sha256:…, with 64 digits: correct it"));
        }
        let reference = Reference { digest: None, ..reference.clone() }.with_default_tag().canonical();
        let key = Key::new("oci", "resolve", &[&reference, &platform.to_string()]);
        match self.entries.entry(key) {
            Slot::Occupied(known) if known.get().0 != digest => {
                let (other, before) = known.get();
                Err(format!(
                    "{place}: {reference} is {digest}, but {other} at {before}: a lock has one digest for an image, so \
                     make them one"
                ))
            }
            Slot::Occupied(_) => Ok(()),
            Slot::Vacant(slot) => {
                slot.insert((digest.to_owned(), place.to_owned()));
                match self.entries.len() {
                    0..=LOCK_ENTRIES_MAX => Ok(()),
                    _ => Err(format!("{place}: these are more than {LOCK_ENTRIES_MAX} entries: split the file")),
                }
            }
        }
    }

    /// Something that cannot be taken over.
    fn leave(&mut self, place: &str, why: &str) {
        self.left.push(format!("{place}: {why}"));
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        format!("line {}: it is no JSON ({message}): correct it, or have its tool write it again", error.line())
    })
}

/// A path into JSON and a name: `$.dockerfiles["a/Dockerfile"]`.
fn at(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_plain { format!("{path}.{name}") } else { format!("{path}[{}]", Value::from(name)) }
}

/// The text under a name; none where nothing is there.
fn text_at<'v>(value: &'v Value, path: &str, name: &str) -> Result<&'v str, String> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("{}: it is no text: correct it", at(path, name))),
    }
}

#[cfg(test)]
mod tests;
