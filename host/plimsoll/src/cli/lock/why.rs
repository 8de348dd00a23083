//! `plimsoll lock why`: who refers to it.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::survey::{Asking, Survey};
use crate::cli::lint::Scope;
use crate::cli::{CLEAN, print_lines};
use crate::lock::delta::shown;
use crate::lock::select::is_selected;

/// Say which lines and rules an entry is there for
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock why python:3.12")]
pub(super) struct Arguments {
    /// An image, URL or repository, as `plimsoll lock list` shows it; * stands for anything
    key: String,
    /// Files or folders
    #[arg(long = "in", value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    scope: Scope,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let survey = Survey::of(arguments.paths, arguments.scope, Asking::Nobody, Clone::clone)?;
    let selectors = [arguments.key];
    let mut text = String::new();
    for (key, places) in survey.references.places.iter().filter(|(key, _)| is_selected(key, &selectors)) {
        let entry = survey.lock.get(key).map_or_else(|| "not in the lock".to_owned(), shown);
        text += &format!("{key}  {entry}\n");
        places.iter().for_each(|place| text += &format!("  {place}\n"));
    }
    if text.is_empty() {
        bail!("nothing here refers to {}; `plimsoll lock list` shows what the lock has", selectors[0]);
    }
    print_lines(&text)?;
    Ok(CLEAN)
}
