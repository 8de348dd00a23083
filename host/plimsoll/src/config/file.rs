//! `plimsoll.toml`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_dockerfile::{LineIndex, Platform, Position};
use serde::{Deserialize, Deserializer};
use toml::de::{DeTable, DeValue};

use super::value::{parse_duration, parse_fail_level, parse_mode, parse_platforms, similar};
use super::{ConfigError, FailLevel, LockTable, Mode, PluginTable, SlowChecksTable, TrustTables};
use crate::finding::Severity;
use crate::limits::CONFIG_BYTES_MAX;
use crate::words::of_system;

/// The name of the file.
pub const FILE_NAME: &str = "plimsoll.toml";

/// A configuration file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct File {
    /// Where it lies.
    #[serde(skip)]
    pub path: PathBuf,
    /// The folder it lies in.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Its text.
    #[serde(skip)]
    pub text: String,
    /// `[lint]`.
    pub lint: LintTable,
    /// `[slow-checks]`.
    pub slow_checks: SlowChecksTable,
    /// `[registries]`.
    pub registries: RegistriesTable,
    /// `[lock]`.
    pub lock: LockTable,
    /// `[plugins.NAME]`.
    pub plugins: BTreeMap<String, PluginTable>,
    /// `[trust."sha256:…"]`.
    pub trust: TrustTables,
    /// `[rules."PACK/RULE"]`.
    pub rules: BTreeMap<String, RuleTable>,
}

/// `[lint]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LintTable {
    /// From which severity on findings make the run fail.
    #[serde(deserialize_with = "fail_level")]
    pub fail_level: Option<FailLevel>,
    /// The platforms to build for.
    #[serde(rename = "target-platform", deserialize_with = "platforms")]
    pub target_platforms: Option<Vec<Platform>>,
}

/// `[registries]`. What is relative is so to the file's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RegistriesTable {
    /// `registries.conf`.
    pub config: Option<PathBuf>,
    /// The folder of its drop-ins.
    pub drop_ins: Option<PathBuf>,
    /// The credential file.
    pub credentials: Option<PathBuf>,
}

/// One rule's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case", expecting = "a table such as { severity = \"off\" }")]
pub struct RuleTable {
    /// Another severity than the rule's own, or off.
    pub severity: Option<SeverityOrOff>,
    /// The rule's own options.
    pub options: Option<toml::Table>,
}

/// A severity in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum SeverityOrOff {
    Error,
    Warning,
    Info,
    Style,
    /// The rule does not run.
    Off,
}

/// The files that have a say in a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'f> {
    /// That of the linted tree, which a stranger may have written.
    pub tree: Option<&'f File>,
    /// The user's own.
    pub user: Option<&'f File>,
}

impl<'f> Files<'f> {
    /// What the tree's file says, else the user's.
    pub(super) fn first<T>(&self, value: impl Fn(&'f File) -> Option<T>) -> Option<T> {
        self.tree.and_then(&value).or_else(|| self.user.and_then(value))
    }
}

impl File {
    /// Whether it says anything that holds for a whole run.
    pub fn has_run_wide_tables(&self) -> bool {
        self.lint != LintTable::default()
            || self.slow_checks != SlowChecksTable::default()
            || self.registries != RegistriesTable::default()
            || self.lock != LockTable::default()
            || !self.plugins.is_empty()
            || !self.trust.is_empty()
    }

    /// Where the value stands that these keys lead to, numbers for items of lists: as
    /// far as they lead anywhere.
    pub fn position<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Option<Position> {
        let table = DeTable::parse(&self.text).ok()?;
        let mut span = None;
        let mut value = &DeValue::Table(table.into_inner());
        for key in keys {
            let found = match value {
                DeValue::Table(table) => table.get(key),
                DeValue::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
            let Some(found) = found else { break };
            span = Some(found.span());
            value = found.get_ref();
        }
        let start = u32::try_from(span?.start).ok()?;
        Some(LineIndex::new(self.text.as_bytes()).position(start))
    }
}

impl SeverityOrOff {
    /// The severity, unless the rule is off.
    pub fn severity(self) -> Option<Severity> {
        Some(match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Info => Severity::Info,
            Self::Style => Severity::Style,
            Self::Off => return None,
        })
    }
}

/// Finds files up the tree, and looks into each folder once.
#[derive(Debug, Default)]
pub struct Finder(HashMap<PathBuf, Option<PathBuf>>);

impl Finder {
    /// One that looks no further up than to this folder.
    pub fn within(root: &Path) -> Self {
        Self(root.parent().map(|above| (above.to_owned(), None)).into_iter().collect())
    }

    /// The path of the file nearest to a folder: in it or up the tree.
    pub fn nearest(&mut self, folder: &Path) -> Option<PathBuf> {
        if let Some(known) = self.0.get(folder) {
            return known.clone();
        }
        let here = folder.join(FILE_NAME);
        let nearest = match here.is_file() {
            true => Some(here),
            false => folder.parent().and_then(|parent| self.nearest(parent)),
        };
        self.0.insert(folder.to_owned(), nearest.clone());
        nearest
    }
}

/// Reads a configuration file.
///
/// # Errors
/// When it cannot be read or does not hold up, with the position.
pub fn read(path: &Path) -> Result<File, ConfigError> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| ConfigError(format!("{}: {}", path.display(), of_system(&error))))?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(ConfigError(format!("{}: larger than the {CONFIG_BYTES_MAX} bytes it may have", path.display())));
    }
    let mut file: File = toml::from_str(&text).map_err(|error| complaint(path, &text, &error))?;
    file.text = text;
    path.clone_into(&mut file.path);
    path.parent().unwrap_or(Path::new("")).clone_into(&mut file.folder);
    Ok(file)
}

fn complaint(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let place = error.span().map_or(String::new(), |span| {
        let start = LineIndex::new(text.as_bytes()).position(u32::try_from(span.start).unwrap_or(0));
        format!(":{}:{}", start.line, start.column)
    });
    let hint = suggestion(error.message()).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    ConfigError(format!("{}{place}: {}{hint}", path.display(), error.message()))
}

/// The known key nearest to an unknown one. serde keeps both only in its
/// message: "unknown field `a`, expected one of `b`, `c`".
fn suggestion(message: &str) -> Option<&str> {
    let mut quoted = message
        .strip_prefix("unknown field ")
        .or(message.strip_prefix("unknown variant "))?
        .split('`')
        .skip(1)
        .step_by(2);
    let unknown = quoted.next()?;
    similar(unknown, quoted)
}

pub(super) fn parsed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map(Some).map_err(serde::de::Error::custom)
}

fn fail_level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FailLevel>, D::Error> {
    parsed(deserializer, parse_fail_level)
}

fn platforms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Platform>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a platform such as \"linux/arm64\", or a list of them")]
    enum Platforms {
        Text(String),
        List(Vec<String>),
    }
    let text = match Platforms::deserialize(deserializer)? {
        Platforms::Text(text) => text,
        Platforms::List(list) => list.join(","),
    };
    parse_platforms(&text).map(Some).map_err(serde::de::Error::custom)
}

pub(super) fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Mode>, D::Error> {
    parsed(deserializer, parse_mode)
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parsed(deserializer, parse_duration)
}
