//! `plimsoll lock merge` and `plimsoll lock init`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::found;
use crate::cli::{CLEAN, FOUND, complain, print};
use crate::lock::{ANSWERS_FILE_NAME, FILE_NAME, Joined, Lock, LockFile, join_over, resolve};

/// Join both sides of a merge, as far as they do not contradict
///
/// Without files: joins what git left in plimsoll.lock and plimsoll.answers. With
/// three: git's merge driver for the lock. Exit status: 1 if something is left for you to choose.
#[derive(Args)]
#[command(after_help = "\
Example: plimsoll lock merge

`plimsoll lock init` says how to have git use it.")]
pub(super) struct Arguments {
    /// What both sides were made from, ours, and theirs; the result goes into ours
    #[arg(num_args = 3, value_names = ["BASE", "OURS", "THEIRS"])]
    files: Vec<PathBuf>,
}

/// Show how to have git merge locks
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock init")]
pub(super) struct InitArguments {}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let (mut joined, mut shown) = (Joined::default(), FILE_NAME.to_owned());
    if let [base, ours, theirs] = arguments.files.as_slice() {
        let read = |path: &PathBuf| -> anyhow::Result<Lock> {
            let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            Ok(Lock::parse(&text).map_err(|malformed| anyhow!("{}:{malformed}", path.display()))?.lock)
        };
        joined = join_over(&read(base)?, &read(ours)?, &read(theirs)?);
        fs::write(ours, joined.text()).with_context(|| ours.display().to_string())?;
    } else {
        let file: LockFile = found()?;
        shown = file.path().display().to_string();
        file.replace(|text| {
            joined = resolve(text)?;
            Ok(joined.text())
        })?;
        file.join_answers()?;
    }
    for conflict in &joined.conflicts {
        complain(&format!("error: {shown}: both sides say something else of {}: choose one", conflict.key));
    }
    Ok(if joined.conflicts.is_empty() { CLEAN } else { FOUND })
}

/// What there is to set up, once for a repository and once for a machine.
pub(super) fn init() -> anyhow::Result<u8> {
    print(&format!(
        "Once for the repository:\n\n  echo '{FILE_NAME} merge=plimsoll' >> .gitattributes\n  \
         echo '{ANSWERS_FILE_NAME} merge=union' >> .gitattributes\n\nOnce for each clone:\n\n  \
         git config merge.plimsoll.name 'plimsoll.lock, entry by entry'\n  git config merge.plimsoll.driver 'plimsoll \
         lock merge %O %A %B'\n\nThen: plimsoll lock\n"
    ))?;
    Ok(CLEAN)
}
