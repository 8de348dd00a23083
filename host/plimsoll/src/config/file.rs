//! `plimsoll.toml`: its tables, and where each value stands.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_dockerfile::{LineIndex, Platform, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use toml::de::{DeTable, DeValue};

use super::extend::Extended;
use super::value::{parse_duration, parse_fail_level, parse_mode, parse_platforms, similar};
use super::{ConfigError, FailLevel, LockTable, Mode, OutputTable, PluginTable, SlowChecksTable, TrustTables, schema};
use crate::finding::Severity;
use crate::limits::{CONFIG_BYTES_MAX, CONFIG_LIST_MAX};
use crate::words::of_system;

/// The name of the file.
pub const FILE_NAME: &str = "plimsoll.toml";

/// The other name that it may have in a tree.
pub const HIDDEN_FILE_NAME: &str = ".plimsoll.toml";

/// A configuration file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct File {
    /// Where it lies; of what a command line says, how it says it.
    #[serde(skip)]
    pub path: PathBuf,
    /// The folder it lies in.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The folder that its patterns of files are about.
    #[serde(skip)]
    pub about: PathBuf,
    /// Its text.
    #[serde(skip)]
    pub text: String,
    /// Who says so.
    #[serde(skip)]
    pub origin: FileOrigin,
    /// What it extends, all of it, the nearest first.
    #[serde(skip)]
    pub bases: Vec<Self>,
    /// Other files whose values count where this one has none; of several the last goes first.
    #[serde(deserialize_with = "extends")]
    #[schemars(with = "schema::OneOrMore<schema::ExtendedText>")]
    pub extends: Vec<Extended>,
    /// `[lint]`.
    pub lint: LintTable,
    /// `[slow-checks]`.
    pub slow_checks: SlowChecksTable,
    /// `[registries]`.
    pub registries: RegistriesTable,
    /// `[lock]`.
    pub lock: LockTable,
    /// `[output]`.
    pub output: OutputTable,
    /// `[plugins.NAME]`.
    #[schemars(with = "BTreeMap<String, super::plugins::Written>")]
    pub plugins: BTreeMap<String, PluginTable>,
    /// `[trust."sha256:…"]`.
    #[schemars(with = "BTreeMap<schema::DigestText, super::TrustTable>")]
    pub trust: TrustTables,
    /// `[rules."PACK/RULE"]`, or a severity alone.
    pub rules: BTreeMap<String, RuleTable>,
}

/// Who says what a file of configuration says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileOrigin {
    /// A file that was found.
    #[default]
    Found,
    /// A file that `--config` names.
    Named,
    /// `--config KEY=VALUE`.
    Override,
    /// Flags of their own.
    Flags,
}

/// `[lint]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LintTable {
    /// From which severity on findings make the run fail.
    #[serde(deserialize_with = "fail_level")]
    #[schemars(with = "schema::FailLevelText")]
    pub fail_level: Option<FailLevel>,
    /// The platforms to build for.
    #[serde(rename = "target-platform", deserialize_with = "platforms")]
    #[schemars(with = "schema::OneOrMore<String>")]
    pub target_platforms: Option<Vec<Platform>>,
    /// Whether comments that wave findings through have to say why.
    pub require_reason: Option<bool>,
    /// The file of findings that are known. It lies in the folder of this file or below.
    pub baseline: Option<PathBuf>,
    /// The rules that run: their names, patterns such as `buildkit/*`, or `recommended`, `strict`, `all`.
    #[serde(deserialize_with = "some_list")]
    #[schemars(with = "Vec<schema::Selector>")]
    pub select: Option<Vec<String>>,
    /// Rules that run besides.
    #[serde(deserialize_with = "list")]
    #[schemars(with = "Vec<schema::Selector>")]
    pub extend_select: Vec<String>,
    /// Rules that do not run.
    #[serde(deserialize_with = "list")]
    #[schemars(with = "Vec<schema::Selector>")]
    pub ignore: Vec<String>,
    /// Rules that do not run on some files, by the pattern of these.
    #[serde(deserialize_with = "lists")]
    #[schemars(with = "BTreeMap<String, Vec<schema::Selector>>")]
    pub per_file_ignores: BTreeMap<String, Vec<String>>,
    /// Patterns of files in folders that are not linted, as in `.gitignore`.
    #[serde(deserialize_with = "list")]
    pub exclude: Vec<String>,
}

