//! `plimsoll plugin watch`.
//!
//! Input: a plugin's folder. Output: what `plugin test` says of it, again
//! after each change, until somebody ends it. Invariant: a change that happens
//! during a run is followed by another run.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, thread};

use anyhow::ensure;
use clap::Args;

use super::super::{complain, print};
use super::test;
use crate::limits::{WATCH_FILES_MAX, WATCH_TICK};

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

/// When each file was changed, and how long it is.
type Sources = BTreeMap<PathBuf, (SystemTime, u64)>;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let shown = arguments.path.display();
    ensure!(arguments.path.join("Cargo.toml").is_file(), "{shown}: it has no Cargo.toml, so it is no plugin's folder");
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

/// The files that an author edits: not what Cargo and git write.
fn sources(folder: &Path) -> anyhow::Result<Sources> {
    let mut sources = Sources::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // Files come and go while somebody saves: what cannot be read is not there.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                let is_foreign = name.to_string_lossy().starts_with('.') || path.join("CACHEDIR.TAG").exists();
                folders.extend((!is_foreign).then_some(path));
            } else if name != "Cargo.lock" && path.extension().is_none_or(|extension| extension != "wasm") {
                sources.insert(path, (metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len()));
                let shown = folder.display();
                ensure!(
                    sources.len() <= WATCH_FILES_MAX,
                    "{shown}: more than {WATCH_FILES_MAX} files: name a plugin's folder"
                );
            }
        }
    }
    Ok(sources)
}
