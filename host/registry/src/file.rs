//! Files of this machine, read whole up to a bound.

use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Reads the regular file at `path`; one of more than `bytes_max` bytes is an error.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    // Asked first, because opening a pipe would block.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > bytes_max {
        true => Err(Error::other(format!("larger than {bytes_max} bytes"))),
        false => Ok(bytes),
    }
}

/// Whether `error` says that there is no such file.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