/// `[registries]`. What is relative is so to the file's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "WrittenRule")]
pub struct RuleTable {
    /// Another severity than the rule's own, or off.
    pub severity: Option<SeverityOrOff>,
    /// The rule's own options.
    pub options: Option<toml::Table>,
}

/// One rule's settings as they are written.
pub(super) struct WrittenRule(RuleTable);

impl From<WrittenRule> for RuleTable {
    fn from(WrittenRule(table): WrittenRule) -> Self {
        table
    }
}

/// One rule's settings where they are a table.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct FullRuleTable {
    /// Another severity than the rule's own, or off.
    #[schemars(with = "SeverityOrOff")]
    severity: Option<SeverityOrOff>,
    /// The rule's own options.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    options: Option<toml::Table>,
}

impl<'de> Deserialize<'de> for WrittenRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = WrittenRule;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a severity such as \"off\", or a table such as { severity = \"off\" }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<WrittenRule, E> {
                let severity = SeverityOrOff::deserialize(serde::de::value::StrDeserializer::new(text))?;
                Ok(WrittenRule(RuleTable { severity: Some(severity), options: None }))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<WrittenRule, A::Error> {
                let table = FullRuleTable::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(WrittenRule(RuleTable { severity: table.severity, options: table.options }))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A severity in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
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
    /// What the command line says, the nearest first: it is the user's word, and goes before variables.
    pub overrides: &'f [File],
    /// That of the linted tree, which a stranger may have written.
    pub tree: Option<&'f File>,
    /// The user's own.
    pub user: Option<&'f File>,
}

/// Whose word a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The user's.
    User,
    /// That of whoever wrote the linted tree.
    Tree,
}

impl<'f> Files<'f> {
    /// All of them with what they extend, the nearest first.
    pub fn layers(self) -> impl Iterator<Item = (Whose, &'f File)> {
        let of =
            |whose, file: Option<&'f File>| file.into_iter().flat_map(File::layers).map(move |layer| (whose, layer));
        let overrides = self.overrides.iter().map(|file| (Whose::User, file));
        overrides.chain(of(Whose::Tree, self.tree)).chain(of(Whose::User, self.user))
    }

    /// Those of the user.
    pub fn users(self) -> impl Iterator<Item = &'f File> {
        self.layers().filter(|(whose, _)| *whose == Whose::User).map(|(_, file)| file)
    }

    /// What the nearest file says of a rule that says any, and which one that is.
    pub fn of_rule<T>(self, rule: &str, of: impl Fn(&'f RuleTable) -> Option<T>) -> Option<(&'f File, T)> {
        self.layers().find_map(|(_, file)| Some((file, of(file.rules.get(rule)?)?)))
    }

    /// Those of the tree.
    pub fn trees(self) -> impl Iterator<Item = &'f File> {
        self.tree.into_iter().flat_map(File::layers)
    }
}

