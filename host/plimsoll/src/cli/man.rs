//! `plimsoll man`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_mangen::Man;

use super::{CLEAN, command, examples, print};

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
    let (has_commands, examples) = (command.has_subcommands(), examples(&command));
    let source = format!("plimsoll {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).title(name.to_uppercase()).source(source).manual("Plimsoll");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    let mut page = String::from_utf8(page)?;
    page.push_str(".SH EXAMPLES\n.nf\n");
    let examples = examples.strip_prefix("Examples:\n").unwrap_or(&examples);
    // No line of these begins with a dot or a quote, which would be a request.
    examples.lines().for_each(|line| page.push_str(&format!("\\&{}\n", line.replace('\\', "\\e").replace('-', "\\-"))));
    page.push_str(".fi\n");
    Ok(page)
}
