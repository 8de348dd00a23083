//! `plimsoll completions`.

use clap::{Args, ValueEnum};
use clap_complete::{Generator, Shell, generate};

use super::{CLEAN, command, print};

/// Write what a shell needs to complete commands and flags
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll completions bash > ~/.local/share/bash-completion/completions/plimsoll
  plimsoll completions zsh > ~/.zfunc/_plimsoll          with fpath+=~/.zfunc before compinit in ~/.zshrc
  plimsoll completions fish > ~/.config/fish/completions/plimsoll.fish
  plimsoll completions powershell >> $PROFILE")]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Of,
}

/// The shells that completions are written for.
#[derive(Clone, Copy, ValueEnum)]
enum Of {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    print(&match arguments.shell {
        Of::Bash => script(Shell::Bash)?,
        Of::Zsh => script(Shell::Zsh)?,
        Of::Fish => script(Shell::Fish)?,
        Of::Powershell => script(Shell::PowerShell)?,
    })?;
    Ok(CLEAN)
}

fn script(generator: impl Generator) -> anyhow::Result<String> {
    let mut script = Vec::new();
    generate(generator, &mut command(), "plimsoll", &mut script);
    Ok(String::from_utf8(script)?)
}
