//! Files that the program keeps under the digits of a SHA-256, in a folder where others may put theirs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::TEMPORARY_SUFFIX;
use crate::limits::{DISK_BLOCK_BYTES, TEMPORARY_LIFE};

/// Digits of a SHA-256.
pub const DIGITS: usize = 64;

/// A file that the program wrote.
pub struct Kept {
    /// Where it is.
    pub path: PathBuf,
    /// What its name begins with.
    pub digits: String,
    /// What it occupies, as disks count.
    pub bytes: u64,
    /// When it was written or touched.
    pub modified: SystemTime,
    /// Whether it is not whole yet.
    pub is_temporary: bool,
}

/// The files of a folder whose names have, after the digits, what `is_ours` knows, and those
/// that are not whole yet, where `begins` stands after the digits. Others are left out; a
/// folder that is not there has none.
///
/// # Errors
/// When the folder cannot be read.
pub fn kept(folder: &Path, begins: char, is_ours: impl Fn(&str) -> bool) -> io::Result<Vec<Kept>> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut files = Vec::new();
    for item in listed {
        let item = item?;
        let name = item.file_name();
        let Some((digits, rest)) = name.to_str().and_then(|name| name.split_at_checked(DIGITS)) else { continue };
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_temporary = rest.starts_with(begins) && rest.ends_with(TEMPORARY_SUFFIX);
        if !digits.bytes().all(is_digit) || !is_temporary && !is_ours(rest) {
            continue;
        }
        // What is gone meanwhile does not count.
        let Ok(metadata) = item.metadata() else { continue };
        files.push(Kept {
            path: item.path(),
            digits: digits.to_owned(),
            bytes: metadata.len().div_ceil(DISK_BLOCK_BYTES) * DISK_BLOCK_BYTES,
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            is_temporary,
        });
    }
    Ok(files)
}

/// Lets the oldest files go where all together are too large, and what was left behind half written.
pub fn prune(mut files: Vec<Kept>, bytes_max: u64) {
    files.sort_by_key(|file| std::cmp::Reverse(file.modified));
    let mut bytes = 0;
    for file in files {
        let is_left_behind = file.is_temporary && file.modified.elapsed().is_ok_and(|age| age > TEMPORARY_LIFE);
        bytes += file.bytes;
        if is_left_behind || !file.is_temporary && bytes > bytes_max {
            // Another process may have been faster.
            let _ = fs::remove_file(file.path);
        }
    }
}