impl File {
    /// This file, then what it extends, the nearest first.
    pub fn layers(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.bases)
    }

    /// What a command line says under its own flags.
    pub fn of_flags(lint: LintTable, about: &Path) -> Self {
        Self { lint, about: about.to_owned(), origin: FileOrigin::Flags, ..Self::default() }
    }

    /// `--config KEY=VALUE`; what is relative is so to `here`.
    ///
    /// # Errors
    /// When it does not hold up.
    pub fn of_override(text: &str, here: &Path) -> Result<Self, ConfigError> {
        let path = PathBuf::from(format!("--config {text}"));
        let complain = |why: &str| ConfigError(format!("{}: {why}", path.display()));
        let mut file: Self = toml::from_str(text).map_err(|error| {
            let hint = suggestion(error.message()).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
            let value = text.split_once('=').map_or("", |(_, value)| value.trim());
            let is_bare = value.starts_with(|c: char| c.is_ascii_alphabetic()) && value != "true" && value != "false";
            let quotes = if is_bare {
                "; text has quotes, of which shells take one pair away: --config 'lint.fail-level=\"error\"'"
            } else {
                ""
            };
            complain(&format!("{}{hint}{quotes}", error.message()))
        })?;
        if !file.extends.is_empty() {
            return Err(complain("extends belongs into a file; name the other file with --config FILE"));
        }
        (file.folder, file.about) = (here.to_owned(), here.to_owned());
        (file.path, file.origin) = (path, FileOrigin::Override);
        text.clone_into(&mut file.text);
        Ok(file)
    }

    /// Whether it says anything that holds for a whole run.
    pub fn has_run_wide_tables(&self) -> bool {
        let LintTable { fail_level, target_platforms, require_reason, baseline, .. } = &self.lint;
        fail_level.is_some()
            || target_platforms.is_some()
            || require_reason.is_some()
            || baseline.is_some()
            || self.slow_checks != SlowChecksTable::default()
            || self.registries != RegistriesTable::default()
            || self.lock != LockTable::default()
            || self.output != OutputTable::default()
            || !self.plugins.is_empty()
            || !self.trust.is_empty()
    }

    /// Where the value stands that these keys lead to, numbers for items of lists: as
    /// far as they lead anywhere.
    pub fn position<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Option<Position> {
        self.place(keys, false)
    }

    /// Where the last of these keys stands, likewise.
    pub fn key_position<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Option<Position> {
        self.place(keys, true)
    }

    fn place<'k>(&self, keys: impl Iterator<Item = &'k str>, is_of_key: bool) -> Option<Position> {
        if self.origin == FileOrigin::Override {
            return None;
        }
        let table = DeTable::parse(&self.text).ok()?;
        let mut span = None;
        let mut value = &DeValue::Table(table.into_inner());
        for key in keys {
            let found = match value {
                DeValue::Table(table) => table.get_key_value(key).map(|(key, value)| (key.span(), value)),
                DeValue::Array(items) => {
                    key.parse().ok().and_then(|index: usize| items.get(index)).map(|item| (item.span(), item))
                }
                _ => None,
            };
            let Some((of_key, found)) = found else { break };
            span = Some(if is_of_key { of_key } else { found.span() });
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

/// Reads a configuration file, and nothing that it extends.
///
/// # Errors
/// When it cannot be read or does not hold up, with the position.
pub fn read(path: &Path) -> Result<File, ConfigError> {
    let complain = |what: &str| ConfigError(format!("{}: {what}", path.display()));
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| complain(&of_system(&error)))?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(complain(&format!("larger than the {CONFIG_BYTES_MAX} bytes it may have")));
    }
    parse(path, text)
}

/// Reads the text of a configuration file.
pub(super) fn parse(path: &Path, text: String) -> Result<File, ConfigError> {
    let mut file: File = toml::from_str(&text).map_err(|error| complaint(path, &text, &error))?;
    file.text = text;
    path.clone_into(&mut file.path);
    path.parent().unwrap_or(Path::new("")).clone_into(&mut file.folder);
    file.folder.clone_into(&mut file.about);
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

/// A list that is not too long.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    bounded(Vec::deserialize(deserializer)?, Vec::len)
}

fn some_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    list(deserializer).map(Some)
}

fn lists<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let lists = BTreeMap::<String, Vec<String>>::deserialize(deserializer)?;
    bounded(lists, |lists| lists.values().map(|list| list.len() + 1).sum())
}

fn bounded<T, E: serde::de::Error>(value: T, len: impl Fn(&T) -> usize) -> Result<T, E> {
    match len(&value) {
        0..=CONFIG_LIST_MAX => Ok(value),
        len => Err(E::custom(format!("{len} entries; at most {CONFIG_LIST_MAX} are allowed"))),
    }
}

fn extends<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Extended>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a file such as \"../base.toml\", or a list of them")]
    enum Extends {
        One(String),
        Several(Vec<String>),
    }
    let texts = match Extends::deserialize(deserializer)? {
        Extends::One(text) => vec![text],
        Extends::Several(texts) => texts,
    };
    texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}
