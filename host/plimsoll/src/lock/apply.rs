//! Digests into a Dockerfile, and out of it again.
//!
//! Input: a Dockerfile's bytes, the images of a lock, and what the file is built for. Output: the bytes with `@sha256:…` behind the
//! images that the file names literally, and what was left as it is. Invariant: nothing is put in or taken out but
//! such digests, and each name means the same image before and after.
//!
//! A file in which the lock's own digests stand from the start loses them in [`undo`]: nothing in it says who
//! wrote them.

mod places;

use std::collections::BTreeSet;
use std::fmt;

use plimsoll_dockerfile::model::Base;
use plimsoll_dockerfile::{Inputs, Platform, Reference, Tree, model, parse};

pub use super::pins::Pins;
use super::pins::Unpinned;
pub(super) use places::images;
use places::{Place, Spelling};

/// A file after an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its bytes.
    pub source: Vec<u8>,
    /// How many references were changed.
    pub changed: usize,
    /// What was left as it is though one might expect a change, in the file's order.
    pub left: Vec<Left>,
}

/// A reference that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The line where it stands, from 1.
    pub line: u32,
    /// How it is written.
    pub reference: String,
    /// Why.
    pub why: Reason,
}

/// Why a reference was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// What it means depends on build arguments.
    Variable,
    /// It is no image's name.
    Invalid,
    /// Quotes or escapes stand within it.
    Spelling,
    /// It runs in other builds, where its name may be that of a stage.
    Trigger,
    /// The lock has nothing on it.
    Unlocked,
    /// The lock has it for other platforms only, and does not know its index.
    NotFor(Platform),
    /// The lock has another digest for each platform.
    Several,
    /// It has a digest that is not that of the lock, which follows.
    Other(String),
    /// It would be something else, or nothing that BuildKit reads.
    Meaning,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => f.write_str("a variable stands in it: write the digest into the variable's value"),
            Self::Invalid => f.write_str("it is no image's name"),
            Self::Spelling => f.write_str("quotes or escapes stand in it: take them out"),
            Self::Trigger => f.write_str("an ONBUILD runs in other builds, where this may be a stage's name"),
            Self::Unlocked => f.write_str("the lock does not have it: run `plimsoll lock`"),
            Self::NotFor(platform) => write!(f, "the lock does not have it for {platform}: run `plimsoll lock`"),
            Self::Several => f.write_str("the lock has another digest for each platform, and none of an index"),
            Self::Other(digest) => write!(f, "it has another digest than the lock, which says {digest}"),
            Self::Meaning => f.write_str("it would then mean something else, or be too long to read"),
        }
    }
}

