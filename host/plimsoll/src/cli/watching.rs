//! The same again after each change of some files.
//!
//! Input: how to look at the files, and what to do. Invariant: a change that happens during a round is
//! followed by another, and looking takes a small part of the time.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::{complain, print};
use crate::limits::WATCH_SHARE;

/// Moves to the top of an empty screen.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// When each file was changed, and how long it is.
pub(super) type Files = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Puts a file among those that are looked at. Files come and go while somebody saves: what cannot be read is
/// not there.
pub(super) fn look(files: &mut Files, path: &Path) {
    if let Ok(metadata) = fs::metadata(path) {
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        files.insert(path.to_owned(), (changed, metadata.len()));
    }
}

/// Does it once, and again after each change, until somebody ends it. `what` is waited for.
///
/// # Errors
/// When the files cannot be looked at.
pub(super) fn again(
    what: &str,
    tick: Duration,
    mut files: impl FnMut() -> anyhow::Result<Files>,
    mut round: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Infallible> {
    loop {
        let before = files()?;
        if io::stdout().is_terminal() {
            print(CLEAR)?;
        }
        if let Err(error) = round() {
            complain(&format!("error: {error:#}"));
        }
        complain(&format!("waiting for changes in {what}; Ctrl-C ends"));
        wait_for_change(tick, &mut files, &before)?;
    }
}

/// Returns once something is different and nobody is writing any more.
fn wait_for_change(
    tick: Duration,
    files: &mut impl FnMut() -> anyhow::Result<Files>,
    before: &Files,
) -> anyhow::Result<()> {
    let mut last = files()?;
    let mut pause = tick;
    loop {
        thread::sleep(pause);
        let start = Instant::now();
        let now = files()?;
        pause = tick.max(start.elapsed() * WATCH_SHARE);
        if now == last && now != *before {
            return Ok(());
        }
        last = now;
    }
}
