//! Which keys must have signed a plugin.
//!
//! Input: the tables that speak of it. Output: their keys, or why one cannot be read.
//! Invariant: each file can demand a key, and none can waive that of another.

use std::path::Path;

use crate::config::{Digest, File, PluginTable};
use crate::signature::Key;

/// The keys that a table of a file demands, and for a component that a tree asks for also the user's word of it.
pub(super) fn keys<'f>(
    file: &'f File,
    table: &'f PluginTable,
    users: impl Iterator<Item = &'f File>,
    component: Option<&Digest>,
) -> Result<Vec<Key>, String> {
    let trusted = users.filter_map(|user| Some((user, user.trust.get(component?)?.key.as_ref()?)));
    let named = table.key.iter().map(|key| (file, key)).chain(trusted);
    let mut keys: Vec<Key> = named
        .map(|(file, key)| {
            key_of(&file.folder.join(key)).map_err(|message| format!("{message}; {} names it", file.path.display()))
        })
        .collect::<Result<_, _>>()?;
    keys.dedup_by(|one, other| one.id() == other.id());
    Ok(keys)
}

/// The key in a file.
pub(super) fn key_of(path: &Path) -> Result<Key, String> {
    Key::read(path).map_err(|error| format!("the key {} cannot be used: {error}", path.display()))
}
