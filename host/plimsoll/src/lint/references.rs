//! What files refer to that a lock can know: themselves, and through what rules ask.
//!
//! Input: the reports of a run. Output: keys of the lock, each with who refers to it,
//! and which of its entries nobody does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::FileReport;
use crate::document::{Document, Meaning, Surroundings};
use crate::finding::ProblemKind;
use crate::lock::select::repository;
use crate::lock::uses::{LegacyPin, has_unknown_images, legacy_pins, uses};
use crate::lock::{Key, Lock, Policy, keys};
use crate::plugin::{Plugin, check_name};
use crate::question::Question;

/// A place that refers to something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as reports show it.
    pub file: String,
    /// The line, from 1; none for a rule's question.
    pub line: Option<u32>,
    /// The instruction, or the rule that asks.
    pub what: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line} {}", self.file, self.what),
            None => write!(f, "{} {}", self.file, self.what),
        }
    }
}

/// All references of some files.
#[derive(Default)]
pub struct References {
    /// By key, who refers to it.
    pub places: BTreeMap<Key, BTreeSet<Place>>,
    /// The questions behind the keys.
    pub questions: HashMap<Question, Key>,
    /// By key, when it may move as a comment in a file has it.
    pub wishes: BTreeMap<Key, Policy>,
    /// Comments that say nothing of the kind, each with its place.
    pub odd_wishes: Vec<(Place, String)>,
    /// Digests in files, with the file.
    pub legacy: Vec<(String, LegacyPin)>,
    /// Keys whose names stand in variables somewhere.
    variable: BTreeSet<Key>,
    /// Modules of which a build with other arguments may need any entry.
    open: BTreeSet<String>,
    /// Whether a file could not be read.
    pub has_unread: bool,
    /// Whether one has errors, and may refer to more once it has none.
    has_broken: bool,
    /// Whether all that can be asked is known: no question of a rule went unanswered.
    is_whole: bool,
}

impl References {
    /// Those of files that were linted for these builds.
    pub fn of(files: &[FileReport], surroundings: &[Surroundings]) -> Self {
        let is_whole = files.iter().all(|file| file.skipped.is_empty());
        let mut references = Self { is_whole, ..Self::default() };
        for file in files.iter().filter(|file| !file.is_lock) {
            for (rule, question) in &file.planned {
                references.note(question, Place { file: file.path.clone(), line: None, what: rule.to_string() });
            }
            references.has_unread |= file.problems.iter().any(|problem| problem.kind.is_not_checked());
            references.has_broken |= file.problems.iter().any(|problem| problem.kind == ProblemKind::Syntax);
            for (document, meaning) in meanings(file, surroundings) {
                references.gather(file, &document, &meaning);
            }
        }
        references
    }

    fn gather(&mut self, file: &FileReport, document: &Document, meaning: &Meaning) {
        for used in uses(document, meaning) {
            let place = Place { file: file.path.clone(), line: Some(used.line), what: used.what.to_owned() };
            if used.is_variable {
                self.variable.extend(keys::key(&used.question));
            }
            if used.may_be_any {
                self.open.extend(keys::key(&used.question).map(|key| key.module));
            }
            match (used.wish, keys::key(&used.question)) {
                // Of several a pin counts.
                (Some(Ok(policy)), Some(key)) => {
                    self.wishes.entry(key).and_modify(|known| *known = policy.min(*known)).or_insert(policy);
                }
                (Some(Err(name)), _) => self.odd_wishes.push((place.clone(), name)),
                _ => {}
            }
            self.note(&used.question, place);
        }
        if has_unknown_images(meaning) {
            self.open.insert("oci".to_owned());
        }
        let pins = legacy_pins(document, meaning).into_iter().map(|pin| (file.path.clone(), pin));
        self.legacy.extend(pins);
    }

    fn note(&mut self, question: &Question, place: Place) {
        if let Some(key) = keys::key(question) {
            self.places.entry(key.clone()).or_default().insert(place);
            self.questions.insert(question.clone(), key);
        }
    }

    /// Entries that nothing refers to, of kinds that this program knows, if these are all files that could. Spared is
    /// what another run may need: other platforms of what is referred to, other values of what stands in a variable, and
    /// where plugins of others ask, other tags that answers may lead them to.
    pub fn unused(&self, lock: &Lock, plugins: &[Plugin]) -> BTreeSet<Key> {
        if self.has_unread || self.has_broken {
            return BTreeSet::new();
        }
        let first = |key: &Key| (key.module.clone(), key.arguments().into_iter().next());
        let mut named: BTreeSet<_> = self.places.keys().map(first).collect();
        named.extend(self.legacy.iter().filter_map(|(_, pin)| keys::key(&pin.unpinned())).map(|key| first(&key)));
        let leads_on = |plugin: &Plugin| check_name(&plugin.name).is_ok() && plugin.capabilities.contains(&"registry");
        let spared: BTreeSet<String> = match !self.is_whole && plugins.iter().any(leads_on) {
            true => self.places.keys().filter_map(repository).collect(),
            false => self.variable.iter().filter_map(repository).collect(),
        };
        // What is asked about a digest follows from an answer that may be missing here.
        let referred: BTreeSet<String> = self.places.keys().filter_map(repository).collect();
        let follows = |key: &Key| !self.is_whole && key.arguments().first().is_some_and(|name| name.contains('@'));
        let is_spared = |key: &Key| {
            let is_of = |names: &BTreeSet<String>| repository(key).is_some_and(|name| names.contains(&name));
            self.open.contains(&key.module) || is_of(&spared) || follows(key) && is_of(&referred)
        };
        let is_unused = |key: &&Key| key.is_of_files() && !named.contains(&first(key)) && !is_spared(key);
        lock.iter().map(|(key, _)| key).filter(is_unused).cloned().collect()
    }
}

/// What a file that was linted means for each of these builds; nothing for one that could not be read.
pub fn meanings(file: &FileReport, surroundings: &[Surroundings]) -> Vec<(Arc<Document>, Meaning)> {
    let Some(source) = file.source.as_ref().filter(|_| !file.is_lock) else { return Vec::new() };
    let document = Arc::new(Document::new(0, file.path.clone(), source.bytes().to_vec()));
    let meaning = |build: &Surroundings| (document.clone(), Meaning::new(document.clone(), build, &[]));
    surroundings.iter().map(meaning).collect()
}
