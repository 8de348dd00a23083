//! The repository's own set of Dockerfiles, `tests/dockerfiles`.

use std::fs;
use std::path::PathBuf;

use crate::repository_root;

/// One Dockerfile of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// The name of its folder.
    pub name: String,
    /// The folder, which is its build context.
    pub folder: PathBuf,
    /// The bytes of the file.
    pub source: Vec<u8>,
}

/// The whole set, sorted by name.
///
/// # Panics
///
/// When the set cannot be read.
#[must_use]
pub fn dockerfiles() -> Vec<Dockerfile> {
    let root = repository_root().join("tests/dockerfiles");
    let entries = fs::read_dir(&root).expect("the repository has its Dockerfiles");
    let mut set: Vec<_> = entries
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|folder| folder.is_dir())
        .map(|folder| Dockerfile {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            source: fs::read(folder.join("Dockerfile")).expect("every folder has a Dockerfile"),
            folder,
        })
        .collect();
    set.sort_by(|a, b| a.name.cmp(&b.name));
    set
}

/// What BuildKit says of the set: the lines of `findings.txt`.
///
/// # Panics
///
/// When the file cannot be read.
#[must_use]
pub fn buildkit_findings() -> Vec<String> {
    let file = repository_root().join("tests/dockerfiles/findings.txt");
    let text = fs::read_to_string(file).expect("the set has its findings");
    text.lines().map(str::to_owned).collect()
}
