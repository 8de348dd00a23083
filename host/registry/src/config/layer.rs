//! Files upon each other: what a later one says replaces what earlier ones said.
//!
//! A registry is replaced as a whole, by its prefix; aliases one by one; the lists as a whole, even by an empty one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plimsoll_dockerfile::Reference;

use super::files::Source;
use super::{CREDENTIAL_FILES, Registries, Registry, ShortNameMode};

/// What one file says; `None` is what it does not mention.
pub(super) struct Layer {
    pub path: PathBuf,
    pub registries: BTreeMap<String, Registry>,
    pub search: Option<Vec<String>>,
    pub helpers: Option<Vec<String>>,
    pub mode: Option<ShortNameMode>,
    pub aliases: BTreeMap<String, Option<Reference>>,
    /// The file, as it is called in messages, where a stranger may have chosen it.
    pub distrusted: Option<String>,
}

impl Layer {
    /// The same, knowing whether a stranger may have chosen the file.
    pub fn of(mut self, source: &Source, is_distrusted: bool) -> Self {
        self.distrusted = is_distrusted.then(|| source.shown.clone());
        for registry in self.registries.values_mut() {
            registry.distrusted.clone_from(&self.distrusted);
        }
        self
    }
}

/// Puts `layers` upon each other; `main` is named where search registries are missing.
pub(super) fn merge(main: PathBuf, layers: Vec<Layer>) -> Registries {
    let mut all = Registries { search_origin: main.clone(), origin: main, ..Registries::default() };
    for layer in layers {
        all.registries.extend(layer.registries);
        all.aliases.extend(layer.aliases);
        if let Some(search) = layer.search {
            (all.search, all.search_origin) = (search, layer.path);
        }
        if let Some(helpers) = layer.helpers {
            (all.helpers, all.helpers_distrusted) = (helpers, layer.distrusted);
        }
        if let Some(mode) = layer.mode {
            all.mode = mode;
        }
    }
    if all.helpers.is_empty() {
        all.helpers.push(CREDENTIAL_FILES.to_owned());
    }
    all
}
