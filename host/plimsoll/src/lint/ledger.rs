//! What became of the comments of a file.
//!
//! Input: the findings that comments wave through. Output: for each rule that one names whether it
//! was needed, and whether the run can tell.

use std::collections::HashSet;
use std::sync::Arc;

use super::Job;
use super::suppress::{Entries, Suppressions};
use super::work::Content;
use crate::finding::Finding;

/// Comments, and what came of them.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) entries: Entries,
    /// Those that waved something through, by index.
    pub(super) used: HashSet<usize>,
    /// Rules that looked at the file.
    pub(super) ran: HashSet<Arc<str>>,
    /// Rules whose questions nobody asked.
    pub(super) unasked: HashSet<Arc<str>>,
}

impl Ledger {
    /// Nothing yet.
    pub(super) fn of(job: &Job, content: &Content) -> Self {
        let mut ledger = Self {
            entries: Entries::default(),
            used: HashSet::new(),
            ran: HashSet::new(),
            unasked: content.unasked.clone(),
        };
        // Most files name no rule.
        if !content.suppressions.entries.all.is_empty() {
            let configured = job.rulesets[content.ruleset].settings.iter().zip(&content.narrowed).zip(&*job.plugins);
            let ran = configured.flat_map(|((configured, narrowed), plugin)| {
                let settings = narrowed.as_ref().unwrap_or(configured);
                settings.enabled.iter().filter_map(|rule| plugin.names.get(*rule as usize)).cloned()
            });
            ledger.ran.extend(ran);
        }
        ledger
    }

    /// Notes that a finding is waved through.
    pub(super) fn note(&mut self, suppressions: &Suppressions, finding: &Finding) {
        self.used.extend(suppressions.entries.covering(finding));
    }

    /// The same with the comments; nothing where there are none.
    pub(super) fn with(self, entries: Entries) -> Option<Self> {
        (!entries.told.is_empty()).then(|| Self { entries, ..self })
    }

    /// What is known of one file for two platforms to build for.
    pub(super) fn join(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (mut one, other) = match (one, other) {
            (Some(one), Some(other)) => (one, other),
            (one, other) => return one.or(other),
        };
        one.used.extend(other.used);
        one.unasked.extend(other.unasked);
        one.ran.retain(|rule| other.ran.contains(rule));
        Some(one)
    }
}
