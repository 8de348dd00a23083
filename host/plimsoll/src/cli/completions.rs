//! `plimsoll completions`.

use clap::{Arg, Args, Command, ValueEnum};
use clap_complete::{Generator, Shell, generate};

use super::{CLEAN, command, print};
use crate::config::{Format, LockMode};

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

/// What flags take whose values are read by functions that accept more than these. None of this is a check.
fn values(flag: &str) -> Vec<&'static str> {
    match flag {
        "format" => Format::ALL.map(Format::name).to_vec(),
        "lock" => LockMode::ALL.map(LockMode::name).to_vec(),
        "fail-level" => vec!["error", "warning", "info", "style", "none"],
        "slow-checks" => vec!["auto", "on", "off"],
        "slow-checks-console" => vec!["on", "off"],
        _ => Vec::new(),
    }
}

/// The command with values that shells can offer.
fn offering(command: Command) -> Command {
    let with_values = |argument: Arg| {
        let values = argument.get_long().map(values).unwrap_or_default();
        let is_free = argument.get_possible_values().is_empty() && argument.get_action().takes_values();
        if values.is_empty() || !is_free { argument } else { argument.value_parser(values) }
    };
    command.mut_args(with_values).mut_subcommands(offering)
}

fn script(generator: impl Generator) -> anyhow::Result<String> {
    let mut script = Vec::new();
    generate(generator, &mut offering(command()), "plimsoll", &mut script);
    Ok(String::from_utf8(script)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_taken() {
        for flag in ["format", "lock", "fail-level", "slow-checks", "slow-checks-console"] {
            assert!(values(flag).len() > 1, "{flag}");
            for value in values(flag) {
                let words = ["plimsoll".to_owned(), "lint".to_owned(), format!("--{flag}={value}")];
                command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{flag}: {error}"));
            }
        }
    }
}
