//! The lock as rules see it: beside a Dockerfile, or as a document of its own.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_dockerfile::{Platform, Reference, Span};

use super::Source;
use crate::finding::LockLine;

/// What `plimsoll.lock` said when the run began.
pub struct LockView {
    path: Arc<str>,
    source: Arc<Source>,
    entries: Vec<LockEntry>,
    /// By reference, where the entries of its images are.
    images: HashMap<String, Vec<usize>>,
}

/// One of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEntry {
    /// Its line.
    pub span: Span,
    /// What it is about, such as `oci`.
    pub module: String,
    /// What is said of that, such as `resolve`.
    pub function: String,
    /// What it is said of.
    pub arguments: Vec<String>,
    /// What it means: text as it is, everything else as JSON.
    pub value: String,
    /// Digest of the index that an image was chosen from, if any.
    pub index_digest: Option<String>,
    /// Whether it moves only when the user asks for that.
    pub is_pinned: bool,
    /// Whether nothing refers to it, in a run that saw all that could.
    pub is_unused: bool,
}

impl LockView {
    /// A lock that reports call by this path, with its text.
    pub fn new(path: &str, text: String, entries: Vec<LockEntry>) -> Self {
        let mut images: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            if let ("oci", "resolve", [reference, _]) = (&*entry.module, &*entry.function, &*entry.arguments) {
                images.entry(reference.clone()).or_default().push(place);
            }
        }
        Self { path: path.into(), source: Arc::new(Source::new(text.into_bytes())), entries, images }
    }

    /// The same, where some entries turned out to be used by nothing.
    pub fn with_unused(&self, is_unused: impl Fn(&LockEntry) -> bool) -> Self {
        let mut entries = self.entries.clone();
        entries.iter_mut().for_each(|entry| entry.is_unused = is_unused(entry));
        Self { path: self.path.clone(), source: self.source.clone(), entries, images: self.images.clone() }
    }

    /// What reports call it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All entries, sorted by module, function and arguments.
    pub fn entries(&self) -> &[LockEntry] {
        &self.entries
    }

    /// The entry of an image's name: the one of this platform, else one whose index holds for all.
    pub fn image(&self, reference: &str, platform: &str) -> Option<&LockEntry> {
        let mut reference = Reference::parse(reference).ok()?;
        reference.digest = None;
        let entries =
            self.images.get(&reference.with_default_tag().canonical())?.iter().map(|place| &self.entries[*place]);
        let platform = Platform::parse(platform).ok()?.to_string();
        let of_platform = entries.clone().find(|entry| entry.arguments[1] == platform);
        of_platform.or_else(|| entries.clone().find(|entry| entry.index_digest.is_some()))
    }

    /// The line of an entry; none for a place that no entry has.
    pub fn line(&self, span: Span) -> Option<LockLine> {
        let is_there = self.entries.iter().any(|entry| entry.span == span);
        is_there.then(|| LockLine { path: self.path.clone(), line: self.source.lines().line_of(span.start) })
    }

    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }
}
