//! `plimsoll plugin remove`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::super::{CLEAN, print, print_lines, variables};
use super::around::{Around, prune};
use super::edited;
use super::forget::forget;
use crate::config::{self, Digest, PluginTable, Reach, Source, Texts, similar, user_file};

/// Let a plugin run no more
///
/// Takes your word back, and removes what was kept of the component: native code, and what
/// was pulled. Your own lock loses what it says of its source. A component in a file of yours
/// stays where it is.
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
    // What cannot be read shows before anything is written.
    let around = Around::read(arguments.cache_dir.clone(), true, None)?;
    around.sides().try_for_each(|side| side.lock.read().map(drop))?;

    let (mut gone, mut sources, mut found): (Vec<&Digest>, Vec<&Source>, bool) = (Vec::new(), Vec::new(), false);
    for file in around.users() {
        let is_it = |digest: &Digest| digest.as_str() == asked;
        let plugins =
            file.plugins.iter().filter(|(name, table)| *name == asked || table.digest.as_ref().is_some_and(is_it));
        let plugins: Vec<_> = plugins.collect();
        let trusted = file.trust.iter().filter(|(digest, table)| is_it(digest) || table.name.as_deref() == Some(asked));
        let trusted: Vec<&Digest> = trusted.map(|(digest, _)| digest).collect();
        if plugins.is_empty() && trusted.is_empty() {
            continue;
        }
        edited(&file.path, |edit| {
            for (name, _) in &plugins {
                edit.remove("plugins", name);
            }
            for digest in &trusted {
                edit.remove("trust", digest.as_str());
            }
            Ok(())
        })?;
        found = true;
        gone.extend(plugins.iter().filter_map(|(_, table)| table.digest.as_ref()).chain(trusted));
        sources.extend(plugins.iter().filter_map(|(_, table)| table.place.source()));
    }
    if !found {
        let known = around.users().flat_map(|file| file.plugins.keys()).map(String::as_str);
        match similar(asked, known) {
            Some(name) => bail!("you let no plugin {asked} run; did you mean {name}?"),
            None => bail!("you let no plugin {asked} run; `plimsoll plugin list` shows them"),
        }
    }
    let left = config::read_all(&user, Reach::Anywhere, &Texts::new())?;
    let left: Vec<&PluginTable> = left.layers().flat_map(|file| file.plugins.values()).collect();
    let is_named = |source: &Source| left.iter().any(|table| table.place.source() == Some(source));
    let sources: Vec<Source> = sources.into_iter().filter(|source| !is_named(source)).cloned().collect();
    for side in around.sides().filter(|side| side.is_user) {
        for source in prune(side.lock, &sources)? {
            print_lines(&format!("{} says nothing of {source} any more\n", side.lock.path().display()))?;
        }
    }
    forget(&around, &gone)?;
    print(&format!("{asked} runs no more\n"))?;
    Ok(CLEAN)
}
