//! Answers by digest, kept in memory for the run: what was fetched and verified once is not fetched again. Beside them,
//! what tags mean, for a while.
//!
//! Invariant: entries belong to one repository of one registry, so that an answer never stands in for access that was
//! not granted; when the bounds are reached, everything is forgotten.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::digest::Digest;
use crate::limits::{CACHE_BYTES_MAX, CACHE_ENTRIES_MAX};
use crate::shared::Shared;

/// A manifest or configuration as it was received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub bytes: Vec<u8>,
    /// The `Content-Type`, without parameters.
    pub media_type: Option<String>,
}

/// What an entry is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    pub host: String,
    pub repository: String,
    pub digest: Digest,
}

pub(crate) type Cell = Arc<Shared<Arc<Blob>>>;

/// What a tag means, and since when that is known.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub when: Instant,
    pub digest: Digest,
}

/// A tag of a repository of a registry.
pub(crate) type TagKey = (String, String, String);

/// The answers of a run.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    cells: HashMap<CacheKey, Cell>,
    tags: HashMap<TagKey, Arc<Shared<Tag>>>,
    /// Registries and repositories that keep referrers under tags only.
    without_lists: HashSet<(String, String)>,
    bytes: usize,
}

impl Cache {
    /// The cell of `key`, to be read or filled.
    pub fn cell(&self, key: CacheKey) -> Cell {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.make_room(0);
        Arc::clone(state.cells.entry(key).or_default())
    }

    /// What a tag means, to be read or filled.
    pub fn tag(&self, key: TagKey) -> Arc<Shared<Tag>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.tags.len() >= CACHE_ENTRIES_MAX {
            state.tags.clear();
        }
        Arc::clone(state.tags.entry(key).or_default())
    }

    /// Whether a repository has no lists of referrers of its own, as far as is known.
    pub fn has_no_lists(&self, host: &str, repository: &str) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.without_lists.contains(&(host.to_owned(), repository.to_owned()))
    }

    /// Notes that it has none.
    pub fn note_no_lists(&self, host: &str, repository: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.without_lists.len() < CACHE_ENTRIES_MAX {
            state.without_lists.insert((host.to_owned(), repository.to_owned()));
        }
    }

    /// Keeps a blob that was received by another name, unless its cell is in use already.
    pub fn insert(&self, key: CacheKey, blob: Arc<Blob>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.cells.contains_key(&key) {
            state.make_room(blob.bytes.len());
            state.cells.insert(key, Arc::new(Shared::filled(blob)));
        }
    }

    /// Counts a blob that was put into its cell.
    pub fn count(&self, blob: &Blob) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).make_room(blob.bytes.len());
    }
}

impl State {
    fn make_room(&mut self, bytes: usize) {
        if self.bytes + bytes > CACHE_BYTES_MAX || self.cells.len() >= CACHE_ENTRIES_MAX {
            *self = Self::default();
        }
        self.bytes += bytes;
    }
}
