//! `plimsoll plugin new`.
//!
//! Input: a name and the capabilities asked for. Output: a folder that builds
//! wherever it stands, with the SDK and the contract inside, and one rule whose
//! page holds. Invariant: nothing that was there before is touched.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::super::{CLEAN, print};
use super::language::Language;
use super::template::{files, is_of_sdk, rule_file, rule_for};
use crate::limits::PLUGIN_NAME_BYTES_MAX;
use crate::plugin::check_name;
use crate::plugin::contract::CAPABILITIES;

/// Names that no package can have, as Cargo or Rust mean something else by them.
const RESERVED: &str = "\
    abstract alloc as async await become box break const continue core crate do dyn else enum extern false \
    final fn for gen if impl in let loop macro match mod move mut override priv proc-macro pub ref return self static std struct super test trait true try type typeof unsafe \
    unsized use virtual where while yield";

/// Write the folder of a new plugin
///
/// It holds one rule with its page, and all of ours that it is built with. Shell scripts in the Dockerfile
/// may be read without a capability: they are part of the file.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin new acme
  plimsoll plugin new acme --capability registry --path policies/acme
  plimsoll plugin new acme --lang js")]
pub(super) struct Arguments {
    /// The name of its package, and so the prefix of its rules
    name: String,
    /// What its rules are written in
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE", default_value_t)]
    language: Language,
    /// What its rules may ask of the world outside; may be repeated
    #[arg(long = "capability", value_name = "NAME", value_parser = PossibleValuesParser::new(CAPABILITIES))]
    capabilities: Vec<String>,
    /// Folder to write [default: the name]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let Arguments { name, language, capabilities, path } = arguments;
    check(name, *language).map_err(|message| anyhow!(message))?;
    let folder = path.clone().unwrap_or_else(|| name.into());
    let shown = folder.display();
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
    }
    match fs::create_dir(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} is there already, and stays as it is: name another folder with --path")
        }
        Err(error) => return Err(error).context(format!("{shown}")),
    }
    for (file, text) in files(name, *language, capabilities) {
        write(&folder.join(file), &text)?;
    }
    let (rule, quoted) = (rule_for(capabilities), quoted(&folder));
    let (code, page) = (rule_file(*language, rule), if language.joint() == '-' { "" } else { rule });
    print(&format!(
        "{shown} holds a plugin with the rule {name}/{rule}, in {code} and {page}.md.\n\n  cd {quoted}\n  \
         plimsoll plugin test\n\nIts README.md says what comes next.\n"
    ))?;
    Ok(CLEAN)
}

/// Whether a package, and a plugin, can have this name.
fn check(name: &str, language: Language) -> Result<(), String> {
    let is_fine = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if name.len() > PLUGIN_NAME_BYTES_MAX || !name.split('-').all(is_fine) {
        return Err(format!(
            "{name:?} is no name of a plugin: words of a-z and 0-9 that begin with a letter, with - between them, \
             {PLUGIN_NAME_BYTES_MAX} characters at most, such as acme-policy"
        ));
    }
    if language != Language::Rust {
        return check_name(name);
    }
    if is_of_sdk(name) {
        return Err(format!(
            "{name} is a crate that plugins are built with: name the plugin otherwise, such as {name}-rules"
        ));
    }
    if RESERVED.split(' ').any(|reserved| reserved == name) {
        return Err(format!(
            "{name} means something to Rust or Cargo: name the plugin otherwise, such as {name}-rules"
        ));
    }
    check_name(name)
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|c| c.is_alphanumeric() || "/\\:._-".contains(c)) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    parent.and_then(|()| fs::write(path, text)).with_context(|| format!("{}", path.display()))
}
