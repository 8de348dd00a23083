//! `plimsoll cache`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{CLEAN, print, variables};
use crate::cache::{Contents, clear, contents};
use crate::config::cache_dir;
use crate::limits::CACHE_BYTES_MAX;

/// Show or clear what earlier runs know of the world
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder of the cache [default: plimsoll among the user's caches]
    #[arg(long, global = true, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Show where the cache is, how many answers it holds, and what they occupy
    Info,
    /// Remove all answers; other files in the folder stay
    Clear,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let folder = cache_dir(arguments.cache_dir.clone(), &variables());
    let folder = folder.context("there is no place for a cache: set PLIMSOLL_CACHE_DIR, or use --cache-dir")?;
    let place = folder.display();
    match arguments.command {
        Command::Info => {
            let contents = contents(&folder).with_context(|| format!("{place} cannot be read"))?;
            let oldest = match contents.oldest {
                Some(age) => format!(", the oldest from {} min ago", age.as_secs() / 60),
                None => String::new(),
            };
            let limit = size(CACHE_BYTES_MAX);
            print(&format!("{place}: {}{oldest}; at most {limit} are kept\n", shown(contents)))?;
        }
        Command::Clear => {
            let removed = clear(&folder).with_context(|| format!("{place} cannot be cleared"))?;
            print(&format!("{place}: {} removed\n", shown(removed)))?;
        }
    }
    Ok(CLEAN)
}

fn shown(contents: Contents) -> String {
    let answers = if contents.answers == 1 { "answer" } else { "answers" };
    format!("{} {answers} of {}", contents.answers, size(contents.bytes))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
