//! A build context of a page's making.
//!
//! Input: names of files, perhaps with their texts. Output: a private folder that holds them. Invariant:
//! nothing is written outside of it, whatever the names.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path};

use serde::Deserialize;

use super::IGNORE_FILE;
use crate::private::Folder;

/// What a folder holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct FolderFact {
    files: Files,
    #[serde(default)]
    ignore: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "\"files\" is a list of names, or an object of names and texts")]
enum Files {
    /// Each holds its own name.
    Names(Vec<String>),
    Texts(BTreeMap<String, String>),
}

impl Default for Files {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl FolderFact {
    /// The folder, gone when it is dropped.
    ///
    /// # Errors
    /// When a file would lie outside of it, or it cannot be made.
    pub(in super::super) fn make(&self) -> Result<Folder, String> {
        let failed = |error: io::Error| format!("the build context cannot be made: {error}");
        let folder = Folder::new(&std::env::temp_dir()).map_err(failed)?;
        let files: Vec<(&str, &str)> = match &self.files {
            Files::Names(names) => names.iter().map(|name| (name.as_str(), name.as_str())).collect(),
            Files::Texts(texts) => texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect(),
        };
        let ignore = self.ignore.join("\n");
        let ignore_file = (!self.ignore.is_empty()).then_some((IGNORE_FILE, ignore.as_str()));
        for (name, text) in files.into_iter().chain(ignore_file) {
            let path = Path::new(name);
            if name.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(format!("facts: context: {name:?} is no file below the folder of the context"));
            }
            let path = folder.path().join(path);
            let above = path.parent().unwrap_or(folder.path());
            fs::create_dir_all(above).and_then(|()| fs::write(&path, text)).map_err(failed)?;
        }
        Ok(folder)
    }
}
