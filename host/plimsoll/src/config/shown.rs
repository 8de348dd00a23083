//! Values as people are shown them, and tables that count as a whole.
//!
//! Input: values; what the files have under `[lint]`, `[plugins]` and `[trust]`. Output:
//! JSON, as files have it, and who said it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_dockerfile::Platform;
use serde_json::Value;

use super::settle::{Origin, Settling};
use super::value::{key, show_duration, to_json};
use super::{Digest, FailLevel, LockMode, Mode, Target, TimeoutMode, Tools, Whose};

/// Notes what the files of a run say of rules and files, which others may say for a part of them.
pub(super) fn show_selection(settling: &mut Settling) {
    let select = settling.of_files(|_, file| file.lint.select.clone());
    let (select, origin) = select.unwrap_or_else(|| (vec!["recommended".to_owned()], Origin::Default));
    settling.settle("lint.select", &select, origin);
    settling.gather("lint.extend-select", |file| &file.lint.extend_select);
    settling.gather("lint.ignore", |file| &file.lint.ignore);
    settling.gather("lint.exclude", |file| &file.lint.exclude);
    let globs = settling.files.layers().flat_map(|(_, file)| file.lint.per_file_ignores.keys());
    for glob in globs.collect::<BTreeSet<_>>() {
        settling.gather(&format!("lint.per-file-ignores.{}", key(glob)), |file| {
            file.lint.per_file_ignores.get(glob).unwrap_or(&NOTHING)
        });
    }
}

static NOTHING: Vec<String> = Vec::new();

/// Notes what the files of a run say of plugins: of each what counts, the user's own before the tree's.
pub(super) fn show_plugins(settling: &mut Settling) {
    let mut layers: Vec<_> = settling.files.layers().enumerate().collect();
    layers.sort_by_key(|(_, (whose, _))| *whose == Whose::Tree);
    let mut nearest = BTreeMap::new();
    for (place, (whose, file)) in layers {
        let mut all: toml::Table = toml::from_str(&file.text).unwrap_or_default();
        for table in ["plugins", "trust"].into_iter().filter(|table| *table == "plugins" || whose == Whose::User) {
            let Some(toml::Value::Table(entries)) = all.remove(table) else { continue };
            for (name, entry) in entries {
                nearest.entry((table, name)).or_insert((entry, place));
            }
        }
    }
    for ((table, name), (entry, place)) in nearest {
        show_table(settling, &format!("{table}.{}", key(&name)), &entry, place);
    }
}

/// Notes a value of a file, and if it is a table, all that is in it.
fn show_table(settling: &mut Settling, path: &str, value: &toml::Value, place: usize) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(name, value)| show_table(settling, &format!("{path}.{}", key(name)), value, place))
        }
        value => settling.settle(path, &to_json(value), Origin::File(place)),
    }
}

/// Values that people are shown, as files have them.
pub(super) trait Shown {
    /// As a file has it.
    fn shown(&self) -> Value;
}

impl Shown for Value {
    fn shown(&self) -> Value {
        self.clone()
    }
}

impl Shown for bool {
    fn shown(&self) -> Value {
        (*self).into()
    }
}

impl Shown for usize {
    fn shown(&self) -> Value {
        (*self).into()
    }
}

impl Shown for Duration {
    fn shown(&self) -> Value {
        show_duration(*self).into()
    }
}

impl Shown for Mode {
    fn shown(&self) -> Value {
        self.name().into()
    }
}

impl Shown for LockMode {
    fn shown(&self) -> Value {
        self.name().into()
    }
}

impl Shown for TimeoutMode {
    fn shown(&self) -> Value {
        self.name().into()
    }
}

impl Shown for FailLevel {
    fn shown(&self) -> Value {
        match self {
            Self::At(severity) => severity.name().into(),
            Self::Never => "none".into(),
        }
    }
}

impl Shown for Platform {
    fn shown(&self) -> Value {
        self.to_string().into()
    }
}

impl Shown for Target {
    fn shown(&self) -> Value {
        let format = self.format.name();
        self.file.as_ref().map_or(format.into(), |file| format!("{format}={}", file.display()).into())
    }
}

impl Shown for String {
    fn shown(&self) -> Value {
        self.as_str().into()
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> Value {
        self.to_string_lossy().into()
    }
}

impl Shown for Digest {
    fn shown(&self) -> Value {
        self.as_str().into()
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> Value {
        self.iter().map(Shown::shown).collect()
    }
}

impl Shown for Tools {
    fn shown(&self) -> Value {
        self.iter().map(|(name, words)| (name.clone(), words.shown())).collect()
    }
}
