//! `[output]`: in which formats a run reports, and where to.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::settle::{Name, Settling};
use super::value::{parse_bool, similar};
use super::{ConfigError, File, Whose, schema};

/// How findings are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Format {
    Text,
    Concise,
    Json,
    JsonLines,
    Sarif,
    Github,
    Gitlab,
    Checkstyle,
    Junit,
    Rdjson,
    Markdown,
    Html,
}

impl Format {
    /// All of them, as help lists them.
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::Concise,
        Self::Json,
        Self::JsonLines,
        Self::Sarif,
        Self::Github,
        Self::Gitlab,
        Self::Checkstyle,
        Self::Junit,
        Self::Rdjson,
        Self::Markdown,
        Self::Html,
    ];

    /// The name in flags and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::JsonLines => "json-lines",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Checkstyle => "checkstyle",
            Self::Junit => "junit",
            Self::Rdjson => "rdjson",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }
}

/// A format, and the file that it goes to; none for standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How.
    pub format: Format,
    /// Where to, seen from the working directory.
    pub file: Option<PathBuf>,
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "OutputTarget".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Format::ALL.map(Format::name).join("|");
        json_schema!({
            "description": "A format, for standard output, or for the file behind `=`, which counts in the user's own file only.",
            "type": "string",
            "pattern": format!("^({names})(=.+)?$")
        })
    }
}

/// `[output]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct OutputTable {
    /// The formats. Files count in the user's own file only.
    #[serde(deserialize_with = "targets")]
    #[schemars(with = "schema::OneOrMore<Target>")]
    pub format: Option<Vec<Target>>,
    /// Whether findings are counted by rule.
    pub statistics: Option<bool>,
}

impl OutputTable {
    /// Whether it would have files written.
    pub(super) fn names_files(&self) -> bool {
        self.format.iter().flatten().any(|target| target.file.is_some())
    }

    /// The formats for standard output: all that a linted tree has a say in.
    fn for_standard_output(&self) -> Option<Vec<Target>> {
        let targets = self.format.iter().flatten().filter(|target| target.file.is_none()).cloned();
        Some(targets.collect()).filter(|targets: &Vec<_>| !targets.is_empty())
    }
}

/// How a run reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputConfig {
    /// Each format with its place; at most one for standard output, none twice for a file.
    pub targets: Vec<Target>,
    /// Whether findings are counted by rule.
    pub statistics: bool,
}

impl OutputConfig {
    pub(super) fn settle(settling: &mut Settling, formats: Vec<Target>, statistics: bool) -> Result<Self, ConfigError> {
        let name = Name::new("output.format", "--format", "PLIMSOLL_FORMAT");
        let of = |whose, file: &File| match whose {
            Whose::Tree => file.output.for_standard_output(),
            Whose::User => file.output.format.clone(),
        };
        let flag = Some(formats).filter(|targets| !targets.is_empty());
        let default = vec![Target { format: Format::Text, file: None }];
        let targets = settling.pick_or(&name, flag, parse_targets, of, default)?;
        check(&targets).map_err(ConfigError)?;
        let name = Name::new("output.statistics", "--statistics", "PLIMSOLL_STATISTICS");
        let of = |_, file: &File| file.output.statistics;
        let statistics = settling.pick_or(&name, statistics.then_some(true), parse_bool, of, false)?;
        Ok(Self { targets, statistics })
    }
}

/// Two reports in one place could not be told apart.
fn check(targets: &[Target]) -> Result<(), String> {
    let mut places = HashSet::new();
    for Target { format, file } in targets {
        if !places.insert(file) {
            let (name, place) = (format.name(), file.as_ref().map(|file| file.display().to_string()));
            let place = place.as_deref().unwrap_or("standard output");
            return Err(format!("two formats go to {place}: write the second to a file, such as --format {name}=FILE"));
        }
    }
    Ok(())
}

/// `FORMAT`, or `FORMAT=FILE`.
///
/// # Errors
/// What is expected.
pub fn parse_target(text: &str) -> Result<Target, String> {
    let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file)));
    let format = Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let names = Format::ALL.map(Format::name);
        let hint = similar(name, names).map_or(String::new(), |name| format!("; did you mean {name}?"));
        format!("{name:?} is not one of {}{hint}", names.join(", "))
    })?;
    match file {
        Some("") => Err(format!("the file is missing: write {name}=FILE, or {name} for standard output")),
        Some("-") | None => Ok(Target { format, file: None }),
        Some(file) => Ok(Target { format, file: Some(PathBuf::from(file)) }),
    }
}

/// Targets, `,` between them.
fn parse_targets(text: &str) -> Result<Vec<Target>, String> {
    text.split(',').map(|target| parse_target(target.trim())).collect()
}

fn targets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Target>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a format such as \"text\", or a list of them")]
    enum Formats {
        Text(String),
        List(Vec<String>),
    }
    let texts = match Formats::deserialize(deserializer)? {
        Formats::Text(text) => vec![text],
        Formats::List(list) => list,
    };
    let targets = texts.iter().map(|text| parse_target(text)).collect::<Result<Vec<_>, _>>();
    let targets = targets.and_then(|targets| check(&targets).map(|()| targets));
    targets.map(Some).map_err(serde::de::Error::custom)
}
