//! What a file of configuration extends, and where files are found.
//!
//! Input: a file, and how far those of its kind may reach. Output: the file with
//! all that it extends, the nearest first. Invariant: chains are bounded and have no
//! circles; what a tree's file extends has no more say than the file itself, and lies
//! in the tree.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::file::{FILE_NAME, File, FileOrigin, HIDDEN_FILE_NAME, parse, read};
use super::{ConfigError, Source};
use crate::limits::{EXTENDS_DEPTH_MAX, EXTENDS_MAX};

/// What a file extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extended {
    /// A file; what is relative is so to the folder of the file that says so.
    Path(PathBuf),
    /// An artifact in a registry, as the lock pins it.
    Source(Source),
}

impl FromStr for Extended {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !Source::is_meant(text) {
            return match text.is_empty() {
                true => Err("write a file to extend, such as \"../base.toml\"".to_owned()),
                false => Ok(Self::Path(text.into())),
            };
        }
        match text.parse()? {
            source @ Source::Oci(_) => Ok(Self::Source(source)),
            Source::Web(_) => Err(format!("{text:?}: what is extended is a file, or comes by oci://")),
        }
    }
}

/// How far what a file extends may lie.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'r> {
    /// Anywhere: the file is the user's own.
    Anywhere,
    /// Inside of this folder, links followed: the checkout that the file is of.
    Within(&'r Path),
    /// Where its path leads without links: the file is of a tree that is no checkout.
    Unlinked,
}

/// The texts of what is extended in registries, by source.
pub type Texts = HashMap<String, String>;

/// Finds files up the tree, looks into each folder once, and reads them with all that they extend.
#[derive(Debug, Default)]
pub struct Finder {
    known: HashMap<PathBuf, Option<PathBuf>>,
    root: Option<PathBuf>,
    /// What is found everywhere, whatever there is.
    fixed: Option<Option<PathBuf>>,
    passed_over: BTreeSet<PathBuf>,
    texts: Texts,
}

impl Finder {
    /// One that looks no further up than to this folder.
    pub fn within(root: &Path) -> Self {
        let known = root.parent().map(|above| (above.to_owned(), None)).into_iter().collect();
        Self { known, root: Some(root.to_owned()), ..Self::default() }
    }

    /// One that finds this file everywhere, or none.
    pub fn fixed(path: Option<PathBuf>) -> Self {
        Self { fixed: Some(path), ..Self::default() }
    }

    /// The path of the file nearest to a folder: in it or up the tree.
    pub fn nearest(&mut self, folder: &Path) -> Option<PathBuf> {
        if let Some(fixed) = &self.fixed {
            return fixed.clone();
        }
        if let Some(known) = self.known.get(folder) {
            return known.clone();
        }
        let [here, hidden] = [FILE_NAME, HIDDEN_FILE_NAME].map(|name| folder.join(name));
        let nearest = match (here.is_file(), hidden.is_file()) {
            (true, is_both) => {
                self.passed_over.extend(is_both.then_some(hidden));
                Some(here)
            }
            (false, true) => Some(hidden),
            (false, false) => folder.parent().and_then(|parent| self.nearest(parent)),
        };
        self.known.insert(folder.to_owned(), nearest.clone());
        nearest
    }

    /// Files that were not read, since one of the other name lies beside them.
    pub fn passed_over(&self) -> impl Iterator<Item = &Path> {
        self.passed_over.iter().map(PathBuf::as_path)
    }

    /// Has what is extended in registries at hand.
    pub fn learn(&mut self, texts: Texts) {
        self.texts = texts;
    }

    /// Reads a file of the tree, with all that it extends.
    ///
    /// # Errors
    /// As [`read_all`], and when it extends what no configuration above all files does.
    pub fn read(&self, path: &Path) -> Result<File, ConfigError> {
        let file = self.read_partly(path)?;
        match unread(&file, &self.texts).first() {
            None => Ok(file),
            Some(source) => Err(ConfigError(format!(
                "{}: extends: what registries have is extended by the configuration above all files: write {source} there",
                path.display()
            ))),
        }
    }

    /// The same without what is extended in registries and not at hand.
    ///
    /// # Errors
    /// As [`read_all`].
    pub fn read_partly(&self, path: &Path) -> Result<File, ConfigError> {
        let checkout = self.root.as_deref().or_else(|| checkout(path.parent()?));
        let mut file = read_all(path, checkout.map_or(Reach::Unlinked, Reach::Within), &self.texts)?;
        if self.fixed.is_some() {
            file.origin = FileOrigin::Named;
        }
        Ok(file)
    }
}

/// The checkout that a folder is part of.
pub fn checkout(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(".git").exists())
}

