//! Answers on disk, known to later runs.
//!
//! Input: questions, each with the circumstances its answer depends on. Output:
//! answers that still hold. Invariants: what is kept is an answer, never a
//! failure and never a credential; nobody but the user can read it; whatever
//! lies in the folder, the worst that comes of it is that an answer is not known.
//!
//! The folder is `disk`.

mod disk;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use disk::{Contents, clear, contents};
use disk::{Place, Read};
use serde::{Deserialize, Serialize};

use crate::form::{Form, Key};
use crate::question::{Answer, Question};

/// The answers in a folder.
pub struct Cache {
    folder: PathBuf,
    ttl: Duration,
    /// Whether there was anything when this run began to look.
    is_begun: OnceLock<bool>,
    trouble: Mutex<Trouble>,
}

/// An answer with what it is kept under.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: Key,
    /// When, in seconds since 1970.
    stored: u64,
    answer: Form,
}

/// What went wrong with a cache, none of which keeps a run from going on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// How many answers were damaged; they are gone now.
    pub damaged: usize,
    /// Why the folder could not be read or written, the first time.
    pub folder: Option<String>,
}

impl Cache {
    /// The cache in a folder, which need not exist. What may change, such as what
    /// a tag means, is known for `ttl`; what a digest names, for ever.
    pub fn new(folder: PathBuf, ttl: Duration) -> Self {
        Self { folder, ttl, is_begun: OnceLock::new(), trouble: Mutex::default() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it is worth asking: looked up once, so that whoever keeps no
    /// answers pays for none.
    pub fn may_know(&self) -> bool {
        *self.is_begun.get_or_init(|| disk::is_begun(&self.folder))
    }

    /// The answer to a question, if it still holds.
    pub fn known(&self, question: &Question, circumstances: &str) -> Option<Answer> {
        let key = key(question, circumstances)?;
        let place = Place::of(&self.folder, &key);
        let content = match place.read() {
            Read::Nothing => return None,
            Read::Content(content) => content,
            Read::Damaged => return self.damaged(&place),
            Read::Trouble(error) => return self.note(&error),
        };
        let Ok(kept) = serde_json::from_slice::<Kept>(&content) else { return self.damaged(&place) };
        if kept.key != key {
            return self.damaged(&place);
        }
        // An answer from the future was kept under another clock: nobody knows how old it is.
        let age = now().checked_sub(Duration::from_secs(kept.stored))?;
        let holds = key.is_content() || age < self.ttl;
        if !holds {
            return None;
        }
        kept.answer.answer(question).or_else(|| self.damaged(&place))
    }

    /// Keeps answers, and lets the oldest go where there are too many.
    pub fn keep<'a>(&self, answers: impl Iterator<Item = (&'a Question, &'a str, &'a Answer)>) {
        let mut places = Vec::new();
        for (question, circumstances, answer) in answers {
            let Some(key) = key(question, circumstances) else { continue };
            if self.ttl.is_zero() && !key.is_content() {
                continue;
            }
            let place = Place::of(&self.folder, &key);
            let kept = Kept { key, stored: now().as_secs(), answer: Form::of(question, answer) };
            let content = serde_json::to_vec(&kept).expect("what is kept has string keys only");
            match place.write(&content) {
                Ok(()) => places.push(place),
                Err(error) => drop(self.note::<()>(&error)),
            }
        }
        disk::prune(&places);
    }

    /// What went wrong so far.
    pub fn trouble(&self) -> Trouble {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn damaged<T>(&self, place: &Place) -> Option<T> {
        place.remove();
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).damaged += 1;
        None
    }

    fn note<T>(&self, error: &std::io::Error) -> Option<T> {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.folder.get_or_insert_with(|| format!("{}: {error}", self.folder.display()));
        None
    }
}

/// None for a question whose answers are not kept: what the files on this machine say is
/// read as fast where they are, and another day a tool may be another version.
fn key(question: &Question, circumstances: &str) -> Option<Key> {
    question.host().map(|_| Key::of(question, circumstances, Path::new("")))
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
