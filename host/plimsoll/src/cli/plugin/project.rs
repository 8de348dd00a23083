//! A plugin that is written in another language than Rust, as it lies in its folder.
//!
//! Input: the folder. Output: what it is called and which rules it has, and what
//! goes into its build folder, `target/plimsoll`. Invariants: nothing else of the
//! author's is written to; what was built of the same files is not built again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::language::Language;
use super::sources::sources;
use crate::limits::{PAGE_BYTES_MAX, RULES_MAX};
use crate::plugin::check_name;

/// Where everything is put that is made, from the plugin's folder on.
pub(super) const MADE: &str = "target";
/// What the tools are given, which each build writes anew.
const GIVEN: &str = "target/plimsoll";
/// What the tool makes.
pub(super) const COMPONENT: &str = "target/plimsoll/plugin.wasm";
/// Of which files it was made.
const STAMP: &str = "target/plimsoll/stamp";
/// Says to backups, and to us, that all of a folder can be made again.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n";

/// A plugin in a folder.
pub(super) struct Project {
    /// What it is written in.
    pub(super) language: Language,
    /// Where it is.
    pub(super) folder: PathBuf,
    /// What it is called.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// Its rules, by name.
    pub(super) rules: Vec<Rule>,
    /// The text of its world.
    pub(super) world: String,
}

/// A rule's files.
pub(super) struct Rule {
    /// What the rule is called.
    pub(super) name: String,
    /// Its file, in `rules`.
    pub(super) file: String,
    /// The text of that.
    pub(super) code: String,
    /// The text of its page.
    pub(super) page: String,
}

/// What a manifest says, as far as it matters here.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
}

/// Python's, which has it in a table.
#[derive(Deserialize)]
struct Python {
    project: Manifest,
}

impl Project {
    /// Reads what a folder holds.
    pub(super) fn read(folder: &Path, language: Language) -> anyhow::Result<Self> {
        let path = folder.join(language.manifest());
        let shown = path.display();
        let text = fs::read_to_string(&path).with_context(|| format!("{shown}"))?;
        let manifest = match language {
            Language::Js => serde_json::from_str(&text).map_err(anyhow::Error::from),
            Language::Python => toml::from_str(&text).map(|Python { project }| project).map_err(anyhow::Error::from),
            Language::C | Language::Rust => toml::from_str(&text).map_err(anyhow::Error::from),
        };
        let Manifest { name, version } = manifest.map_err(|error| anyhow!("{shown}: {error}"))?;
        check_name(&name).map_err(|message| anyhow!("{shown}: {message}"))?;
        let world = folder.join("wit/world.wit");
        let world =
            fs::read_to_string(&world).with_context(|| format!("{}: a plugin has its world there", world.display()))?;
        let rules = rules(&folder.join("rules"), language)?;
        check_slow(&rules, language, &world)?;
        let folder = folder.canonicalize().with_context(|| format!("{}", folder.display()))?;
        Ok(Self { language, folder, name, version, rules, world })
    }

    /// Whether rules can ask the world outside.
    pub(super) fn is_slow(&self) -> bool {
        is_slow(&self.world)
    }

    /// The name of the world, without its package.
    pub(super) fn world_name(&self) -> anyhow::Result<&str> {
        let name = self.world.lines().find_map(|line| line.trim().strip_prefix("world "));
        let name = name.map(|name| name.trim_end_matches('{').trim()).filter(|name| !name.is_empty());
        name.context("wit/world.wit: it has no world: write `world pack {`")
    }

