//! One file as it is written: both versions of the format, nothing judged but their mixture.

use std::collections::BTreeMap;

use super::Problem;
use super::files::Source;
use super::toml::{Line, Table};
use crate::limits::{ALIASES_MAX, MIRRORS_MAX, REGISTRIES_MAX};

/// The content of a file; `None` is what it does not mention.
#[derive(Default)]
pub(super) struct Document {
    pub registries: Option<Vec<RawRegistry>>,
    pub search: Option<Vec<Line<String>>>,
    pub helpers: Option<Vec<String>>,
    pub mode: Option<Line<String>>,
    pub aliases: Option<Vec<RawAlias>>,
}

/// A name and what it stands for.
pub(super) type RawAlias = (String, Line<String>);

/// `[[registry]]`
#[derive(Clone)]
pub(super) struct RawRegistry {
    pub line: usize,
    pub prefix: String,
    pub endpoint: RawEndpoint,
    pub blocked: bool,
    pub mirror_by_digest_only: bool,
    pub mirrors: Vec<RawEndpoint>,
}

/// `[[registry.mirror]]`, or the part of `[[registry]]` that is the same.
#[derive(Clone, Default)]
pub(super) struct RawEndpoint {
    pub line: usize,
    pub location: String,
    pub insecure: bool,
    pub proxy: String,
    pub pull_from_mirror: String,
}

/// The first version: `[registries.search]`, `[registries.insecure]`, `[registries.block]`.
#[derive(Default)]
struct First {
    search: Option<Vec<Line<String>>>,
    insecure: Option<Vec<Line<String>>>,
    block: Option<Vec<Line<String>>>,
}

impl Document {
    /// Reads a file; the first version of the format only where it is allowed.
    pub fn read(source: &Source, first_allowed: bool) -> Result<Self, Problem> {
        source.parsed(|root| {
            let document = Self {
                registries: registries(source, root)?,
                search: root.strings("unqualified-search-registries")?,
                helpers: root.strings("credential-helpers")?.map(|all| all.into_iter().map(|one| one.value).collect()),
                mode: root.string("short-name-mode")?.filter(|mode| !mode.value.is_empty()),
                aliases: aliases(source, root)?,
            };
            let Some((line, first)) = First::read(root)? else {
                return Ok(document);
            };
            let problem = |what: &str| Err(source.problem(line, what));
            if !first_allowed {
                return problem("`[registries.…]` is the old format, which drop-ins must not have; use `[[registry]]`");
            }
            if !document.is_empty() {
                return problem("`[registries.…]` is the old format and must not be mixed with the new one");
            }
            Ok(first.converted())
        })
    }

    /// Reads a file that has nothing but `[aliases]`.
    pub fn read_aliases(source: &Source) -> Result<Vec<RawAlias>, Problem> {
        source.parsed(|root| Ok(aliases(source, root)?.unwrap_or_default()))
    }

    fn is_empty(&self) -> bool {
        self.registries.is_none()
            && self.search.is_none()
            && self.helpers.is_none()
            && self.mode.is_none()
            && self.aliases.is_none()
    }
}

impl First {
    /// What there is of it, and the line where it begins.
    fn read(root: Table<'_>) -> Result<Option<(usize, Self)>, Problem> {
        let Some(table) = root.table("registries")? else {
            return Ok(None);
        };
        let list = |key| match table.table(key)? {
            Some(table) => table.strings("registries"),
            None => Ok(None),
        };
        let first = Self { search: list("search")?, insecure: list("insecure")?, block: list("block")? };
        let empty = first.search.is_none() && first.insecure.is_none() && first.block.is_none();
        Ok((!empty).then_some((table.line, first)))
    }

    fn converted(self) -> Document {
        let mut registries: BTreeMap<String, RawRegistry> = BTreeMap::new();
        let mut registry = |location: Line<String>, change: fn(&mut RawRegistry)| {
            let Line { value, line } = location;
            let key = value.trim_end_matches('/').to_owned();
            let endpoint = RawEndpoint { line, location: value, ..RawEndpoint::default() };
            change(registries.entry(key).or_insert(RawRegistry {
                line,
                prefix: String::new(),
                endpoint,
                blocked: false,
                mirror_by_digest_only: false,
                mirrors: Vec::new(),
            }));
        };
        for location in self.block.into_iter().flatten() {
            registry(location, |registry| registry.blocked = true);
        }
        for location in self.insecure.into_iter().flatten() {
            registry(location, |registry| registry.endpoint.insecure = true);
        }
        Document { registries: Some(registries.into_values().collect()), search: self.search, ..Document::default() }
    }
}

fn registries(source: &Source, root: Table<'_>) -> Result<Option<Vec<RawRegistry>>, Problem> {
    let Some(tables) = root.tables("registry")? else {
        return Ok(None);
    };
    if tables.len() > REGISTRIES_MAX {
        return Err(source.problem(1, format!("more than {REGISTRIES_MAX} registries")));
    }
    let registry = |table: Table<'_>| {
        let mirrors = table.tables("mirror")?.unwrap_or_default();
        if mirrors.len() > MIRRORS_MAX {
            return Err(source.problem(table.line, format!("more than {MIRRORS_MAX} mirrors")));
        }
        Ok(RawRegistry {
            line: table.line,
            prefix: text(table, "prefix")?,
            endpoint: endpoint(table)?,
            blocked: table.boolean("blocked")?,
            mirror_by_digest_only: table.boolean("mirror-by-digest-only")?,
            mirrors: mirrors.into_iter().map(endpoint).collect::<Result<_, _>>()?,
        })
    };
    tables.into_iter().map(registry).collect::<Result<_, _>>().map(Some)
}

fn endpoint(table: Table<'_>) -> Result<RawEndpoint, Problem> {
    Ok(RawEndpoint {
        line: table.line,
        location: text(table, "location")?,
        insecure: table.boolean("insecure")?,
        proxy: text(table, "proxy")?,
        pull_from_mirror: text(table, "pull-from-mirror")?,
    })
}

fn aliases(source: &Source, root: Table<'_>) -> Result<Option<Vec<RawAlias>>, Problem> {
    let Some(table) = root.table("aliases")? else {
        return Ok(None);
    };
    let entries = table.entries()?;
    match entries.len() > ALIASES_MAX {
        true => Err(source.problem(table.line, format!("more than {ALIASES_MAX} aliases"))),
        false => Ok(Some(entries)),
    }
}

fn text(table: Table<'_>, key: &str) -> Result<String, Problem> {
    Ok(table.string(key)?.map(|line| line.value).unwrap_or_default())
}
