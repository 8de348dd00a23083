//! `plimsoll plugin remove`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::super::{CLEAN, print, store, variables};
use crate::config::{self, Digest, Edit, cache_dir, similar, user_file};

/// Let a plugin run no more
///
/// Takes your word back, and removes the native code that was kept of the component. The
/// component itself stays where it is.
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
    let is_left = |digest: &Digest| {
        left.trust.contains_key(digest) || left.plugins.values().any(|table| table.digest.as_ref() == Some(digest))
    };
    if let Some(store) = store(cache_dir(arguments.cache_dir.clone(), &variables).as_deref(), &variables) {
        gone.into_iter().filter(|digest| !is_left(digest)).for_each(|digest| store.remove(digest));
    }
    print(&format!("{asked} runs no more\n"))?;
    Ok(CLEAN)
}
