//! What the author of a plugin edits.
//!
//! Input: a plugin's folder. Output: its files, without those that tools and git write.

use std::fs;
use std::path::Path;

use anyhow::ensure;

use super::super::watching::{Files, look};
use crate::limits::WATCH_FILES_MAX;

/// The files that an author edits: not what Cargo, npm, pip and git write.
pub(super) fn sources(folder: &Path) -> anyhow::Result<Files> {
    let mut sources = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // Files come and go while somebody saves: what cannot be read is not there.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                let text = name.to_string_lossy();
                let is_foreign =
                    text.starts_with('.') || text == "node_modules" || text == "__pycache__" || is_made(&path);
                folders.extend((!is_foreign).then_some(path));
            } else if name != "Cargo.lock" && path.extension().is_none_or(|extension| extension != "wasm") {
                look(&mut sources, &path);
                let shown = folder.display();
                ensure!(
                    sources.len() <= WATCH_FILES_MAX,
                    "{shown}: more than {WATCH_FILES_MAX} files: name a plugin's folder"
                );
            }
        }
    }
    Ok(sources)
}

/// Whether a tool marked a folder as one whose content it can make again.
fn is_made(folder: &Path) -> bool {
    folder.join("CACHEDIR.TAG").exists()
}
