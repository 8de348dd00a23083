//! A private folder: made for one process, gone with it.
//!
//! Invariant: nobody but the user can look into it, and it was not there before.

use std::collections::hash_map::RandomState;
use std::env;
use std::fs;
use std::hash::BuildHasher as _;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{file, folders};

/// Names that are tried before there is none.
const TRIES_MAX: usize = 16;
/// How long the end of processes is waited for that still write into a folder.
const REMOVAL_TRIES_MAX: usize = 20;
const REMOVAL_DELAY: Duration = Duration::from_millis(2);

/// Every folder and every unfinished file of this process; nothing once they were abandoned, after which none is made.
static TEMPORARY: Mutex<Option<Vec<PathBuf>>> = Mutex::new(Some(Vec::new()));

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

/// A file on its way to its name: whoever makes it removes it, unless the program ends before.
pub(super) struct Unfinished(PathBuf);

/// Where such folders are made.
pub fn temporary_folder() -> PathBuf {
    // What is relative would be in the linted tree.
    Some(env::temp_dir()).filter(|path| path.is_absolute()).unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Removes every folder and unfinished file: for a program that ends at once.
pub fn abandon() {
    let temporary = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).take();
    temporary.iter().flatten().for_each(|path| remove(path));
}

/// What is no longer temporary.
fn forget(path: &Path) {
    if let Some(known) = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        known.retain(|temporary| temporary != path);
    }
}

impl Unfinished {
    /// Announces one.
    ///
    /// # Errors
    /// When the program is about to end.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let mut known = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_mut().ok_or(ErrorKind::Interrupted)?.push(path.to_owned());
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        forget(&self.0);
    }
}

impl Folder {
    /// A new folder in another.
    ///
    /// # Errors
    /// When none can be made there.
    pub fn new(parent: &Path) -> io::Result<Self> {
        let mut known = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_mut().ok_or(ErrorKind::Interrupted)?;
        for _ in 0..TRIES_MAX {
            let path = parent.join(format!("plimsoll-{:016x}", RandomState::new().hash_one(std::process::id())));
            match folders().create(&path) {
                Ok(()) => {
                    known.push(path.clone());
                    return Ok(Self(path));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a text into a file that is not there yet.
    ///
    /// # Errors
    /// When it is, or cannot be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        file(&self.0.join(name))?.write_all(text.as_bytes())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.0);
        forget(&self.0);
    }
}

fn remove(path: &Path) {
    for _ in 0..REMOVAL_TRIES_MAX {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == ErrorKind::NotADirectory => return drop(fs::remove_file(path)),
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => thread::sleep(REMOVAL_DELAY),
            _ => return,
        }
    }
}
