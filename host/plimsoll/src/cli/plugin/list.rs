//! `plimsoll plugin list`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::{CLEAN, Format, print};
use super::around::Around;
use crate::config::{Digest, File, Grants, Place, PluginTable, Source};
use crate::distribution::{Record, Shelf};
use crate::lock::Lock;
use crate::plugin::Component;
use crate::report::printable;

/// List the plugins that you let run, and those that the tree around you asks for
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin list
  plimsoll plugin list --format json")]
pub(super) struct Arguments {
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// A plugin that somebody named.
#[derive(Serialize)]
struct Listed {
    name: String,
    /// None for one that runs wherever a tree asks for it, and for a source.
    path: Option<PathBuf>,
    source: Option<String>,
    digest: Option<String>,
    /// Who must have signed it.
    key: Option<PathBuf>,
    grants: Grants,
    state: State,
}

/// Whether a plugin runs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// In all runs.
    Runs,
    /// Likewise, from its source: it is not on this machine yet.
    Elsewhere,
    /// Where a tree asks for it.
    RunsWhereAsked,
    /// Its component is another one than the user let run.
    Changed,
    /// Nobody says which component its source means.
    Unknown,
    /// The user's file does not say which component its source is to be.
    Unsaid,
    /// There is no component, or it cannot be read.
    Missing,
    /// The tree asks for it, and nobody let it run.
    Asked,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let around = Around::read(None, false, None)?;
    let mut listed = Vec::new();
    for side in around.sides() {
        let lock = side.lock.read()?.lock;
        let seen = Seen { shelf: around.supply.shelf(), file: side.file, lock: &lock };
        match side.is_user {
            true => listed.extend(seen.own()),
            false => listed.extend(seen.asked(around.user.as_ref())),
        }
    }
    match arguments.format {
        Format::Text => print(&text(&listed))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string(&listed)?))?,
    }
    Ok(CLEAN)
}

/// A file, and what there is to see of the components that it names.
struct Seen<'s> {
    shelf: Option<&'s Shelf>,
    file: &'s File,
    lock: &'s Lock,
}

impl Seen<'_> {
    fn own(&self) -> impl Iterator<Item = Listed> {
        let plugins = self.file.plugins.iter().map(|(name, table)| {
            let state = match &table.place {
                Place::Source(source) => self.own_source(source, table.digest.as_ref()),
                Place::Path(path) => match digest_of(&self.file.folder.join(path)) {
                    None => State::Missing,
                    found if found == table.digest => State::Runs,
                    Some(_) => State::Changed,
                },
            };
            self.listed(name, table, table.digest.clone(), state)
        });
        let trusted = self.file.trust.iter().map(|(digest, table)| Listed {
            name: table.name.clone().unwrap_or_default(),
            path: None,
            source: None,
            digest: Some(digest.to_string()),
            key: table.key.as_ref().map(|key| self.file.folder.join(key)),
            grants: table.grants.clone(),
            state: State::RunsWhereAsked,
        });
        plugins.chain(trusted)
    }

    /// Of a source in the user's own file, as runs take it.
    fn own_source(&self, source: &Source, digest: Option<&Digest>) -> State {
        let Some(digest) = digest else { return State::Unsaid };
        if self.shelf.is_some_and(|shelf| shelf.has(digest)) {
            return State::Runs;
        }
        let is_found_by_itself = match source {
            Source::Oci(reference) => reference.digest.is_some(),
            Source::Web(_) => true,
        };
        let is_recorded = matches!(Record::find(self.lock, source), Ok(Some(_)));
        if is_found_by_itself || is_recorded { State::Elsewhere } else { State::Unknown }
    }

    /// Plugins that a tree asks for and nobody let run.
    fn asked(&self, user: Option<&File>) -> impl Iterator<Item = Listed> {
        self.file.plugins.iter().filter_map(move |(name, table)| {
            let digest = self.digest(table);
            let is_known = |user: &File| {
                digest.as_ref().is_some_and(|digest| user.trust.contains_key(digest))
                    || user.plugins.values().any(|own| own.digest.is_some() && own.digest == digest)
            };
            let state = match &digest {
                None if table.place.source().is_some() => State::Unknown,
                None => State::Missing,
                Some(_) if user.is_some_and(is_known) => return None,
                Some(_) => State::Asked,
            };
            Some(self.listed(name, table, digest, state))
        })
    }

    fn listed(&self, name: &str, table: &PluginTable, digest: Option<Digest>, state: State) -> Listed {
        let path = match &table.place {
            Place::Path(path) => Some(self.file.folder.join(path)),
            Place::Source(_) => None,
        };
        let source = table.place.source().map(ToString::to_string);
        let digest = digest.map(|digest| digest.to_string());
        let key = table.key.as_ref().map(|key| self.file.folder.join(key));
        Listed { name: name.to_owned(), path, source, digest, key, grants: table.grants.clone(), state }
    }

    /// The component that a table means.
    fn digest(&self, table: &PluginTable) -> Option<Digest> {
        match &table.place {
            Place::Path(path) => digest_of(&self.file.folder.join(path)),
            Place::Source(source) => {
                let record = Record::find(self.lock, source).ok().flatten();
                table.digest.clone().or(record.map(|record| record.component))
            }
        }
    }
}

fn digest_of(path: &Path) -> Option<Digest> {
    Component::read(path).ok().map(|component| component.digest().clone())
}

fn text(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no plugins but the bundled packs; `plimsoll plugin add` lets others run\n".to_owned();
    }
    let mut text = String::new();
    for Listed { name, path, source, digest, key, grants, state } in listed {
        let state = match state {
            State::Runs => "runs",
            State::Elsewhere => "runs, once it is pulled",
            State::RunsWhereAsked => "runs where a tree asks for it",
            State::Changed => "does not run: its component is another one than you let run",
            State::Unknown => "does not run: the lock does not say what its source means; `plimsoll plugin add` asks",
            State::Unsaid => {
                "does not run: your plimsoll.toml does not say which component it means; `plimsoll plugin add` asks"
            }
            State::Missing => "does not run: there is no such component",
            State::Asked => "does not run: the tree asks for it; `plimsoll plugin add` lets it run",
        };
        let _ = writeln!(text, "{}  {state}", printable(name));
        if let Some(path) = path {
            let _ = writeln!(text, "  path         {}", printable(&path.display().to_string()));
        }
        if let Some(source) = source {
            let _ = writeln!(text, "  source       {}", printable(source));
        }
        if let Some(digest) = digest {
            let _ = writeln!(text, "  digest       {digest}");
        }
        if let Some(key) = key {
            let _ = writeln!(text, "  key          {}", printable(&key.display().to_string()));
        }
        let _ = writeln!(text, "  may ask for  {grants}");
    }
    text
}
