//! Findings that are known, so that a run fails by new ones alone.
//!
//! Input: the findings of a run. Output: a file that says them, one a line; with it, a run without them. Invariants:
//! a finding is known by its file, its rule, what it says and the text of its line, not by where that stands, so that
//! lines may move; of equal ones as many are known as the file says; the same findings give the same file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::Digest;
use crate::finding::{Finding, Suppression};
use crate::limits::BASELINE_BYTES_MAX;
use crate::lint::FileReport;
use crate::rewrite::{self, RewriteError};

/// Where it is written if nothing else is said.
pub const FILE_NAME: &str = "plimsoll-baseline.json";

/// The version of the format.
const VERSION: u32 = 1;
const VERSION_KEY: &[u8] = b"\"version\"";

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

/// What was linted.
pub struct Linted<'l> {
    /// What the baseline calls the files, in their order.
    pub names: &'l [String],
    /// Whether a rule looked at a file, by its place, as far as configuration has a say.
    pub ran: &'l dyn Fn(usize, &str) -> bool,
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
        if version < VERSION {
            let before = bytes.windows(VERSION_KEY.len()).position(|key| key == VERSION_KEY).unwrap_or(0);
            let line = 1 + bytes[..before].iter().filter(|byte| **byte == b'\n').count();
            return Err(BaselineError::Malformed(path.to_owned(), line, format!("there is no version {version}")));
        }
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
            for (key, finding) in findings.map(|finding| (key_of(name, file, finding), finding)) {
                let message = finding.message.clone();
                let known = baseline.entries.entry(key).or_insert(Known { count: 0, message });
                known.count = known.count.saturating_add(1);
            }
        }
        baseline
    }

    /// Adds what another knows that a run does not find and cannot take back: of files that were not linted, as far as
    /// `is_there` says that there are such files, of rules that did not run, and what comments wave through.
    pub fn keep(&mut self, other: Self, files: &[FileReport], linted: &Linted, is_there: impl Fn(&str) -> bool) {
        let looks = Looks::of(files, linted);
        let mut waved: HashMap<Key, usize> = HashMap::new();
        for (file, name) in files.iter().zip(linted.names) {
            let by_comments = file.suppressed.iter().filter(|(_, why)| *why != Suppression::Baseline);
            let keys = by_comments.flat_map(|(finding, _)| keys(name, file, finding));
            keys.for_each(|key| *waved.entry(key).or_default() += 1);
        }
        let mut known: HashMap<String, bool> = HashMap::new();
        for (key, mut entry) in other.entries {
            let found = self.entries.get(&key).map_or(0, |found| found.count);
            if !looks.have_linted(&key.path) {
                let is_there = known.entry(key.path.clone()).or_insert_with_key(|path| is_there(path));
                entry.count = if *is_there { entry.count } else { 0 };
            } else if looks.are_certain(&key) {
                entry.count = entry.count.min(found.saturating_add(waved.get(&key).copied().unwrap_or(0)));
            }
            if entry.count > found {
                self.entries.insert(key, entry);
            }
        }
    }

    /// Takes what is known out of the findings of a run. How many entries are found no more, in files and of rules
    /// where that is certain.
    pub fn hide(&self, files: &mut [FileReport], linted: &Linted) -> usize {
        let mut left: HashMap<&Key, usize> = self.entries.iter().map(|(key, known)| (key, known.count)).collect();
        for (file, name) in files.iter_mut().zip(linted.names) {
            let mut takes = |file: &FileReport, finding: &Finding| {
                let mut keys = keys(name, file, finding);
                let is_left = |key: &Key| left.get(key).is_some_and(|left| *left > 0);
                let found = keys.find(is_left).and_then(|key| left.get_mut(&key));
                found.map(|left| *left -= 1).is_some()
            };
            let waved = file.suppressed.len();
            for finding in std::mem::take(&mut file.findings) {
                match takes(file, &finding) {
                    true => file.suppressed.push((finding, Suppression::Baseline)),
                    false => file.findings.push(finding),
                }
            }
            // What comments wave through is there all the same.
            for (finding, _) in &file.suppressed[..waved] {
                takes(file, finding);
            }
            file.suppressed.sort_by_key(|(finding, _)| finding.span.start);
        }
        let looks = Looks::of(files, linted);
        let stale = left.into_iter().filter(|(key, left)| *left > 0 && looks.are_certain(key));
        stale.fold(0, |sum, (_, left)| sum.saturating_add(left))
    }

    /// How many findings it knows.
    pub fn len(&self) -> usize {
        self.entries.values().fold(0, |sum, known| sum.saturating_add(known.count))
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
        let text = self.text();
        // Whoever watches it takes what is written for a change.
        let there = fs::metadata(path).ok();
        let is_as_long = there.as_ref().is_some_and(|there| there.len() == text.len() as u64);
        if is_as_long && fs::read(path).is_ok_and(|before| before == text) {
            return Ok(());
        }
        if there.is_some_and(|there| there.permissions().readonly()) {
            return Err(RewriteError::ReadOnly(path.to_owned()).into());
        }
        let _held = rewrite::hold(path).map_err(trouble)?;
        rewrite::put(path, &text).map_err(trouble)?;
        Ok(())
    }
}

