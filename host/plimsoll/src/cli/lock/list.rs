//! `plimsoll lock list` and `plimsoll lock diff`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;

use super::found;
use crate::cli::{CLEAN, FOUND, Format, print_lines};
use crate::lock::delta::shown;
use crate::lock::{Lock, LockFile, Policy};

/// Show what stands in the lock
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll lock list
  plimsoll lock list --format json")]
pub(super) struct Arguments {
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Show what the lock says that it did not say in a revision
///
/// Exit status: 1 if there is a difference.
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock diff main")]
pub(super) struct DiffArguments {
    /// A revision that git knows
    revision: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let lock = found()?.read()?.lock;
    let text = match arguments.format {
        Format::Text => lock
            .iter()
            .map(|(key, entry)| {
                let policy = entry.policy().map_or("", Policy::name);
                let said = if key.is_known() { shown(entry) } else { "(of another program or version)".to_owned() };
                format!("{policy:5}  {key}  {said}\n")
            })
            .collect(),
        Format::Json => {
            let entries: Vec<_> = lock
                .iter()
                .map(|(key, entry)| {
                    json!({
                        "module": key.module,
                        "function": key.function,
                        "arguments": key.arguments(),
                        "policy": entry.policy().map(Policy::name),
                        "value": entry.value(),
                    })
                })
                .collect();
            format!("{}\n", serde_json::to_string(&json!({ "version": 1, "entries": entries }))?)
        }
    };
    print_lines(&text)?;
    Ok(CLEAN)
}

pub(super) fn diff(arguments: &DiffArguments) -> anyhow::Result<u8> {
    let file = found()?;
    let (now, before) = (file.read()?.lock, of_revision(&file, &arguments.revision)?);
    let mut text = String::new();
    for (key, entry) in before.iter().filter(|(key, _)| now.get(key).is_none()) {
        text += &format!("- {key} {}\n", shown(entry));
    }
    for (key, entry) in now.iter() {
        match before.get(key) {
            None => text += &format!("+ {key} {}\n", shown(entry)),
            Some(old) if old != entry => text += &format!("~ {key} {} -> {}\n", told(old), told(entry)),
            Some(_) => {}
        }
    }
    print_lines(&text)?;
    Ok(if text.is_empty() { CLEAN } else { FOUND })
}

fn told(entry: &crate::lock::Entry) -> String {
    let policy = entry.policy().map(|policy| format!(" ({})", policy.name())).unwrap_or_default();
    shown(entry) + &policy
}

fn of_revision(file: &LockFile, revision: &str) -> anyhow::Result<Lock> {
    if revision.starts_with('-') {
        bail!("{revision} is no revision");
    }
    let folder = file.path().parent().unwrap_or(Path::new("."));
    let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let git = |arguments: &[&str]| {
        let run = Command::new("git").arg("-C").arg(folder).args(arguments).output();
        run.context("git cannot be run; it is needed to read a revision")
    };
    let known = git(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
    if !known.status.success() {
        bail!("git knows no revision {revision} in {}: name a commit, branch or tag", folder.display());
    }
    let shown = git(&["show", &format!("{revision}:./{name}")])?;
    // A revision without a lock had nothing to say.
    if !shown.status.success() {
        return Ok(Lock::default());
    }
    let text = String::from_utf8(shown.stdout).with_context(|| format!("{name} of {revision}"))?;
    Ok(Lock::parse(&text).with_context(|| format!("{name} of {revision}"))?.lock)
}
