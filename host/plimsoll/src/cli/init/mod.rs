//! `plimsoll init`: a commented `plimsoll.toml` for what is here.
//!
//! Input: the working folder, or the configuration of another linter. Output: the
//! file, never in place of one that is there unless asked, and what to do next.

mod found;
mod hadolint;
mod yaml;

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::{Args, ValueEnum};

use self::found::Found;
use self::hadolint::{Converted, FILE_NAMES, convert, toml_text};
use self::yaml::Fault;
use super::{CLEAN, complain, print_lines};
use crate::config::{FILE_NAME, HIDDEN_FILE_NAME};
use crate::limits::CONFIG_BYTES_MAX;
use crate::private;

/// Write a commented plimsoll.toml for what is here
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll init                             for the Dockerfiles and .hadolint.yaml of this folder
  plimsoll init --from hadolint             from .hadolint.yaml, which must be there
  plimsoll init --from hadolint ci/hadolint.yaml --force")]
pub(super) struct Arguments {
    /// Take over the configuration of another linter
    #[arg(long, value_enum, value_name = "LINTER")]
    from: Option<From>,
    /// Its file, if not where it usually is
    #[arg(requires = "from")]
    file: Option<PathBuf>,
    /// Write the file in place of the one that is there
    #[arg(long)]
    force: bool,
}

/// Linters whose configuration is understood.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    Hadolint,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let here = Path::new(".");
    let there = [FILE_NAME, HIDDEN_FILE_NAME].into_iter().find(|name| here.join(name).symlink_metadata().is_ok());
    if let Some(name) = there.filter(|_| !arguments.force) {
        bail!("{name} is there already: change it by hand, or use --force to have it written anew");
    }
    let from = match (arguments.from, &arguments.file) {
        (Some(From::Hadolint), Some(file)) => Some(file.clone()),
        (of, None) => {
            let usual = FILE_NAMES.map(PathBuf::from).into_iter().find(|path| path.is_file());
            ensure!(
                of.is_none() || usual.is_some(),
                "there is no {} here: name the file, `plimsoll init --from hadolint FILE`",
                FILE_NAMES[0]
            );
            usual
        }
        (None, Some(_)) => unreachable!("the command line asks for --from"),
    };
    let converted = match from.as_deref().map(|path| Ok((path, read(path)?))).transpose() {
        Ok(converted) => converted,
        // Nobody asked for it.
        Err(error) if arguments.from.is_none() => {
            complain(&format!(
                "note: nothing is taken over: {error:#}; mend it, then `plimsoll init --force --from hadolint`"
            ));
            None
        }
        Err(error) => return Err(error),
    };
    let found = Found::in_folder(here);
    let name = there.unwrap_or(FILE_NAME);
    write(&here.join(name), &text(&found, converted.as_ref()), arguments.force)?;
    print_lines(&said(name, &found, converted.as_ref()))?;
    Ok(CLEAN)
}

fn read(path: &Path) -> anyhow::Result<Converted> {
    let shown = path.display();
    let mut text = String::new();
    // Opening something else, such as a pipe, may wait for ever.
    let metadata = fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?;
    ensure!(metadata.is_file(), "{shown} is no file");
    let file = fs::File::open(path).with_context(|| format!("{shown} cannot be read"))?;
    file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text).with_context(|| format!("{shown} cannot be read"))?;
    ensure!(text.len() as u64 <= CONFIG_BYTES_MAX, "{shown}: larger than {CONFIG_BYTES_MAX} bytes");
    let converted = yaml::parse(&text).and_then(|(value, lines)| convert(&value, &lines));
    converted.map_err(|Fault { line, why }| {
        let line = line.map_or(String::new(), |line| format!(":{line}"));
        anyhow!("{shown}{line}: {}", one_line(&why))
    })
}

/// Writes the file: whole or not at all, and through no link.
fn write(path: &Path, text: &str, in_place: bool) -> anyhow::Result<()> {
    let new = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
    let complain = || format!("{} cannot be written", path.file_name().unwrap_or_default().display());
    if !in_place {
        return new(path).and_then(|mut file| file.write_all(text.as_bytes())).with_context(complain);
    }
    private::exchange(path, new, |file| file.write_all(text.as_bytes())).with_context(complain)
}

fn text(found: &Found, converted: Option<&(&Path, Converted)>) -> String {
    let mut text = String::from(
        "# How plimsoll lints what is below this folder.\n\
         # All there is to say: `plimsoll config schema`; what counts, and who said it: `plimsoll lint --show-settings`.\n",
    );
    for line in found.lines() {
        text += &format!("# Found: {}\n", one_line(&line));
    }
    if let Some((path, Converted { left, .. })) = converted {
        text += &format!("# Taken over from {}", one_line(&path.display().to_string()));
        text += if left.is_empty() { ", all of it.\n" } else { "; what has no counterpart:\n" };
        for line in left {
            text += &format!("#   {}\n", one_line(line));
        }
    }
    text += "\n[lint]\n# The rules that run: names, patterns such as \"buildkit/*\", or \"recommended\", \"strict\", \"all\".\n\
             select = [\"recommended\"]\n# Those of them that do not.\n# ignore = [\"buildkit/StageNameCasing\"]\n\
             # Files that are not linted, by patterns as in .gitignore.\n# exclude = [\"third-party/\"]\n\
             # From which severity on findings fail the run: error, warning, info, style, none.\n";
    match converted.map(|(_, converted)| converted.lint.as_str()).filter(|lint| !lint.is_empty()) {
        Some(lint) => text += lint,
        None => text += "fail-level = \"warning\"\n",
    }
    text += "\n# Rules that do not run on some files.\n# [lint.per-file-ignores]\n# \"legacy/**\" = [\"buildkit/*\"]\n\
             \n[slow-checks]\n# Whether rules may ask registries, web and git servers: auto (not in CI), on, off.\nmode = \"auto\"\n";
    if let Some((_, Converted { output, .. })) = converted.filter(|(_, converted)| !converted.output.is_empty()) {
        text += &format!("\n[output]\n{output}");
    }
    let rules = converted.map_or("", |(_, converted)| converted.rules.as_str());
    text += rules;
    if !found.registries.is_empty() && !rules.contains("sources/foreign-registry\".options") {
        let registries: Vec<String> = found.registries.iter().map(|registry| toml_text(registry)).collect();
        text += &format!(
            "\n# Finds images from anywhere else than where they come from now.\n\
             # [rules.\"sources/foreign-registry\".options]\n# allow = [{}]\n",
            registries.join(", ")
        );
    }
    text
}

/// A text of strangers, on one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn said(name: &str, found: &Found, converted: Option<&(&Path, Converted)>) -> String {
    let mut text = format!("wrote {name}\n");
    for line in found.lines() {
        text += &format!("found {}\n", one_line(&line));
    }
    if let Some((path, Converted { left, .. })) = converted {
        let path = one_line(&path.display().to_string());
        text += &match left.len() {
            0 => format!("took over all of {path}\n"),
            1 => format!("took over {path}, but for one setting, which has no counterpart:\n"),
            count => format!("took over {path}, but for {count} settings, which have no counterpart:\n"),
        };
        for line in left {
            text += &format!("  {}\n", one_line(line));
        }
    }
    text += "\nnext:\n  plimsoll lint                  what there is to find\n  \
             plimsoll lint --show-settings  what counts, and who said it\n";
    if found.dockerfiles > 0 {
        text += "  plimsoll lock                  write down what tags and URLs mean, for CI to find the same\n";
    }
    text
}