/// Writes the lock's digests behind the images that a file names literally. `builds` says for what the file is
/// built, once for each platform; without any nothing is known, and nothing changes.
pub fn apply(source: &[u8], pins: &Pins, builds: &[Inputs<'_>]) -> Applied {
    edit(source, builds, |place| pinning(pins, place))
}

/// Takes out the digests of which the lock says that their references mean them; others stay. For a file without
/// any of the lock's own digests, [`apply`] and then this gives the same bytes.
pub fn undo(source: &[u8], pins: &Pins, builds: &[Inputs<'_>]) -> Applied {
    edit(source, builds, |place| {
        let is_written = !matches!(place.spelling, Spelling::Variable | Spelling::Number);
        let named = place.reference.as_ref().filter(|_| is_written);
        match named.and_then(|named| Some((named, named.digest.as_ref()?))) {
            Some((named, digest)) if pins.has(&without_digest(named), digest) => Step::Remove(digest.clone()),
            _ => Step::Leave(None),
        }
    })
}

/// What is done at one place.
enum Step {
    Insert(String),
    Remove(String),
    /// With the reason, where one might expect something else.
    Leave(Option<Reason>),
}

/// What becomes of an image, so that it is pinned.
fn pinning(pins: &Pins, place: &Place) -> Step {
    let Some(named) = &place.reference else {
        let is_variable = place.spelling == Spelling::Variable;
        return Step::Leave(Some(if is_variable { Reason::Variable } else { Reason::Invalid }));
    };
    let bare = without_digest(named);
    let locked = pins.digest(&bare, &place.platforms);
    match (place.spelling, &named.digest, locked) {
        // Numbers stand for what other instructions name.
        (Spelling::Number, ..) | (Spelling::Variable, Some(_), _) => Step::Leave(None),
        (Spelling::Variable, None, _) => Step::Leave(Some(Reason::Variable)),
        (_, None, Ok(locked)) => Step::Insert(locked.to_owned()),
        (_, Some(digest), Ok(locked)) if locked != digest => Step::Leave(Some(Reason::Other(locked.to_owned()))),
        // Whoever wrote a digest of which the lock knows nothing needs no lock.
        (_, Some(_), Ok(_) | Err(Unpinned::Unknown)) => Step::Leave(None),
        (_, Some(digest), Err(_)) if pins.has(&bare, digest) => Step::Leave(None),
        (_, _, Err(why)) => Step::Leave(Some(why.into())),
    }
}

/// One change: what is taken out before an offset, and what is put in there.
struct Edit {
    /// Where the reference begins.
    start: u32,
    at: usize,
    removed: usize,
    inserted: String,
    line: u32,
    written: String,
}

fn edit(source: &[u8], builds: &[Inputs<'_>], step: impl Fn(&Place) -> Step) -> Applied {
    let tree = parse(source);
    let (mut edits, mut left) = (Vec::new(), Vec::new());
    for place in images(source, &tree, builds) {
        match edit_at(source, &place, step(&place)) {
            Ok(edit) => edits.extend(edit),
            Err(why) => left.push(Left { line: place.line, reference: place.written, why }),
        }
    }
    let refused = refused(source, &tree, builds, &edits);
    edits.retain(|Edit { start, line, written, .. }| {
        let is_refused = refused.contains(start);
        if is_refused {
            left.push(Left { line: *line, reference: written.clone(), why: Reason::Meaning });
        }
        !is_refused
    });
    left.sort_by_key(|left| left.line);
    Applied { source: edited(source, &edits), changed: edits.len(), left }
}

fn edit_at(source: &[u8], place: &Place, step: Step) -> Result<Option<Edit>, Reason> {
    let (digest, is_removal) = match step {
        Step::Leave(why) => return why.map_or(Ok(None), Err),
        Step::Insert(digest) => (digest, false),
        Step::Remove(digest) => (digest, true),
    };
    if place.is_trigger {
        return Err(Reason::Trigger);
    }
    let Spelling::Literal { end: at } = place.spelling else { return Err(Reason::Spelling) };
    let suffix = format!("@{digest}");
    if is_removal && !source[..at as usize].ends_with(suffix.as_bytes()) {
        return Err(Reason::Spelling);
    }
    let (removed, inserted) = if is_removal { (suffix.len(), String::new()) } else { (0, suffix) };
    let (start, line, written) = (place.start, place.line, place.written.clone());
    Ok(Some(Edit { start, at: at as usize, removed, inserted, line, written }))
}

/// Where the references begin whose edits would change more than a digest.
fn refused(source: &[u8], tree: &Tree, builds: &[Inputs<'_>], edits: &[Edit]) -> BTreeSet<u32> {
    let all = || edits.iter().map(|edit| edit.start).collect();
    let after = edited(source, edits);
    let tree_after = parse(&after);
    if tree.first_error().is_none() && tree_after.first_error().is_some() {
        return all();
    }
    let mut refused = BTreeSet::new();
    for inputs in builds.iter().filter(|_| !edits.is_empty()) {
        let (old, new) = (model(source, tree, inputs), model(&after, &tree_after, inputs));
        if old.images.len() != new.images.len() {
            return all();
        }
        for (old_use, new_use) in old.images.iter().zip(&new.images) {
            let names = [(&old, old_use), (&new, new_use)].map(|(model, used)| model.reference(&used.source));
            let is_same = match names {
                [Some(old), Some(new)] => without_digest(&old) == without_digest(&new),
                [None, None] => !matches!(new_use.source, Base::Image(_)),
                _ => false,
            };
            if !is_same {
                refused.insert(old_use.span.start);
            }
        }
    }
    refused
}

fn edited(source: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(source.len() + edits.iter().map(|edit| edit.inserted.len()).sum::<usize>());
    let mut done = 0;
    for Edit { at, removed, inserted, .. } in edits {
        bytes.extend_from_slice(&source[done..at - removed]);
        bytes.extend_from_slice(inserted.as_bytes());
        done = *at;
    }
    bytes.extend_from_slice(&source[done..]);
    bytes
}

/// What a reference is without its digest, in its normal form and with its tag.
pub(super) fn without_digest(reference: &Reference) -> Reference {
    Reference { digest: None, ..reference.clone() }.with_default_tag()
}

impl From<Unpinned> for Reason {
    fn from(why: Unpinned) -> Self {
        match why {
            Unpinned::Unknown => Self::Unlocked,
            Unpinned::NotFor(platform) => Self::NotFor(platform),
            Unpinned::Several => Self::Several,
        }
    }
}

#[cfg(test)]
mod tests;
