//! How the lock counts: `[lock]`, variables, flags.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::file::parsed;
use super::pattern::fits;
use super::settle::{Name, Settling};
use super::value::parse_bool;
use super::{ConfigError, File, schema};

/// `[lock]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LockTable {
    /// How it counts.
    #[serde(deserialize_with = "mode")]
    #[schemars(with = "schema::LockModeText")]
    pub mode: Option<LockMode>,
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
    pub(super) fn settle(settling: &mut Settling, flag: Option<LockMode>) -> Result<Self, ConfigError> {
        let name = Name::new("lock.mode", "--lock", "PLIMSOLL_LOCK");
        let mode = settling.pick_or(&name, flag, parse_lock_mode, |_, file: &File| file.lock.mode, LockMode::Auto)?;
        let name = Name::new("lock.write", "", "PLIMSOLL_LOCK_WRITE");
        let write = settling.pick_or(&name, None, parse_bool, |_, file: &File| file.lock.write, false)?;
        let name = Name::new("lock.answers", "", "PLIMSOLL_LOCK_ANSWERS");
        let answers = settling.pick_or(&name, None, parse_bool, |_, file: &File| file.lock.answers, false)?;
        let pin = settling.gather("lock.pin", |file| &file.lock.pin);
        let float = settling.gather("lock.float", |file| &file.lock.float);
        Ok(Self { mode, write: write || mode == LockMode::Update, answers, pin, float })
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

/// What a file may say: that all is asked anew is for the command line to say.
fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LockMode>, D::Error> {
    parsed(deserializer, |text| match parse_lock_mode(text) {
        Ok(mode) if mode != LockMode::Update => Ok(mode),
        _ => Err(format!("{text:?} is not one of strict, auto; `plimsoll lock update` takes over what has moved")),
    })
}
