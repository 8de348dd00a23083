//! What the user configured: `plimsoll.toml`, environment, flags.
//!
//! Input: the nearest `plimsoll.toml` up the tree, variables `PLIMSOLL_…`, and
//! what the command line gave. Output: settled values. Precedence: flag over
//! environment over file over default. An unknown key is an error that says
//! where it stands and what was perhaps meant.

pub mod ci;
mod file;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use file::{FILE_NAME, File, Finder, RuleTable, SeverityOrOff, read};
use plimsoll_dockerfile::Platform;
use thiserror::Error;
use value::{parse_bool, parse_platform};
pub use value::{parse_duration, parse_fail_level, parse_mode, show_duration, similar};

use crate::finding::Severity;

/// The budget of slow checks where nothing else is said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(20);

/// Configuration that does not hold up. Exit status 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// When slow checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On, but off where CI is detected.
    Auto,
    /// Always.
    On,
    /// Never; what is known is answered all the same.
    Off,
}

impl Mode {
    /// The name in flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Values that flags may set; what is none comes from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--fail-level`.
    pub fail_level: Option<FailLevel>,
    /// `--platform`.
    pub target_platform: Option<Platform>,
    /// `--slow-checks`.
    pub slow_checks: Option<Mode>,
    /// `--slow-checks-timeout`.
    pub slow_checks_timeout: Option<Duration>,
}

/// From which severity on findings make the run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailLevel {
    /// From this one on.
    At(Severity),
    /// Never.
    Never,
}

impl FailLevel {
    /// Whether a finding of this severity makes the run fail.
    pub fn is_reached_by(self, severity: Severity) -> bool {
        matches!(self, Self::At(level) if severity <= level)
    }
}

/// Everything that holds for a whole run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the file it came from, if any: reports show paths relative to it.
    pub folder: Option<PathBuf>,
    /// From which severity on findings make the run fail.
    pub fail_level: FailLevel,
    /// The platform to build for.
    pub target_platform: Platform,
    /// When slow checks run.
    pub slow_checks: Mode,
    /// Whether a file with errors asks nothing.
    pub fail_fast: bool,
    /// The wall-clock budget of all slow checks together.
    pub timeout: Duration,
}

/// The environment, as far as configuration reads it.
pub type Variables = BTreeMap<String, String>;

impl Config {
    /// Settles every value.
    ///
    /// # Errors
    /// When a variable or a key of the file has a value that means nothing.
    pub fn settle(flags: Flags, variables: &Variables, file: Option<&File>) -> Result<Self, ConfigError> {
        let default = File::default();
        let folder = file.map(|file| file.folder.clone());
        let file = file.unwrap_or(&default);
        let platform = flags.target_platform;
        let platform = or_variable(platform, variables, "PLIMSOLL_TARGET_PLATFORM", parse_platform)?;
        let platform = platform.or(file.lint.target_platform.clone());
        let target_platform = or_variable(platform, variables, "DOCKER_DEFAULT_PLATFORM", parse_platform)?;
        Ok(Self {
            folder,
            fail_level: or_variable(flags.fail_level, variables, "PLIMSOLL_FAIL_LEVEL", parse_fail_level)?
                .or(file.lint.fail_level)
                .unwrap_or(FailLevel::At(Severity::Warning)),
            target_platform: target_platform.unwrap_or_else(Platform::host),
            slow_checks: or_variable(flags.slow_checks, variables, "PLIMSOLL_SLOW_CHECKS", parse_mode)?
                .or(file.slow_checks.mode)
                .unwrap_or(Mode::Auto),
            fail_fast: or_variable(None, variables, "PLIMSOLL_SLOW_CHECKS_FAIL_FAST", parse_bool)?
                .or(file.slow_checks.fail_fast)
                .unwrap_or(true),
            timeout: or_variable(flags.slow_checks_timeout, variables, "PLIMSOLL_SLOW_CHECKS_TIMEOUT", parse_duration)?
                .or(file.slow_checks.timeout)
                .unwrap_or(TIMEOUT_DEFAULT),
        })
    }
}

/// The value if there is one, else that of the variable, which is not read
/// otherwise.
fn or_variable<T>(
    value: Option<T>,
    variables: &Variables,
    name: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    match (value, variables.get(name).map(String::as_str)) {
        (Some(value), _) => Ok(Some(value)),
        (None, None | Some("")) => Ok(None),
        (None, Some(text)) => {
            parse(text).map(Some).map_err(|error| ConfigError(format!("environment variable {name}: {error}")))
        }
    }
}
