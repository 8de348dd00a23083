//! Findings that are known, so that a run fails by new ones alone.
//!
//! Input: the findings of a run. Output: a file that says them, one a line; with it, a run without them. Invariants:
//! a finding is known by its file, its rule, what it says and the text of its line, not by where that stands, so that
//! lines may move; of equal ones as many are known as the file says; the same findings give the same file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::Digest;
use crate::document::Source;
use crate::finding::{Finding, Suppression};
use crate::limits::BASELINE_BYTES_MAX;
use crate::lint::FileReport;
use crate::rewrite::{self, RewriteError};

/// Where it is written if nothing else is said.
pub const FILE_NAME: &str = "plimsoll-baseline.json";

/// The version of the format.
const VERSION: u32 = 1;

/// Digits of a hash that tell findings of one rule in one file apart.
const HASH_DIGITS: usize = 16;

/// Findings that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<Key, Known>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    /// From the baseline's folder on.
    path: String,
    rule: String,
    hash: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    count: usize,
    /// What the finding says, for people.
    message: String,
}

/// Why a baseline cannot be used.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// There is none.
    #[error("{0}: there is no baseline: `plimsoll lint --write-baseline={0}` writes one")]
    Missing(PathBuf),
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] RewriteError),
    /// A file of configuration names one elsewhere.
    #[error("{0}: a baseline that plimsoll.toml names is a file in its folder, {1}, or below")]
    Outside(PathBuf, PathBuf),
    /// It is not what is written.
    #[error("{0}:{1}: {2}: this is no baseline; mend it, or remove it and write it anew with --write-baseline")]
    Malformed(PathBuf, usize, String),
    /// A later program wrote it.
    #[error("{0}: the baseline has version {1}, and this Plimsoll knows {VERSION}: use a newer one")]
    Newer(PathBuf, u32),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    rule: String,
    hash: String,
    count: usize,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u32,
    findings: Vec<Line>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Baseline {
    /// Reads a baseline; `within` is the folder that it may not lie out of.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn read(path: &Path, within: Option<&Path>) -> Result<Self, BaselineError> {
        if let Some(folder) = within {
            ensure_within(path, folder)?;
        }
        if !path.exists() {
            return Err(BaselineError::Missing(path.to_owned()));
        }
        let bytes = rewrite::read(path, BASELINE_BYTES_MAX)?;
        Self::parse(path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, BaselineError> {
        let malformed = |error: serde_json::Error| {
            let words = error.to_string();
            // The place stands in front already.
            let words = words.rsplit_once(" at line ").map_or(words.clone(), |(words, _)| words.to_owned());
            BaselineError::Malformed(path.to_owned(), error.line(), words)
        };
        let Versioned { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(BaselineError::Newer(path.to_owned(), version));
        }
        let document: Document = serde_json::from_slice(bytes).map_err(malformed)?;
        let mut baseline = Self::default();
        for Line { path, rule, hash, count, message } in document.findings {
            let known = baseline.entries.entry(Key { path, rule, hash }).or_insert(Known { count: 0, message });
            known.count = known.count.saturating_add(count);
        }
        Ok(baseline)
    }

    /// The findings of a run, those that are known already among them. `names` says what the baseline
    /// calls the files.
    pub fn of(files: &[FileReport], names: &[String]) -> Self {
        let mut baseline = Self::default();
        for (file, name) in files.iter().zip(names) {
            let known = file.suppressed.iter().filter(|(_, why)| *why == Suppression::Baseline);
            let findings = file.findings.iter().chain(known.map(|(finding, _)| finding));
            for (key, finding) in findings.map(|finding| (key(name, file, finding), finding)) {
                let message = finding.message.clone();
                baseline.entries.entry(key).or_insert(Known { count: 0, message }).count += 1;
            }
        }
        baseline
    }

    /// Adds what another knows of files that were not linted, as far as `is_there` says that there are such files.
    pub fn keep(&mut self, other: Self, linted: &[String], is_there: impl Fn(&str) -> bool) {
        let linted: HashSet<&String> = linted.iter().collect();
        let mut known: HashMap<String, bool> = HashMap::new();
        for (key, entry) in other.entries {
            let is_kept =
                !linted.contains(&key.path) && *known.entry(key.path.clone()).or_insert_with_key(|path| is_there(path));
            if is_kept {
                self.entries.insert(key, entry);
            }
        }
    }

    /// Takes what is known out of the findings of a run. How many entries are found no more, in files
    /// where that is certain.
    pub fn hide(&self, files: &mut [FileReport], names: &[String]) -> usize {
        let mut left: HashMap<&Key, usize> = self.entries.iter().map(|(key, known)| (key, known.count)).collect();
        let mut unsure: HashSet<(&str, &str)> = HashSet::new();
        let mut certain: HashSet<&str> = HashSet::new();
        for (file, name) in files.iter_mut().zip(names) {
            for finding in std::mem::take(&mut file.findings) {
                match left.get_mut(&key(name, file, &finding)).filter(|left| **left > 0) {
                    Some(left) => {
                        *left -= 1;
                        file.suppressed.push((finding, Suppression::Baseline));
                    }
                    None => file.findings.push(finding),
                }
            }
            file.suppressed.sort_by_key(|(finding, _)| finding.span.start);
        }
        for (file, name) in files.iter().zip(names) {
            if file.problems.is_empty() {
                certain.insert(name);
            }
            unsure.extend(file.skipped.iter().map(|skipped| (name.as_str(), &*skipped.rule)));
        }
        let is_stale = |(key, left): &(&Key, usize)| {
            *left > 0 && certain.contains(key.path.as_str()) && !unsure.contains(&(key.path.as_str(), &key.rule))
        };
        left.into_iter().filter(is_stale).map(|(_, left)| left).sum()
    }

    /// How many findings it knows.
    pub fn len(&self) -> usize {
        self.entries.values().map(|known| known.count).sum()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The file's text.
    fn text(&self) -> Vec<u8> {
        let mut text = format!("{{\n\"version\": {VERSION},\n\"findings\": [").into_bytes();
        for (index, (Key { path, rule, hash }, Known { count, message })) in self.entries.iter().enumerate() {
            text.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
            let (path, rule, hash) = (path.clone(), rule.clone(), hash.clone());
            let line = Line { path, rule, hash, count: *count, message: message.clone() };
            text.extend(serde_json::to_vec(&line).expect("all keys are text"));
        }
        text.extend_from_slice(b"\n]\n}\n");
        text
    }

    /// Writes it: whole or not at all; `within` is the folder that it may not lie out of.
    ///
    /// # Errors
    /// When it cannot be written; then what was there still is.
    pub fn write(&self, path: &Path, within: Option<&Path>) -> Result<(), BaselineError> {
        if let Some(folder) = within {
            ensure_within(path, folder)?;
        }
        let trouble = |error| RewriteError::Io(path.to_owned(), error);
        if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(RewriteError::NotRegular(path.to_owned()).into());
        }
        let _held = rewrite::hold(path).map_err(trouble)?;
        rewrite::put(path, &self.text()).map_err(trouble)?;
        Ok(())
    }
}

/// What a file is called in a baseline of some folder: the way to it from there, both without links.
pub fn name(folder: &Path, file: &Path) -> String {
    let (mut from, mut to) = (folder.components().peekable(), file.components().peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let up = from.map(|_| Component::ParentDir);
    let parts = up.chain(to).map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

/// Whoever wrote `plimsoll.toml` has no say over files elsewhere.
fn ensure_within(path: &Path, folder: &Path) -> Result<(), BaselineError> {
    let own = path.parent().and_then(|own| fs::canonicalize(own).ok());
    let root = fs::canonicalize(folder).ok();
    let lies_there = own.zip(root).is_some_and(|(own, root)| own.starts_with(root));
    if !lies_there || path.is_symlink() {
        return Err(BaselineError::Outside(path.to_owned(), folder.to_owned()));
    }
    Ok(())
}

fn key(name: &str, file: &FileReport, finding: &Finding) -> Key {
    let mut text = file.source.as_deref().map_or_else(Vec::new, |source| line_of(source, finding.span.start));
    // What is in no line is still told from what is in one.
    let _ = write!(text, "\n{}", without_positions(&finding.message));
    let digest = Digest::of(&text);
    let hash = digest.digits()[..HASH_DIGITS].to_owned();
    Key { path: name.to_owned(), rule: finding.rule.to_string(), hash }
}

/// The text of the line that a place is in, without how it is indented, spaced or ended.
fn line_of(source: &Source, at: u32) -> Vec<u8> {
    let lines = source.lines();
    let line = lines.line_span(lines.line_of(at)).map_or(&[][..], |span| span.of(source.bytes()));
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_end();
    let line = line.strip_suffix(b"\\").unwrap_or(line);
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

/// A message without numbers of lines.
fn without_positions(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once("line ") {
        text.push_str(before);
        text.push_str("line ");
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    text + rest
}

#[cfg(test)]
mod tests;
