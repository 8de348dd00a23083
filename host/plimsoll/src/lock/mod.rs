//! `plimsoll.lock`: what every mutable reference meant.
//!
//! In reading order: `entry` (one line), this file (all of them), `join` (two locks
//! to one), `file` (a lock on disk), `keys` (questions and answers as entries),
//! `answers` (what was learnt of content), `locked` (a lock between questions and the
//! world), `uses` (what a file refers to), `delta` (what a run learnt), `select` (what
//! people call entries), `view` (what rules see). Then what else a lock is good for: `pins`, `apply`
//! (digests in Dockerfiles), `export` (BuildKit's source policies), `migrate` (locks
//! of others).

mod answers;
pub mod apply;
pub mod delta;
mod entry;
pub mod export;
mod file;
mod join;
pub mod keys;
mod locked;
pub mod migrate;
mod pins;
pub mod select;
pub mod uses;
pub mod view;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;

use thiserror::Error;

pub use answers::{ANSWERS_FILE_NAME, Answers};
pub use entry::{Entry, Key, Policy};
pub use file::{LockError, LockFile};
pub use join::{Conflict, Joined, join, join_over, resolve};
pub use locked::Locked;

pub use crate::config::LockMode as Mode;

use crate::limits::{LOCK_BYTES_MAX, LOCK_ENTRIES_MAX, LOCK_LINE_BYTES_MAX};

/// What the file is called.
pub const FILE_NAME: &str = "plimsoll.lock";

/// The version of the form.
const VERSION: &str = "1";
/// What begins a file of this form.
const HEADER: &str = "[[\"version\",\"1\"]]";
/// What git begins the lines with that part the sides of a conflict.
const CONFLICT_MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// The entries of a lock, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    entries: BTreeMap<Key, Entry>,
}

/// A lock that was read.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The lock.
    pub lock: Lock,
    /// The text that it was read from, where that was a file.
    pub text: String,
    /// What is odd about the file, each with its line.
    pub warnings: Vec<(usize, String)>,
}

/// What is wrong with a lock, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl Lock {
    /// Reads a file's text. No text at all is a lock without entries.
    ///
    /// # Errors
    /// Where a line does not hold up, or the file is of a newer version.
    pub fn parse(text: &str) -> Result<Parsed, Malformed> {
        let wrong = |line: usize, message: String| Malformed { line, message };
        if text.len() as u64 > LOCK_BYTES_MAX {
            return Err(wrong(1, format!("it is larger than {LOCK_BYTES_MAX} bytes")));
        }
        let mut parsed = Parsed::default();
        let mut has_header = false;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if CONFLICT_MARKERS.iter().any(|marker| line.starts_with(marker)) {
                let what = "git left a conflict here: run `plimsoll lock merge`, which joins what does not contradict";
                return Err(wrong(number, what.to_owned()));
            }
            if line.len() > LOCK_LINE_BYTES_MAX {
                return Err(wrong(number, format!("the line is longer than {LOCK_LINE_BYTES_MAX} bytes")));
            }
            if !has_header {
                check_header(line).map_err(|message| wrong(number, message))?;
                has_header = true;
                continue;
            }
            let (key, entry) = entry::parse(line).map_err(|message| wrong(number, message))?;
            match parsed.lock.entries.entry(key) {
                Slot::Vacant(slot) => {
                    slot.insert(entry);
                }
                Slot::Occupied(mut slot) => {
                    let warning = format!("{} stands there twice; the last counts", slot.key());
                    parsed.warnings.push((number, warning));
                    slot.insert(entry);
                }
            }
            if parsed.lock.entries.len() > LOCK_ENTRIES_MAX {
                return Err(wrong(number, format!("there are more than {LOCK_ENTRIES_MAX} entries")));
            }
        }
        Ok(parsed)
    }

    /// On which line of a file's text each entry stands, from 1.
    pub fn lines(text: &str) -> BTreeMap<Key, usize> {
        let keys = (1..).zip(text.lines()).filter_map(|(number, line)| Some((entry::parse(line).ok()?.0, number)));
        keys.collect()
    }

    /// The file's text; none for a lock without entries, which is no file.
    pub fn text(&self) -> String {
        if self.entries.is_empty() {
            return String::new();
        }
        let mut text = format!("{HEADER}\n");
        for (key, entry) in &self.entries {
            entry::write(&mut text, key, entry);
            text.push('\n');
        }
        text
    }

    /// The entry under a key.
    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Puts an entry under a key, in place of what is there.
    pub fn set(&mut self, key: Key, entry: Entry) {
        self.entries.insert(key, entry);
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &Key) -> Option<Entry> {
        self.entries.remove(key)
    }

    /// All entries, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.entries.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<(Key, Entry)> for Lock {
    fn from_iter<I: IntoIterator<Item = (Key, Entry)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

fn check_header(line: &str) -> Result<(), String> {
    if line == HEADER {
        return Ok(());
    }
    let header: Vec<(String, String)> = serde_json::from_str(line)
        .map_err(|_| format!("this is no lock of plimsoll: its first line would be {HEADER}; take the file away"))?;
    match header.as_slice() {
        [(name, version)] if name == "version" && version == VERSION => Ok(()),
        [(name, version), ..] if name == "version" => Err(format!(
            "the lock is of version {version}, this program knows {VERSION}: use a newer plimsoll; the file stays as \
             it is"
        )),
        _ => Err(format!("this is no lock of plimsoll: its first line would be {HEADER}; take the file away")),
    }
}

#[cfg(test)]
mod tests;
