//! From what flags, variables and files say to one value, and who said it.
//!
//! Input: what the command line gave, the environment, the files. Output: each value
//! with its origin. Precedence: flag over `--config KEY=VALUE` over variable over the
//! tree's file over the user's own over default.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shown::Shown;
use super::value::similar;
use super::{ConfigError, File, FileOrigin, Files, Variables, Whose};

/// What the names of our variables begin with.
const PREFIX: &str = "PLIMSOLL_";

/// Variables that builds and tests read, without the prefix.
const OF_BUILDS: [&str; 5] = ["CONFORMANCE", "CORPUS", "REQUIRE_SERVERS", "STATIC", "TARGET"];

/// Who said what a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
    /// One of the [`Files`], by its place among [`Files::layers`].
    File(usize),
    /// Nobody.
    Default,
}

/// A value that holds for a whole run, as people read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// Its key in `plimsoll.toml`, or where it has none there, as it would have it.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Who said it.
    pub origin: Origin,
}

/// Values on the way to being settled.
pub(super) struct Settling<'s> {
    pub(super) variables: &'s Variables,
    pub(super) files: Files<'s>,
    pub(super) settled: Vec<Settled>,
    /// Variables that somebody asked for.
    known: BTreeSet<String>,
}

/// What one value is called; an empty name is none.
pub(super) struct Name<'n> {
    pub(super) key: &'n str,
    pub(super) flag: &'n str,
    pub(super) variable: &'n str,
}

impl<'n> Name<'n> {
    pub(super) fn new(key: &'n str, flag: &'n str, variable: &'n str) -> Self {
        Self { key, flag, variable }
    }
}

impl<'s> Settling<'s> {
    pub(super) fn new(variables: &'s Variables, files: Files<'s>) -> Self {
        Self { variables, files, settled: Vec::new(), known: BTreeSet::new() }
    }

    /// What is said of a value by who may say it; `of` is what a file says, and may say on whose word.
    pub(super) fn pick<T: Shown>(
        &mut self,
        name: &Name,
        flag: Option<T>,
        parse: fn(&str) -> Result<T, String>,
        of: impl Fn(Whose, &'s File) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.known.insert(name.variable.to_owned());
        let found = self.look(name, flag, parse, of)?;
        if let Some((value, origin)) = &found {
            self.settle(name.key, value, origin.clone());
        }
        Ok(found.map(|(value, _)| value))
    }

    /// The same, else the default.
    pub(super) fn pick_or<T: Shown>(
        &mut self,
        name: &Name,
        flag: Option<T>,
        parse: fn(&str) -> Result<T, String>,
        of: impl Fn(Whose, &'s File) -> Option<T>,
        default: T,
    ) -> Result<T, ConfigError> {
        self.known.insert(name.variable.to_owned());
        let (value, origin) = self.look(name, flag, parse, of)?.unwrap_or((default, Origin::Default));
        self.settle(name.key, &value, origin);
        Ok(value)
    }

    /// Variables of the environment that read like one that counts, and are none; to be asked for when all is settled.
    pub(super) fn misspelt(&self) -> Vec<String> {
        let known = || self.known.iter().map(String::as_str).chain([super::CACHE_DIR]);
        let bare = || known().filter_map(|name| name.strip_prefix(PREFIX));
        let ours = self.variables.keys().filter(|name| !known().any(|known| known == **name));
        let ours = ours.filter_map(|name| name.strip_prefix(PREFIX)).filter(|name| !OF_BUILDS.contains(name));
        let note = |name| {
            let near = similar(name, bare())?;
            Some(format!("environment variable {PREFIX}{name} means nothing; did you mean {PREFIX}{near}?"))
        };
        ours.filter_map(note).collect()
    }

    /// Notes a value.
    pub(super) fn settle(&mut self, key: &str, value: &dyn Shown, origin: Origin) {
        self.settled.push(Settled { key: key.to_owned(), value: value.shown(), origin });
    }

    /// The nearest file that says something, and its place.
    pub(super) fn of_files<T>(&self, of: impl Fn(Whose, &'s File) -> Option<T>) -> Option<(T, Origin)> {
        let mut layers = self.files.layers().enumerate();
        layers.find_map(|(place, (whose, file))| Some((of(whose, file)?, Origin::File(place))))
    }

    /// Notes and gives what all files say together; the nearest that says any counts as the one who said it.
    pub(super) fn gather(&mut self, key: &str, of: impl Fn(&File) -> &Vec<String>) -> Vec<String> {
        let all: Vec<String> = self.files.layers().flat_map(|(_, file)| of(file).iter().cloned()).collect();
        let first = self.of_files(|_, file| (!of(file).is_empty()).then_some(()));
        self.settle(key, &all, first.map_or(Origin::Default, |(_, origin)| origin));
        all
    }

    fn look<T>(
        &self,
        name: &Name,
        flag: Option<T>,
        parse: fn(&str) -> Result<T, String>,
        of: impl Fn(Whose, &'s File) -> Option<T>,
    ) -> Result<Option<(T, Origin)>, ConfigError> {
        if let Some(value) = flag {
            return Ok(Some((value, Origin::Flag(name.flag.to_owned()))));
        }
        let of_files = self.of_files(of);
        let is_override =
            |place: usize| matches!(self.files.overrides.get(place), Some(file) if file.origin == FileOrigin::Override);
        if matches!(of_files, Some((_, Origin::File(place))) if is_override(place)) {
            return Ok(of_files);
        }
        Ok(match super::or_variable(None, self.variables, name.variable, parse)? {
            Some(value) => Some((value, Origin::Variable(name.variable.to_owned()))),
            None => of_files,
        })
    }

    /// What a variable says; an empty one says nothing.
    pub(super) fn variable<T>(
        &mut self,
        name: &str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.known.insert(name.to_owned());
        super::or_variable(None, self.variables, name, parse)
    }
}
