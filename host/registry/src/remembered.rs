//! Errors, remembered for a short while, so that a question that fails is not asked again and again.
//!
//! Invariant: the second time a question is asked it is asked for real, because trouble passes; from the third time on
//! the answer is the error, until that is old. What depends on the caller's patience is not remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::limits::{ERROR_ENTRIES_MAX, ERROR_LIFE};

/// The errors of a run, by question.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    when: Instant,
    error: Error,
    asked_again: bool,
}

impl Remembered {
    /// The error to answer `question` with, if it is not to be asked.
    pub fn error(&self, question: &str) -> Option<Error> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get_mut(question).filter(|entry| entry.when.elapsed() < ERROR_LIFE)?;
        if entry.asked_again {
            return Some(entry.error.clone());
        }
        entry.asked_again = true;
        None
    }

    /// Notes how asking `question` ended.
    pub fn note(&self, question: String, error: Option<&Error>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            None => drop(entries.remove(&question)),
            Some(error) if error.kind == ErrorKind::Timeout => {}
            Some(error) => {
                if entries.len() >= ERROR_ENTRIES_MAX {
                    entries.clear();
                }
                let before = entries.get(&question).filter(|entry| entry.when.elapsed() < ERROR_LIFE);
                let asked_again = before.is_some_and(|entry| entry.asked_again);
                entries.insert(question, Entry { when: Instant::now(), error: error.clone(), asked_again });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_the_answer_from_the_third_time_on() {
        let (all, error) = (Remembered::default(), Error::resolver("h", "no"));
        assert_eq!(all.error("q"), None);
        all.note("q".into(), Some(&error));
        assert_eq!(all.error("q"), None, "once more for real");
        all.note("q".into(), Some(&error));
        assert_eq!(all.error("q"), Some(error.clone()));
        assert_eq!(all.error("other"), None);
        all.note("q".into(), None);
        assert_eq!(all.error("q"), None);
        all.note("late".into(), Some(&Error::timeout("h")));
        all.note("late".into(), Some(&Error::timeout("h")));
        assert_eq!((all.error("late"), all.error("late")), (None, None));
    }
}
