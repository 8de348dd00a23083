//! `plimsoll plugin watch`.
//!
//! Input: a plugin's folder. Output: what `plugin test` says of it, again
//! after each change, until somebody ends it. Invariant: a change that happens
//! during a run is followed by another run.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use super::super::watching::again;
use super::language::Language;
use super::sources::sources;
use super::test;
use crate::limits::WATCH_TICK;

/// Build and test a plugin again after each change of its files
#[derive(Args)]
#[command(after_help = "Example: plimsoll plugin watch policies/acme")]
pub(super) struct Arguments {
    /// The plugin's folder
    #[arg(default_value = ".")]
    path: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let shown = arguments.path.display();
    ensure!(
        Language::is_in(&arguments.path),
        "{shown}: it has no Cargo.toml (nor package.json, pyproject.toml or plugin.toml), so it is no plugin's folder"
    );
    let round = || test::run(&test::Arguments::of(&arguments.path)).map(drop);
    match again(&shown.to_string(), WATCH_TICK, || sources(&arguments.path), round)? {}
}
