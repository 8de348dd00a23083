//! How the lock counts: `[lock]`, variables, flags.

use plimsoll_dockerfile::Reference;
use serde::Deserialize;

use super::pattern::fits;
use super::value::parse_bool;
use super::{ConfigError, Files, Variables, or_variable};
use crate::lock::{Key, Mode, Policy};

/// `[lock]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LockTable {
    /// Whether lint writes what it learns.
    pub write: Option<bool>,
    /// Whether the answers themselves are kept beside the lock.
    pub answers: Option<bool>,
    /// Patterns of what moves only when the user asks for it, such as `docker.io/library/*`.
    pub pin: Vec<String>,
    /// Patterns of what may move in every run.
    pub float: Vec<String>,
}

/// How the lock counts in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockConfig {
    /// How it is treated.
    pub mode: Mode,
    /// Whether lint writes what it learns.
    pub write: bool,
    /// Whether the answers themselves are kept beside the lock.
    pub answers: bool,
    pin: Vec<String>,
    float: Vec<String>,
}

impl LockConfig {
    pub(super) fn settle(flag: Option<Mode>, variables: &Variables, files: Files) -> Result<Self, ConfigError> {
        let mode = or_variable(flag, variables, "PLIMSOLL_LOCK", parse_lock_mode)?.unwrap_or(Mode::Auto);
        let write = or_variable(None, variables, "PLIMSOLL_LOCK_WRITE", parse_bool)?;
        let write = write.or(files.first(|file| file.lock.write)).unwrap_or(false);
        let patterns = |of: fn(&LockTable) -> &Vec<String>| {
            let both = files.tree.into_iter().chain(files.user).flat_map(|file| of(&file.lock).iter().cloned());
            both.collect()
        };
        Ok(Self {
            mode,
            write: write || mode == Mode::Update,
            answers: files.first(|file| file.lock.answers).unwrap_or(false),
            pin: patterns(|table| &table.pin),
            float: patterns(|table| &table.float),
        })
    }

    /// The policy of a new entry: what the patterns say, a pin first, else that of its kind.
    pub fn policy(&self, key: &Key) -> Policy {
        let names = names(key);
        let is_any = |patterns: &[String]| patterns.iter().any(|pattern| names.iter().any(|name| fits(pattern, name)));
        if is_any(&self.pin) || (key.module == "plugins" && !is_any(&self.float)) { Policy::Pin } else { Policy::Float }
    }
}

/// What patterns and selectors know a key by: its first argument, and for an image also as Docker shows it.
pub fn names(key: &Key) -> Vec<String> {
    let Some(name) = key.arguments().into_iter().next() else { return Vec::new() };
    let familiar = (key.module == "oci").then(|| Reference::parse(&name).ok()).flatten();
    let familiar = familiar.map(|reference| reference.familiar());
    std::iter::once(name).chain(familiar).collect()
}

/// Whether a key is called by one of these: by its name, by an image's without its tag, or by a pattern.
pub fn is_selected(key: &Key, selectors: &[String]) -> bool {
    let names = names(key);
    selectors.iter().any(|selector| {
        names.iter().any(|name| {
            let tag = name.rfind(':').filter(|colon| key.module == "oci" && !name[*colon..].contains('/'));
            fits(selector, name) || tag.is_some_and(|colon| fits(selector, &name[..colon]))
        })
    })
}

/// The value of `--lock`.
///
/// # Errors
/// What it could be.
pub fn parse_lock_mode(text: &str) -> Result<Mode, String> {
    Mode::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| "write strict, auto or update".to_owned())
}
