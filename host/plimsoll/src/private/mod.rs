//! Folders and files that nobody but the user can look into.

mod folder;
mod kept;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use folder::Unfinished;
pub use folder::{Folder, abandon, temporary_folder};
pub use kept::{DIGITS, Kept, kept, prune};

/// What the names of files end in that are not whole yet.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

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

/// Writes such a file whole or not at all, in place of what is there.
///
/// # Errors
/// When it cannot be written; then what was there still is.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    exchange(path, file, write)
}

/// Writes a file whole or not at all, in place of what is there; `create` makes the one that takes its place.
///
/// # Errors
/// When it cannot be written; then what was there still is.
pub fn exchange(
    path: &Path,
    create: impl FnOnce(&Path) -> io::Result<File>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let temporary = path.with_extension(format!("{process}.{count}{TEMPORARY_SUFFIX}"));
    let _announced = Unfinished::new(&temporary)?;
    let mut unfinished = create(&temporary)?;
    let replaced = write(&mut unfinished).and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    replaced
}
