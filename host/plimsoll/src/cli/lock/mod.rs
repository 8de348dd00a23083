//! `plimsoll lock`: what every mutable reference means, and when that may move.

mod apply;
mod check;
mod export;
mod list;
mod merge;
mod set;
mod survey;
mod update;
mod verify;
mod why;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};

use super::configured::Configured;
use super::lint::Scope;
use super::variables;
use crate::config::similar;
use crate::lock::LockFile;

/// Write down what tags, branches and URLs mean, and find the same tomorrow
///
/// Without a command: puts into plimsoll.lock what does not stand there yet; what
/// stands there stays. It lies beside the nearest plimsoll.toml, else at the root of
/// the checkout.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  plimsoll lock                            create or complete the lock of this folder
  plimsoll lock update python              take over what the tags of python mean now
  plimsoll lock check                      is all there, and all needed? nobody is asked
  plimsoll lint --lock strict              lint what the lock says, in CI"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Files or folders
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    told: update::Told,
    #[command(flatten)]
    scope: Scope,
}

#[derive(Subcommand)]
enum Command {
    Update(Box<update::Arguments>),
    Check(Box<check::Arguments>),
    Prune(Box<check::PruneArguments>),
    Verify(Box<verify::Arguments>),
    Why(Box<why::Arguments>),
    List(list::Arguments),
    Diff(list::DiffArguments),
    Set(set::Arguments),
    Apply(Box<apply::Arguments>),
    Export(Box<export::Arguments>),
    Migrate(export::MigrateArguments),
    Merge(merge::Arguments),
    Init(merge::InitArguments),
}

/// The lock of the working directory.
fn found() -> anyhow::Result<LockFile> {
    Ok(Configured::here(&variables())?.1)
}

/// Complains of a path that is none, and almost a command.
fn check_is_path(path: &Path) -> anyhow::Result<()> {
    let word = path.to_str().filter(|word| !word.contains(['/', '\\', '.']) && !path.exists());
    let commands = Command::augment_subcommands(clap::Command::new("lock"));
    let meant = word.and_then(|word| similar(word, commands.get_subcommands().map(clap::Command::get_name)));
    meant.map_or(Ok(()), |name| {
        bail!("{}: there is no such file or folder; did you mean `plimsoll lock {name}`?", path.display())
    })
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    match arguments.command {
        None => {
            arguments.paths.iter().try_for_each(|path| check_is_path(path))?;
            update::complete(arguments.paths, &arguments.told, arguments.scope)
        }
        Some(Command::Update(arguments)) => update::run(*arguments),
        Some(Command::Check(arguments)) => check::run(*arguments),
        Some(Command::Prune(arguments)) => check::prune(*arguments),
        Some(Command::Verify(arguments)) => verify::run(*arguments),
        Some(Command::Why(arguments)) => why::run(*arguments),
        Some(Command::List(arguments)) => list::run(&arguments),
        Some(Command::Diff(arguments)) => list::diff(&arguments),
        Some(Command::Set(arguments)) => set::run(&arguments),
        Some(Command::Apply(arguments)) => apply::run(*arguments),
        Some(Command::Export(arguments)) => export::run(*arguments),
        Some(Command::Migrate(arguments)) => export::migrate_files(&arguments),
        Some(Command::Merge(arguments)) => merge::run(&arguments),
        Some(Command::Init(_)) => merge::init(),
    }
}