/// Who looked at the files of a run.
struct Looks<'l> {
    files: &'l [FileReport],
    linted: &'l Linted<'l>,
    /// By name, the places of the files.
    places: HashMap<&'l str, Vec<usize>>,
}

impl<'l> Looks<'l> {
    fn of(files: &'l [FileReport], linted: &'l Linted<'l>) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, name) in linted.names.iter().enumerate() {
            places.entry(name).or_default().push(place);
        }
        Self { files, linted, places }
    }

    fn have_linted(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Whether a rule would have found what there is in a file.
    fn are_certain(&self, Key { path, rule, .. }: &Key) -> bool {
        let is_certain = |place: &usize| {
            let file = &self.files[*place];
            let is_unsure = file.skipped.iter().any(|skipped| *skipped.rule == **rule);
            let is_spared = file.spared.iter().any(|spared| **spared == **rule);
            file.problems.is_empty() && !is_unsure && !is_spared && (self.linted.ran)(*place, rule)
        };
        self.places.get(path.as_str()).is_some_and(|places| places.iter().all(is_certain))
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

/// What a finding is known by, as baselines have it that are written now.
fn key_of(name: &str, file: &FileReport, finding: &Finding) -> Key {
    key(name, file, finding, &without_hint(&finding.message))
}

/// The same, then as earlier ones have it.
fn keys(name: &str, file: &FileReport, finding: &Finding) -> impl Iterator<Item = Key> {
    let earlier = finding.message.contains(HINT).then(|| key(name, file, finding, &finding.message));
    [key_of(name, file, finding)].into_iter().chain(earlier)
}

fn key(name: &str, file: &FileReport, finding: &Finding, message: &str) -> Key {
    let mut text = file
        .source
        .as_deref()
        .map_or_else(Vec::new, |source| source.words_of(source.lines().line_of(finding.span.start)));
    // What is in no line is still told from what is in one.
    let _ = write!(text, "\n{}", without_positions(message));
    let digest = Digest::of(&text);
    let hash = digest.digits()[..HASH_DIGITS].to_owned();
    Key { path: name.to_owned(), rule: finding.rule.to_string(), hash }
}

/// How a message begins to say what was perhaps meant: that depends on what else there is in the file.
const HINT: &str = " (did you mean ";

/// A message without that.
fn without_hint(message: &str) -> String {
    let parts = message.split_once(HINT).and_then(|(before, hint)| Some((before, hint.split_once("?)")?.1)));
    parts.map_or_else(|| message.to_owned(), |(before, after)| format!("{before}{after}"))
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
