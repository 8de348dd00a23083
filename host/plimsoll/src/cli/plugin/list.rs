//! `plimsoll plugin list`.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::super::{CLEAN, Format, print, variables};
use crate::config::{self, Digest, File, Finder, Grants, user_file};
use crate::plugin::Component;
use crate::report::printable;

/// List the plugins that you let run, and those that the tree around you asks for
#[derive(Args)]
pub(super) struct Arguments {
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// A plugin that somebody named.
#[derive(Serialize)]
struct Listed {
    name: String,
    /// None for one that runs wherever a tree asks for it.
    path: Option<PathBuf>,
    digest: Option<String>,
    grants: Grants,
    state: State,
}

/// Whether a plugin runs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// In all runs.
    Runs,
    /// Where a tree asks for it.
    RunsWhereAsked,
    /// Its component is another one than the user let run.
    Changed,
    /// There is no component, or it cannot be read.
    Missing,
    /// The tree asks for it, and nobody let it run.
    Asked,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let here = env::current_dir().context("the working directory is gone")?;
    let user_path = user_file(&variables());
    let user = user_path.as_deref().filter(|path| path.is_file()).map(config::read).transpose()?;
    let tree = Finder::default().nearest(&here).filter(|tree| Some(tree) != user_path.as_ref());
    let tree = tree.as_deref().map(config::read).transpose()?;
    let mut listed = Vec::new();
    for file in user.iter() {
        listed.extend(own(file));
    }
    for file in tree.iter() {
        listed.extend(asked(file, user.as_ref()));
    }
    match arguments.format {
        Format::Text => print(&text(&listed))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string(&listed)?))?,
    }
    Ok(CLEAN)
}

fn own(file: &File) -> impl Iterator<Item = Listed> {
    let plugins = file.plugins.iter().map(|(name, table)| {
        let path = file.folder.join(&table.path);
        let state = match digest_of(&path) {
            None => State::Missing,
            found if found == table.digest => State::Runs,
            Some(_) => State::Changed,
        };
        let digest = table.digest.as_ref().map(ToString::to_string);
        Listed { name: name.clone(), path: Some(path), digest, grants: table.grants.clone(), state }
    });
    let trusted = file.trust.iter().map(|(digest, table)| Listed {
        name: table.name.clone().unwrap_or_default(),
        path: None,
        digest: Some(digest.to_string()),
        grants: table.grants.clone(),
        state: State::RunsWhereAsked,
    });
    plugins.chain(trusted)
}

/// Plugins that a tree asks for and nobody let run.
fn asked<'f>(tree: &'f File, user: Option<&'f File>) -> impl Iterator<Item = Listed> {
    tree.plugins.iter().filter_map(move |(name, table)| {
        let path = tree.folder.join(&table.path);
        let digest = digest_of(&path);
        let is_known = |user: &File| {
            digest.as_ref().is_some_and(|digest| user.trust.contains_key(digest))
                || user.plugins.values().any(|own| own.digest.is_some() && own.digest == digest)
        };
        let state = match &digest {
            None => State::Missing,
            Some(_) if user.is_some_and(is_known) => return None,
            Some(_) => State::Asked,
        };
        let digest = digest.map(|digest| digest.to_string());
        Some(Listed { name: name.clone(), path: Some(path), digest, grants: table.grants.clone(), state })
    })
}

fn digest_of(path: &Path) -> Option<Digest> {
    Component::read(path).ok().map(|component| component.digest().clone())
}

fn text(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no plugins but the bundled packs; `plimsoll plugin add` lets others run\n".to_owned();
    }
    let mut text = String::new();
    for Listed { name, path, digest, grants, state } in listed {
        let state = match state {
            State::Runs => "runs",
            State::RunsWhereAsked => "runs where a tree asks for it",
            State::Changed => "does not run: its component is another one than you let run",
            State::Missing => "does not run: there is no such component",
            State::Asked => "does not run: the tree asks for it; `plimsoll plugin add` lets it run",
        };
        let _ = writeln!(text, "{}  {state}", printable(name));
        if let Some(path) = path {
            let _ = writeln!(text, "  path         {}", printable(&path.display().to_string()));
        }
        if let Some(digest) = digest {
            let _ = writeln!(text, "  digest       {digest}");
        }
        let _ = writeln!(text, "  may ask for  {grants}");
    }
    text
}