/// All registries' artifacts that a file extends, whose text is not known yet.
pub fn unread(file: &File, texts: &Texts) -> Vec<Source> {
    let extended = file.layers().flat_map(|layer| &layer.extends).filter_map(|extended| match extended {
        Extended::Source(source) if !texts.contains_key(&source.to_string()) => Some(source.clone()),
        _ => None,
    });
    extended.collect()
}

/// Reads a file with all that it extends. An artifact whose text is not known is left out.
///
/// # Errors
/// When one of them cannot be read or does not hold up, lies where it may not, or they extend one another in a circle.
pub fn read_all(path: &Path, reach: Reach, texts: &Texts) -> Result<File, ConfigError> {
    let mut file = read(path)?;
    let mut reading = Reading { reach, texts, chain: vec![place_of(path)], bases: Vec::new() };
    reading.extend(&file)?;
    let about = file.about.clone();
    file.bases = reading.bases;
    for base in &mut file.bases {
        base.about.clone_from(&about);
    }
    Ok(file)
}

/// Files that extend one another, on the way to the last of them.
struct Reading<'r> {
    reach: Reach<'r>,
    texts: &'r Texts,
    /// From the first file to the one that is being read.
    chain: Vec<String>,
    /// What was read, the nearest first.
    bases: Vec<File>,
}

impl Reading<'_> {
    fn extend(&mut self, file: &File) -> Result<(), ConfigError> {
        // Of several the last goes first.
        for (index, extended) in file.extends.iter().enumerate().rev() {
            let complain = |why: &str| {
                let index = index.to_string();
                let place = file.position(["extends", index.as_str()].into_iter());
                let place = place.map_or(String::new(), |place| format!(":{}:{}", place.line, place.column));
                ConfigError(format!("{}{place}: extends: {why}", file.path.display()))
            };
            let (key, base) = match extended {
                Extended::Path(path) => {
                    let path = self.found(file, path).map_err(|why| complain(&why))?;
                    (place_of(&path), path)
                }
                Extended::Source(source) => (source.to_string(), PathBuf::from(source.to_string())),
            };
            if let Some(start) = self.chain.iter().position(|place| *place == key) {
                let circle: Vec<&str> = self.chain[start..].iter().chain([&key]).map(String::as_str).collect();
                return Err(complain(&format!("it comes back to itself: {}", circle.join(" → "))));
            }
            if self.chain.len() > EXTENDS_DEPTH_MAX {
                return Err(complain(&format!(
                    "the chain is longer than {EXTENDS_DEPTH_MAX} files: {} → {key}",
                    self.chain.join(" → ")
                )));
            }
            if self.bases.iter().any(|known| known.path == base) {
                continue;
            }
            if self.bases.len() >= EXTENDS_MAX {
                return Err(complain(&format!("more than {EXTENDS_MAX} files are extended all in all")));
            }
            let base = match extended {
                Extended::Path(_) => read(&base).map_err(|error| complain(&error.0))?,
                Extended::Source(source) => {
                    let Some(text) = self.texts.get(&key) else { continue };
                    parse_of_registry(source, &base, text).map_err(|error| complain(&error.0))?
                }
            };
            self.bases.push(base.clone());
            self.chain.push(key);
            self.extend(&base)?;
            self.chain.pop();
        }
        Ok(())
    }

    /// Where the file is, if it may be there.
    fn found(&self, file: &File, path: &Path) -> Result<PathBuf, String> {
        let joined = file.folder.join(path);
        let real = fs::canonicalize(&joined).map_err(|error| format!("{}: {error}", joined.display()))?;
        if !real.is_file() {
            return Err(format!("{}: this is no regular file", joined.display()));
        }
        let canonical = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match self.reach {
            Reach::Anywhere => {}
            Reach::Within(root) if real.starts_with(canonical(root)) => {}
            Reach::Within(root) => {
                return Err(format!(
                    "{} lies outside of the checkout {}, and a file of it extends nothing there",
                    joined.display(),
                    root.display()
                ));
            }
            Reach::Unlinked if !path.is_absolute() && lexical(&canonical(&file.folder).join(path)) == real => {}
            Reach::Unlinked => {
                return Err(format!(
                    "{}: a file of a tree extends no absolute path, and nothing by way of a link",
                    joined.display()
                ));
            }
        }
        Ok(real)
    }
}

/// What a registry has is no file of this machine: it names none.
fn parse_of_registry(source: &Source, path: &Path, text: &str) -> Result<File, ConfigError> {
    let file = parse(path, text.to_owned())?;
    let names_path = file.extends.iter().any(|extended| matches!(extended, Extended::Path(_)));
    let names_plugin = file.plugins.values().any(|table| table.place.source().is_none() || table.key.is_some());
    let names_registries = file.registries != super::RegistriesTable::default();
    match names_path || names_plugin || names_registries {
        true => Err(ConfigError(format!("{source}: what comes from a registry may name no files of this machine"))),
        false => Ok(file),
    }
}

fn place_of(path: &Path) -> String {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The path without `.` and `..`, as it reads.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
