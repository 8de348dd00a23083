//! `plimsoll man`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_mangen::Man;

use super::{CLEAN, command, print};

/// Write the manual pages
///
/// Without a folder the page of the program goes to standard output. With one, a page for
/// each command goes there too; files of the same names are written over.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll man | man -l -                  read it
  plimsoll man ~/.local/share/man/man1     have `man plimsoll-lint` find it")]
pub(super) struct Arguments {
    /// The folder, which is made where there is none
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &arguments.folder else {
        print(&page(command)?)?;
        return Ok(CLEAN);
    };
    fs::create_dir_all(folder).with_context(|| format!("{}: the folder cannot be made", folder.display()))?;
    let written = write(command, folder)?;
    print(&format!("{}: {written} pages\n", folder.display()))?;
    Ok(CLEAN)
}

/// Writes the page of a command and those of its own commands; says how many.
fn write(command: Command, folder: &Path) -> anyhow::Result<usize> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut written = 1;
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        written += write(inner.clone(), folder)?;
    }
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page(command)?).with_context(|| format!("{}: the page cannot be written", path.display()))?;
    Ok(written)
}

fn page(command: Command) -> anyhow::Result<String> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut page = Vec::new();
    Man::new(command).title(name).render(&mut page)?;
    Ok(String::from_utf8(page)?)
}
