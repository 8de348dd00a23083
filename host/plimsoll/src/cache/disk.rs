//! The folder of the cache.
//!
//! `FOLDER/answers-VERSION/D/NAME.json`, where NAME is the SHA-256 of the key
//! and D its first digit. An answer's first line holds the SHA-256 of the rest.
//! Invariant: an answer appears whole or not at all, however many processes
//! write, and what did not come from here is neither believed nor removed.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Digest;
use crate::form::{Key, VERSION};
use crate::limits::{CACHE_BYTES_MAX, CACHE_ENTRY_BYTES_MAX};
use crate::private::{self, DIGITS, Kept};

/// Folders that answers are spread over. Each is kept in bounds by itself, so that nobody needs to look
/// through all of them.
const SHARDS: u64 = 16;
const SUFFIX: &str = ".json";

/// Tells programs that make backups to leave the folder out (<https://bford.info/cachedir/>).
const TAG: (&str, &str) =
    ("CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# Answers that Plimsoll knows.\n");

/// Where one answer is kept.
pub(super) struct Place {
    folder: PathBuf,
    name: String,
}

/// What lies at a place.
pub(super) enum Read {
    Nothing,
    Content(Vec<u8>),
    /// Something, but not what was written there.
    Damaged,
    Trouble(io::Error),
}

/// What a cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Answers.
    pub answers: usize,
    /// Bytes of all of them, as disks count.
    pub bytes: u64,
    /// The time since the oldest was written.
    pub oldest: Option<Duration>,
}

impl Place {
    pub(super) fn of(folder: &Path, key: &Key) -> Self {
        let name = digits(&serde_json::to_vec(key).expect("keys are strings"));
        Self { folder: folder.to_owned(), name }
    }

    fn shard(&self) -> PathBuf {
        answers(&self.folder).join(&self.name[..1])
    }

    fn path(&self) -> PathBuf {
        self.shard().join(format!("{}{SUFFIX}", self.name))
    }

    pub(super) fn read(&self) -> Read {
        let path = self.path();
        let mut bytes = Vec::new();
        // A pipe or a device would be waited for.
        let read = fs::metadata(&path).and_then(|metadata| match metadata.is_file() {
            true => {
                // All in one go: without room for it, the first reads are of a few bytes.
                let length = metadata.len().min(CACHE_ENTRY_BYTES_MAX) + 1;
                bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
                File::open(&path)?.take(CACHE_ENTRY_BYTES_MAX + 1).read_to_end(&mut bytes)
            }
            false => Ok(0),
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Read::Nothing,
            Err(error) => Read::Trouble(error),
            Ok(_) => match bytes.get(..DIGITS + 1).and_then(|line| line.strip_suffix(b"\n")) {
                Some(sum) if sum == digits(&bytes[DIGITS + 1..]).as_bytes() => {
                    Read::Content(bytes.split_off(DIGITS + 1))
                }
                _ => Read::Damaged,
            },
        }
    }

    /// What is too large is not kept, and that is no error.
    pub(super) fn write(&self, content: &[u8]) -> io::Result<()> {
        if content.len() as u64 + DIGITS as u64 + 1 > CACHE_ENTRY_BYTES_MAX {
            return Ok(());
        }
        let shard = self.shard();
        if !shard.is_dir() {
            private::folders().recursive(true).create(&shard)?;
            let tag = self.folder.join(TAG.0);
            if !tag.exists() {
                // Without it backups are larger, no more.
                let _ = fs::write(tag, TAG.1);
            }
        }
        private::replace(&self.path(), |file| {
            file.write_all(digits(content).as_bytes())?;
            file.write_all(b"\n")?;
            file.write_all(content)
        })
    }

    /// Removes what lies here, if that can be.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(self.path());
    }
}

/// Lets the oldest answers go from the folders of these places where there are too many, and what was
/// left behind half written.
pub(super) fn prune(places: &[Place]) {
    let mut shards: Vec<PathBuf> = places.iter().map(Place::shard).collect();
    shards.sort_unstable();
    shards.dedup();
    for shard in shards {
        private::prune(entries(&shard).unwrap_or_default(), CACHE_BYTES_MAX / SHARDS);
    }
}

/// Whether the cache in a folder may hold anything; one that cannot be looked at may.
pub(super) fn is_begun(folder: &Path) -> bool {
    answers(folder).try_exists().unwrap_or(true)
}

/// What the cache in a folder holds.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn contents(folder: &Path) -> io::Result<Contents> {
    let mut contents = Contents::default();
    for entry in all_entries(folder)?.iter().filter(|entry| !entry.is_temporary) {
        contents.answers += 1;
        contents.bytes += entry.bytes;
        contents.oldest = contents.oldest.max(Some(entry.modified.elapsed().unwrap_or_default()));
    }
    Ok(contents)
}

/// Removes all answers of the cache in a folder, nothing else, and says what
/// was removed.
///
/// # Errors
/// When something cannot be read or removed.
pub fn clear(folder: &Path) -> io::Result<Contents> {
    let removed = contents(folder)?;
    for entry in all_entries(folder)? {
        match fs::remove_file(entry.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // Folders go only if nothing else is in them.
    for shard in 0..SHARDS {
        let _ = fs::remove_dir(answers(folder).join(format!("{shard:x}")));
    }
    let _ = fs::remove_dir(answers(folder));
    Ok(removed)
}

fn all_entries(folder: &Path) -> io::Result<Vec<Kept>> {
    let shards = (0..SHARDS).map(|shard| entries(&answers(folder).join(format!("{shard:x}"))));
    Ok(shards.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn entries(shard: &Path) -> io::Result<Vec<Kept>> {
    private::kept(shard, '.', |rest| rest == SUFFIX)
}

fn answers(folder: &Path) -> PathBuf {
    folder.join(format!("answers-{VERSION}"))
}

/// The SHA-256 of some content.
fn digits(content: &[u8]) -> String {
    Digest::of(content).digits().to_owned()
}
