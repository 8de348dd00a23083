//! `plimsoll plugin watch`.
//!
//! Input: a plugin's folder. Output: what `plugin test` says of it, again
//! after each change, until somebody ends it. Invariant: a change that happens
//! during a run is followed by another run.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::ensure;
use clap::Args;

use super::super::{complain, print};
use super::language::Language;
use super::sources::{Sources, sources};
use super::test;
use crate::limits::WATCH_TICK;

/// Moves to the top of an empty screen.
const CLEAR: &str = "\x1b[2J\x1b[H";

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
    loop {
        let before = sources(&arguments.path)?;
        if io::stdout().is_terminal() {
            print(CLEAR)?;
        }
        if let Err(error) = test::run(&test::Arguments::of(&arguments.path)) {
            complain(&format!("error: {error:#}"));
        }
        complain(&format!("waiting for changes in {shown}; Ctrl-C ends"));
        wait_for_change(&arguments.path, &before)?;
    }
}

/// Returns once something is different and nobody is writing any more.
fn wait_for_change(folder: &Path, before: &Sources) -> anyhow::Result<()> {
    let mut last = sources(folder)?;
    loop {
        thread::sleep(WATCH_TICK);
        let now = sources(folder)?;
        if now == last && now != *before {
            return Ok(());
        }
        last = now;
    }
}
