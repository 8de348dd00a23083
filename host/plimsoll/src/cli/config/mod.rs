//! `plimsoll config`: what a configuration file may say.

use clap::{Args, Subcommand};

use super::{CLEAN, print};

/// The JSON Schema of `plimsoll.toml`, which a test holds against the types that read it.
pub const SCHEMA: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../plimsoll.schema.json"));

/// What plimsoll.toml may say
#[derive(Args)]
#[command(after_help = "Example: plimsoll config schema > plimsoll.schema.json")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the JSON Schema of plimsoll.toml, with the options of the bundled rules, for editors and other tools
    #[command(after_help = "\
Examples:
  plimsoll config schema > plimsoll.schema.json
  plimsoll lint --show-settings             what is configured here, by whom")]
    Schema,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let Command::Schema = arguments.command;
    print(SCHEMA)?;
    Ok(CLEAN)
}
