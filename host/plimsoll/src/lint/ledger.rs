//! What became of the comments of a file.
//!
//! Input: the findings that comments wave through. Output: for each rule that one names whether it
//! was needed, and whether the run can tell.

use std::collections::HashSet;
use std::sync::Arc;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::model::Stage;

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
    /// With a target, the stages that it needs: nobody looks at what else there is.
    built: Option<Vec<Span>>,
}

impl Ledger {
    /// Nothing yet.
    pub(super) fn of(job: &Job, content: &Content) -> Self {
        let mut ledger = Self {
            entries: Entries::default(),
            used: HashSet::new(),
            ran: HashSet::new(),
            unasked: content.unasked.clone(),
            built: None,
        };
        // Most files name no rule.
        if !content.suppressions.entries.all.is_empty() {
            let configured = job.rulesets[content.ruleset].settings.iter().zip(&content.narrowed).zip(&*job.plugins);
            let ran = configured.flat_map(|((configured, narrowed), plugin)| {
                let settings = narrowed.as_ref().unwrap_or(configured);
                settings.enabled.iter().filter_map(|rule| plugin.names.get(*rule as usize)).cloned()
            });
            ledger.ran.extend(ran);
            ledger.built = built(job, content);
        }
        ledger
    }

    /// Notes that a finding is waved through.
    pub(super) fn note(&mut self, suppressions: &Suppressions, finding: &Finding) {
        self.used.extend(suppressions.entries.covering(finding));
    }

    /// Whether all that an entry is about was looked at.
    pub(super) fn has_seen(&self, entry: usize) -> bool {
        let Some(built) = &self.built else { return true };
        let place = self.entries.reach(entry);
        place.is_some_and(|place| built.iter().any(|stage| stage.start <= place.start && place.end <= stage.end))
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
        if let (Some(built), Some(others)) = (&mut one.built, other.built) {
            built.retain(|stage| others.contains(stage));
        }
        Some(one)
    }
}

/// The stages that a target needs, each up to the next.
fn built(job: &Job, content: &Content) -> Option<Vec<Span>> {
    job.surroundings[content.surroundings].target.as_ref().filter(|target| !target.is_empty())?;
    let (stages, instructions) = (&content.meaning.model().stages, &content.document.tree().instructions);
    let start = |stage: &Stage| instructions[stage.from as usize].span.start;
    let ends = stages.iter().skip(1).map(start).chain([u32::MAX]);
    let needed = stages.iter().zip(ends).filter(|(stage, _)| stage.reachable && !stage.replaced);
    Some(needed.map(|(stage, end)| Span::new(start(stage), end)).collect())
}