    /// Puts down what the tools are given, unless what they made of it is there.
    /// Output: whether they have something to do.
    pub(super) fn prepare(&self, given: &[(String, Vec<u8>)]) -> anyhow::Result<bool> {
        let stamp = self.stamp(given)?;
        let is_there = fs::read_to_string(self.folder.join(STAMP)).is_ok_and(|there| there == stamp);
        if is_there && self.folder.join(COMPONENT).is_file() {
            return Ok(false);
        }
        let folder = self.folder.join(GIVEN);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
        }
        write(&self.folder.join(MADE).join("CACHEDIR.TAG"), TAG.as_bytes())?;
        for (path, bytes) in given {
            write(&folder.join(path), bytes)?;
        }
        Ok(true)
    }

    /// Notes that the component is made of what is given.
    pub(super) fn finish(&self, given: &[(String, Vec<u8>)]) -> anyhow::Result<()> {
        write(&self.folder.join(STAMP), self.stamp(given)?.as_bytes())
    }

    /// A digest of all that a component is made of, the program's version included.
    fn stamp(&self, given: &[(String, Vec<u8>)]) -> anyhow::Result<String> {
        let mut digest = Sha256::new();
        let mut add = |name: &[u8], bytes: &[u8]| {
            for part in [name, bytes] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        };
        add(env!("CARGO_PKG_VERSION").as_bytes(), self.language.shown().as_bytes());
        given.iter().for_each(|(path, bytes)| add(path.as_bytes(), bytes));
        for path in sources(&self.folder)?.into_keys() {
            let name = path.strip_prefix(&self.folder).unwrap_or(&path);
            add(name.as_os_str().as_encoded_bytes(), &fs::read(&path).unwrap_or_default());
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The rules in a folder, each with its page.
fn rules(folder: &Path, language: Language) -> anyhow::Result<Vec<Rule>> {
    let (extension, joint) = (language.extension(), language.joint());
    let entries =
        fs::read_dir(folder).with_context(|| format!("{}: a plugin has its rules there", folder.display()))?;
    let mut rules = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = file.strip_suffix(extension).and_then(|stem| stem.strip_suffix('.')) else { continue };
        if !stem.split(joint).all(is_word) {
            bail!(
                "rules/{file}: a rule's file is called by words of a-z and 0-9 that begin with a letter, with {joint} \
                 between them, such as no{joint}root.{extension}: give it such a name"
            );
        }
        let name = stem.replace(joint, "-");
        let page = folder.join(format!("{name}.md"));
        ensure!(page.is_file(), "rules/{file}: a rule has its page beside it: write rules/{name}.md");
        let read = |path: &Path| -> anyhow::Result<String> {
            let shown = path.display();
            let length = fs::metadata(path).with_context(|| format!("{shown}"))?.len();
            ensure!(length <= PAGE_BYTES_MAX, "{shown} has {length} bytes; {PAGE_BYTES_MAX} are allowed");
            fs::read_to_string(path).with_context(|| format!("{shown}"))
        };
        rules.push(Rule { code: read(&path)?, page: read(&page)?, name, file });
    }
    ensure!(!rules.is_empty(), "{}: there is no rule: write one, such as no{joint}root.{extension}", folder.display());
    ensure!(rules.len() <= RULES_MAX, "{}: {} rules; {RULES_MAX} are allowed", folder.display(), rules.len());
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(rules)
}

/// Whether it is a word of a rule's name.
fn is_word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// A rule that plans questions would never be asked for them without the export.
fn check_slow(rules: &[Rule], language: Language, world: &str) -> anyhow::Result<()> {
    let plans = match language {
        Language::Js => "export function plan(",
        Language::Python => "\ndef plan(",
        Language::C | Language::Rust => ".plan = ",
    };
    match rules.iter().find(|rule| rule.code.contains(plans)).filter(|_| !is_slow(world)) {
        Some(Rule { file, .. }) => bail!(
            "rules/{file} plans questions: wit/world.wit needs `export plimsoll:rules/slow@{};`",
            crate::plugin::contract::VERSION
        ),
        None => Ok(()),
    }
}

fn is_slow(world: &str) -> bool {
    world.lines().any(|line| line.trim_start().starts_with("export plimsoll:rules/slow@"))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    parent.and_then(|()| fs::write(path, bytes)).with_context(|| format!("{}", path.display()))
}
