//! How the lock counts: `[lock]`, variables, flags.

use serde::Deserialize;

use super::pattern::fits;
use super::value::parse_bool;
use super::{ConfigError, Files, Variables, or_variable};

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
    pub mode: LockMode,
    /// Whether lint writes what it learns.
    pub write: bool,
    /// Whether the answers themselves are kept beside the lock.
    pub answers: bool,
    pin: Vec<String>,
    float: Vec<String>,
}

impl LockConfig {
    pub(super) fn settle(flag: Option<LockMode>, variables: &Variables, files: Files) -> Result<Self, ConfigError> {
        let mode = or_variable(flag, variables, "PLIMSOLL_LOCK", parse_lock_mode)?.unwrap_or(LockMode::Auto);
        let write = or_variable(None, variables, "PLIMSOLL_LOCK_WRITE", parse_bool)?;
        let write = write.or(files.first(|file| file.lock.write)).unwrap_or(false);
        let patterns = |of: fn(&LockTable) -> &Vec<String>| {
            let both = files.tree.into_iter().chain(files.user).flat_map(|file| of(&file.lock).iter().cloned());
            both.collect()
        };
        Ok(Self {
            mode,
            write: write || mode == LockMode::Update,
            answers: files.first(|file| file.lock.answers).unwrap_or(false),
            pin: patterns(|table| &table.pin),
            float: patterns(|table| &table.float),
        })
    }

    /// Whether patterns pin what has these names, or let it float; a pin goes before. None where they say nothing.
    pub fn pins(&self, names: &[String]) -> Option<bool> {
        let is_any = |patterns: &[String]| patterns.iter().any(|pattern| names.iter().any(|name| fits(pattern, name)));
        match (is_any(&self.pin), is_any(&self.float)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

/// How a run treats the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// All that can move must stand in it.
    Strict,
    /// What is pinned counts; what floats counts where nobody may be asked.
    Auto,
    /// What stands in it counts, and nothing else need.
    Complete,
    /// Nothing in it counts: all is asked anew.
    Update,
}

impl LockMode {
    /// Those that users choose from.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Auto, Self::Update];

    /// Its name in flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Auto => "auto",
            Self::Complete => "complete",
            Self::Update => "update",
        }
    }
}

/// The value of `--lock`.
///
/// # Errors
/// What it could be.
pub fn parse_lock_mode(text: &str) -> Result<LockMode, String> {
    LockMode::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| "write strict, auto or update".to_owned())
}
