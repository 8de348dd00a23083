//! `plimsoll cache`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{CLEAN, print, store, variables};
use crate::cache::{Contents, clear, contents};
use crate::config::cache_dir;
use crate::distribution::{Shelf, Stock};
use crate::limits::{CACHE_BYTES_MAX, SHELF_BYTES_MAX, STORE_BYTES_MAX};
use crate::plugin::Stored;

/// Show or clear what earlier runs know of the world, and what is kept of plugins
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  plimsoll cache info
  plimsoll cache clear --cache-dir /tmp/answers"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder of the cache [default: plimsoll among the user's caches]
    #[arg(long, global = true, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Show where the cache is, what it holds, and what that occupies
    #[command(after_help = "Example: plimsoll cache info")]
    Info,
    /// Remove all answers, native code and pulled plugins; other files in the folder stay
    #[command(after_help = "Example: plimsoll cache clear")]
    Clear,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let variables = variables();
    let folder = cache_dir(arguments.cache_dir.clone(), &variables);
    let folder = folder.context("there is no place for a cache: set PLIMSOLL_CACHE_DIR, or use --cache-dir")?;
    let place = folder.display();
    let (store, shelf) = (store(Some(&folder), &variables), Shelf::new(&folder));
    match arguments.command {
        Command::Info => {
            let contents = contents(&folder).with_context(|| format!("{place} cannot be read"))?;
            let oldest = match contents.oldest {
                Some(age) => format!(", the oldest from {} min ago", age.as_secs() / 60),
                None => String::new(),
            };
            let limit = size(CACHE_BYTES_MAX);
            print(&format!("{place}: {}{oldest}; at most {limit} are kept\n", shown(contents)))?;
            let native = native(store.map_or_else(Stored::default, |store| store.stored()));
            print(&format!("{place}: {native}; at most {} are kept\n", size(STORE_BYTES_MAX)))?;
            let stock = pulled(shelf.stock());
            print(&format!("{place}: {stock}; at most {} are kept\n", size(SHELF_BYTES_MAX)))?;
        }
        Command::Clear => {
            let removed = clear(&folder).with_context(|| format!("{place} cannot be cleared"))?;
            print(&format!("{place}: {} removed\n", shown(removed)))?;
            let native = native(store.map_or_else(Stored::default, |store| store.clear()));
            print(&format!("{place}: {native} removed\n"))?;
            print(&format!("{place}: {} removed\n", pulled(shelf.clear())))?;
        }
    }
    Ok(CLEAN)
}

fn shown(contents: Contents) -> String {
    let answers = if contents.answers == 1 { "answer" } else { "answers" };
    format!("{} {answers} of {}", contents.answers, size(contents.bytes))
}

fn native(stored: Stored) -> String {
    let components = if stored.components == 1 { "component" } else { "components" };
    format!("native code of {} {components}, {}", stored.components, size(stored.bytes))
}

fn pulled(stock: Stock) -> String {
    let files = if stock.files == 1 { "file" } else { "files" };
    format!("{} {files} of pulled plugins, {}", stock.files, size(stock.bytes))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
