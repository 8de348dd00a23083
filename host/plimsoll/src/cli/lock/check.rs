//! `plimsoll lock check` and `plimsoll lock prune`: nobody is asked.

use std::path::PathBuf;

use clap::Args;

use super::survey::{Asking, Survey};
use crate::cli::lint::Scope;
use crate::cli::{CLEAN, FOUND, complain, print_lines};
use crate::lock::delta::shown;
use crate::lock::{Entry, keys};

/// Say what the lock lacks, what in it contradicts the files, and what nothing refers to
///
/// Nobody is asked. Exit status: 1 if there is anything to say.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll lock check                      what this folder refers to
  plimsoll lock check services/api")]
pub(super) struct Arguments {
    /// Files or folders; what nothing refers to is told of whole trees only
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    scope: Scope,
}

/// Take out what nothing refers to any more
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock prune --dry-run")]
pub(super) struct PruneArguments {
    /// Show what would go, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    scope: Scope,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let survey = Survey::of(arguments.paths, arguments.scope, Asking::Nobody, Clone::clone)?;
    let mut said = Vec::new();
    let missing = survey.references.places.keys().filter(|key| survey.lock.get(key).is_none());
    said.extend(missing.map(|key| format!("missing: {}{key}", survey.place(key))));
    let at = survey.lines()?;
    for (question, key) in &survey.references.questions {
        let Some(entry) = survey.lock.get(key) else { continue };
        if keys::answer(question, entry).is_none() && keys::instead(question, entry).is_none() {
            said.push(format!("stale: {}: {key}: what it says is no such answer", at(key)));
        }
    }
    for (file, pin) in &survey.references.legacy {
        let Some(key) = keys::key(&pin.question) else { continue };
        let differs = |entry: &&Entry| shown(entry) != pin.digest && entry.text() != Some(pin.digest.as_str());
        if let Some(entry) = survey.lock.get(&key).filter(differs) {
            let place = format!("{file}:{}", pin.line);
            said.push(format!("stale: {}: {key} is {}, and {} in {place}", at(&key), shown(entry), pin.digest));
        }
    }
    said.extend(survey.unused().iter().map(|key| format!("unused: {}: {key}", at(key))));
    said.sort();
    said.dedup();
    print_lines(&said.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    if said.is_empty() {
        return Ok(CLEAN);
    }
    complain(
        "`plimsoll lock` adds what is missing, `lock update` renews what is stale, unless the digest in the file is; `lock \
         prune` takes out what is unused",
    );
    Ok(FOUND)
}

pub(super) fn prune(arguments: PruneArguments) -> anyhow::Result<u8> {
    // The whole tree, wherever in it this is called.
    let survey = Survey::of_tree(arguments.scope)?;
    let unused = survey.unused();
    print_lines(&unused.iter().map(|key| format!("{key}\n")).collect::<String>())?;
    if !arguments.dry_run && !unused.is_empty() {
        survey.file().change(|lock| unused.iter().for_each(|key| drop(lock.remove(key))))?;
    }
    Ok(CLEAN)
}
