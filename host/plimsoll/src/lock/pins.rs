//! What a lock says of images, by what they are called.
//!
//! Input: a lock. Output: for each reference the digests that stand for it. Invariant: a digest that is given out
//! can stand behind a reference, and is that of the index wherever the lock knows it.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_dockerfile::{Platform, Reference};

use super::{Entry, Key, Lock};

/// What an entry says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    /// What was asked, in its normal form and with its tag.
    pub reference: Reference,
    /// For which platform; none where the key names none.
    pub platform: Option<Platform>,
    /// What it meant: the index, or else the manifest.
    pub digest: String,
    /// Whether the digest is good for all platforms.
    pub is_index: bool,
}

/// All images of a lock.
#[derive(Debug, Default)]
pub struct Pins(BTreeMap<String, Vec<Pin>>);

/// Why no digest stands for a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unpinned {
    /// The lock has nothing on it.
    Unknown,
    /// The lock has it for other platforms only, and does not know its index.
    NotFor(Platform),
    /// The lock has several digests, for one platform each.
    Several,
}

impl Pins {
    /// Those of a lock; entries that do not hold up are left out.
    pub fn of(lock: &Lock) -> Self {
        let mut pins: BTreeMap<String, Vec<Pin>> = BTreeMap::new();
        for pin in lock.iter().filter_map(|(key, entry)| pin(key, entry).ok().flatten()) {
            pins.entry(pin.reference.canonical()).or_default().push(pin);
        }
        Self(pins)
    }

    /// The one digest that stands for a reference on all of these platforms.
    pub(super) fn digest(&self, reference: &Reference, platforms: &BTreeSet<Platform>) -> Result<&str, Unpinned> {
        let pins = self.on(reference);
        if pins.is_empty() {
            return Err(Unpinned::Unknown);
        }
        let mut digests = BTreeSet::new();
        for platform in platforms {
            let exact = pins.iter().find(|pin| pin.platform.as_ref().is_none_or(|known| known == platform));
            match exact {
                Some(pin) => drop(digests.insert(pin.digest.as_str())),
                None if pins.iter().any(|pin| pin.is_index) => {
                    digests.extend(pins.iter().filter(|pin| pin.is_index).map(|pin| pin.digest.as_str()));
                }
                None => return Err(Unpinned::NotFor(platform.clone())),
            }
        }
        match (digests.pop_first(), digests.is_empty()) {
            (Some(digest), true) => Ok(digest),
            (Some(_), false) => Err(Unpinned::Several),
            (None, _) => Err(Unpinned::Unknown),
        }
    }

    /// Whether the lock says this digest of a reference, for whichever platform.
    pub fn has(&self, reference: &Reference, digest: &str) -> bool {
        self.on(reference).iter().any(|pin| pin.digest == digest)
    }

    fn on(&self, reference: &Reference) -> &[Pin] {
        self.0.get(&reference.canonical()).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What an entry says of an image; nothing for one that is about something else.
pub(super) fn pin(key: &Key, entry: &Entry) -> Result<Option<Pin>, String> {
    if (key.module.as_str(), key.function.as_str()) != ("oci", "resolve") {
        return Ok(None);
    }
    let arguments = key.arguments();
    let Some(name) = arguments.first() else { return Err("it names no image".to_owned()) };
    let reference = Reference::parse(name).map_err(|error| format!("{name} is no image: {error}"))?;
    let platform = arguments.get(1).map(|text| Platform::parse(text)).transpose().map_err(|error| error.to_string())?;
    let is_index = entry.more("index").is_some();
    let Some(serde_json::Value::String(digest)) = entry.content() else {
        return Err("its digest is no text".to_owned());
    };
    if !is_digest(&digest) {
        return Err(format!("{digest} is no digest such as sha256:…, with 64 digits"));
    }
    let reference = reference.with_default_tag();
    Ok(Some(Pin { reference, platform, digest, is_index }))
}

/// Whether a text is a digest as it stands behind a reference.
pub(super) fn is_digest(text: &str) -> bool {
    Reference::parse(&format!("image@{text}")).is_ok_and(|reference| reference.digest.as_deref() == Some(text))
}
