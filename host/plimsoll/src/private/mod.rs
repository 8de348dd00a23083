//! Folders and files that nobody but the user can look into.

mod folder;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

pub use folder::Folder;

/// What makes such folders.
pub fn folders() -> DirBuilder {
    #[allow(unused_mut)]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Creates such a file, which must not be there.
///
/// # Errors
/// When it is, or cannot be made.
pub fn file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
