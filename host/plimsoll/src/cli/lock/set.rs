//! `plimsoll lock set`.

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::found;
use crate::cli::{CLEAN, print_lines};
use crate::lock::Policy;
use crate::lock::select::is_selected;

/// Say when entries may move
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock set pin 'docker.io/library/*'")]
pub(super) struct Arguments {
    /// pin: when you ask for it only; float: in every run that may ask
    policy: Wanted,
    /// Images, URLs, repositories; * stands for anything
    #[arg(required = true)]
    selectors: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Wanted {
    Pin,
    Float,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let policy = match arguments.policy {
        Wanted::Pin => Policy::Pin,
        Wanted::Float => Policy::Float,
    };
    let mut set = Vec::new();
    found()?.change(|lock| {
        let chosen = lock.iter().filter(|(key, _)| key.is_known() && is_selected(key, &arguments.selectors));
        set = chosen.map(|(key, entry)| (key.clone(), entry.clone().under(policy))).collect();
        set.iter().for_each(|(key, entry)| lock.set(key.clone(), entry.clone()));
    })?;
    if set.is_empty() {
        bail!("no entry is called {}; see `plimsoll lock list`", arguments.selectors.join(" or "));
    }
    print_lines(&set.iter().map(|(key, _)| format!("{}  {key}\n", policy.name())).collect::<String>())?;
    Ok(CLEAN)
}
