//! `plimsoll plugin remove`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::super::{CLEAN, print, print_lines, store, variables};
use super::around::{Around, prune};
use crate::config::{self, Digest, Edit, similar, user_file};

/// Let a plugin run no more
///
/// Takes your word back, and removes what was kept of the component: native code, and what
/// was pulled. Locks lose what they say of sources that nobody names any more. A component
/// in a file of yours stays where it is.
#[derive(Args)]
#[command(after_help = "Example: plimsoll plugin remove acme")]
pub(super) struct Arguments {
    /// Its name, or the digest of its component
    plugin: String,
    /// Folder of the cache [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let variables = variables();
    let asked = arguments.plugin.as_str();
    let user = user_file(&variables).filter(|path| path.is_file());
    let user = user.with_context(|| format!("you let no plugin run, so there is no {asked}"))?;
    let (file, mut edit) = (config::read(&user)?, Edit::open(&user)?);

    let plugins = file
        .plugins
        .iter()
        .filter(|(name, table)| *name == asked || table.digest.as_ref().is_some_and(|digest| digest.as_str() == asked));
    let trusted =
        file.trust.iter().filter(|(digest, table)| digest.as_str() == asked || table.name.as_deref() == Some(asked));
    let mut gone: Vec<&Digest> = Vec::new();
    let mut count = 0;
    for (name, table) in plugins {
        edit.remove("plugins", name);
        gone.extend(&table.digest);
        count += 1;
    }
    for (digest, _) in trusted {
        edit.remove("trust", digest.as_str());
        gone.push(digest);
        count += 1;
    }
    if count == 0 {
        match similar(asked, file.plugins.keys().map(String::as_str)) {
            Some(name) => bail!("you let no plugin {asked} run; did you mean {name}?"),
            None => bail!("you let no plugin {asked} run; `plimsoll plugin list` shows them"),
        }
    }
    edit.save()?;
    let left = config::read(&user)?;
    let around = Around::read(arguments.cache_dir.clone(), true, None)?;
    for side in around.sides() {
        for source in prune(side.lock, Some(side.file))? {
            print_lines(&format!("{} says nothing of {source} any more\n", side.lock.path().display()))?;
        }
    }
    let is_left = |digest: &Digest| {
        left.trust.contains_key(digest) || left.plugins.values().any(|table| table.digest.as_ref() == Some(digest))
    };
    let store = store(around.config.cache_dir.as_deref(), &variables);
    for digest in gone.into_iter().filter(|digest| !is_left(digest)) {
        store.iter().for_each(|store| store.remove(digest));
        around.supply.shelf().iter().for_each(|shelf| shelf.remove(digest));
    }
    print(&format!("{asked} runs no more\n"))?;
    Ok(CLEAN)
}
