//! The lock as rules see it: beside a Dockerfile, or as a document of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use plimsoll_dockerfile::Span;

use super::Source;
use crate::config::Digest;
use crate::finding::LockLine;
use crate::question::{Question, without_query};

/// What an entry is found by: its module, its function, its arguments.
pub type LockName = (String, String, Vec<String>);

/// What a lock finds a question by; none for one whose answer cannot move, or is this machine's. No query of an
/// address is in it, only its SHA-256.
pub fn locked_as(question: &Question) -> Option<LockName> {
    let name = |module: &str, function: &str, arguments: Vec<String>| {
        Some((module.to_owned(), function.to_owned(), arguments))
    };
    match question {
        Question::Image { reference, .. } | Question::Index { reference, .. } if reference.digest.is_some() => None,
        Question::Image { reference, platform } => {
            name("oci", "resolve", vec![reference.canonical(), platform.to_string()])
        }
        Question::Index { reference, .. } => name("oci", "index", vec![reference.canonical()]),
        Question::Tags { repository } => name("oci", "tags", vec![repository.canonical()]),
        Question::Referrers { reference, artifact_type } => {
            name("oci", "referrers", [reference.canonical()].into_iter().chain(artifact_type.clone()).collect())
        }
        Question::Download { url, algorithm } => {
            let address = [without_query(url.as_str()), algorithm.name()].map(str::to_owned);
            let query = url.query().map(|query| Digest::of(query.as_bytes()).as_str().to_owned());
            name("http", "digest", address.into_iter().chain(query).collect())
        }
        Question::Commit { remote, reference } => {
            name("git", "resolve", vec![remote.as_str().to_owned(), reference.clone()])
        }
        Question::Ignored { .. } | Question::Files { .. } | Question::File { .. } | Question::Text { .. } => None,
        Question::Run { .. } | Question::Check { .. } => None,
    }
}

/// What `plimsoll.lock` said when the run began.
pub struct LockView {
    path: Arc<str>,
    source: Arc<Source>,
    entries: Vec<LockEntry>,
    /// Where entries are, by what they are found by.
    places: HashMap<LockName, usize>,
    /// By reference, where an entry is that knows its index.
    indexes: HashMap<String, usize>,
    /// The lines of entries.
    spans: HashSet<(u32, u32)>,
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
        let (mut places, mut indexes) = (HashMap::new(), HashMap::new());
        for (place, entry) in entries.iter().enumerate() {
            let LockEntry { module, function, arguments, index_digest, .. } = entry;
            if let ("oci", "resolve", [reference, _], Some(_)) = (&**module, &**function, &**arguments, index_digest) {
                indexes.insert(reference.clone(), place);
            }
            places.insert((module.clone(), function.clone(), arguments.clone()), place);
        }
        let spans = entries.iter().map(|entry| (entry.span.start, entry.span.end)).collect();
        let source = Arc::new(Source::new(text.into_bytes()));
        Self { path: path.into(), source, entries, places, indexes, spans }
    }

    /// The same, where some entries turned out to be used by nothing.
    pub fn with_unused(&self, is_unused: impl Fn(&LockEntry) -> bool) -> Self {
        let mut entries = self.entries.clone();
        entries.iter_mut().for_each(|entry| entry.is_unused = is_unused(entry));
        let Self { path, source, places, indexes, spans, .. } = self;
        let (path, source, spans) = (path.clone(), source.clone(), spans.clone());
        Self { path, source, entries, places: places.clone(), indexes: indexes.clone(), spans }
    }

    /// What reports call it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All entries, sorted by module, function and arguments.
    pub fn entries(&self) -> &[LockEntry] {
        &self.entries
    }

    /// The entry of a question: of an image the one of its platform, else one whose index holds for all.
    pub fn entry(&self, question: &Question) -> Option<&LockEntry> {
        let other = || match question {
            Question::Image { reference, .. } => self.indexes.get(&reference.canonical()),
            _ => None,
        };
        let place = self.places.get(&locked_as(question)?).or_else(other)?;
        self.entries.get(*place)
    }

    /// The line of an entry; none for a place that no entry has.
    pub fn line(&self, span: Span) -> Option<LockLine> {
        let is_there = self.spans.contains(&(span.start, span.end));
        is_there.then(|| LockLine { path: self.path.clone(), line: self.source.lines().line_of(span.start) })
    }

    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }
}
