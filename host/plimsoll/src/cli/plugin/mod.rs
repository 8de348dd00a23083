//! `plimsoll plugin`: what authors of rules do, and who lets their rules run.

mod add;
mod inspect;
mod list;
mod remove;

use std::path::Path;

use clap::{Args, Subcommand};

/// Write, try, look into and let run the rules of others
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inspect(inspect::Arguments),
    Add(add::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Add(arguments) => add::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Remove(arguments) => remove::run(arguments),
    }
}

/// What a component is called where nobody says otherwise: as its file.
pub(super) fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
