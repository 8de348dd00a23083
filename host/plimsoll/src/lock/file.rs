//! A lock on disk.
//!
//! Invariants: who writes holds the folder's advisory lock, has read what is there,
//! and puts a whole file in its place; a process that is killed leaves the old one.
//! Nothing but a regular file is read, or replaced.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{ANSWERS_FILE_NAME, Answers, Lock, Malformed, Parsed};
use crate::limits::LOCK_BYTES_MAX;
use crate::rewrite;

/// Where a lock is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFile {
    path: PathBuf,
}

/// Why a lock cannot be used.
#[derive(Debug, Error)]
pub enum LockError {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// It does not hold up.
    #[error("{0}:{1}")]
    Malformed(PathBuf, Malformed),
}

impl LockFile {
    /// That of this path.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; a lock without entries where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or does not hold up.
    pub fn read(&self) -> Result<Parsed, LockError> {
        let text = self.text()?;
        let parsed = Lock::parse(&text).map_err(|malformed| LockError::Malformed(self.path.clone(), malformed))?;
        Ok(Parsed { text, ..parsed })
    }

    /// What is known of the content that it names, from the file beside it.
    ///
    /// # Errors
    /// When that cannot be read, or does not hold up.
    pub fn answers(&self) -> Result<Answers, LockError> {
        let beside = self.beside();
        Answers::parse(&beside.text()?).map_err(|malformed| LockError::Malformed(beside.path, malformed))
    }

    /// Adds answers to those beside it, and keeps those about content that is wanted.
    ///
    /// # Errors
    /// When they cannot be read or written, or do not hold up.
    pub fn keep_answers(&self, mut answers: Answers, is_wanted: impl Fn(&str) -> bool) -> Result<(), LockError> {
        self.beside().replace(|before| {
            answers.extend(Answers::parse(before)?);
            answers.retain(is_wanted);
            Ok(answers.text())
        })
    }

    /// Joins the sides of the conflicts that git left in the answers beside it.
    ///
    /// # Errors
    /// When they cannot be read or written, or do not hold up.
    pub fn join_answers(&self) -> Result<(), LockError> {
        self.beside().replace(|before| Ok(Answers::joined(before)?.text()))
    }

    fn beside(&self) -> Self {
        Self::at(self.path.with_file_name(ANSWERS_FILE_NAME))
    }

    /// Its text; empty where there is no file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn text(&self) -> Result<String, LockError> {
        let trouble = |error| LockError::Io(self.path.clone(), error);
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(trouble(error)),
            Ok(metadata) if !metadata.is_file() => {
                return Err(trouble(io::Error::other("it is no regular file: put one in its place")));
            }
            Ok(_) => {}
        }
        let file = File::open(&self.path).map_err(trouble)?;
        let mut text = String::new();
        file.take(LOCK_BYTES_MAX + 1).read_to_string(&mut text).map_err(trouble)?;
        Ok(text)
    }

    /// Reads it, has it changed, and writes it, while nobody else does. A lock without entries is no file.
    ///
    /// # Errors
    /// When it cannot be read or written, or does not hold up; then it stays as it is.
    pub fn change(&self, change: impl FnOnce(&mut Lock)) -> Result<(), LockError> {
        self.replace(|text| {
            let mut lock = Lock::parse(text)?.lock;
            change(&mut lock);
            Ok(lock.text())
        })
    }

    /// Puts another text in its place, while nobody else does.
    ///
    /// # Errors
    /// When it cannot be read or written, or `change` refuses; then it stays as it is.
    pub fn replace(&self, change: impl FnOnce(&str) -> Result<String, Malformed>) -> Result<(), LockError> {
        let trouble = |error| LockError::Io(self.path.clone(), error);
        let _held = rewrite::hold(&self.path).map_err(trouble)?;
        let before = self.text()?;
        let after = change(&before).map_err(|malformed| LockError::Malformed(self.path.clone(), malformed))?;
        rewrite::remove_left_behind(&self.path);
        if after == before {
            return Ok(());
        }
        if after.is_empty() {
            return fs::remove_file(&self.path).map_err(trouble);
        }
        rewrite::put(&self.path, after.as_bytes()).map_err(trouble)
    }
}
