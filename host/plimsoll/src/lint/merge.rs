//! From verdicts to the findings that count.
//!
//! A `replace` takes away the fast findings of its rule in its scope, unless a
//! request of that rule about the same place failed: then they stand beside
//! what was learnt. What several answers say alike is said once, and with its fix.

use std::collections::{HashMap, HashSet};

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::model::Base;

use super::FileReport;
use crate::document::Meaning;
use crate::finding::{Finding, Suppression};
use crate::plugin::contract::Scope;

/// What one request came to.
pub(super) struct Verdict {
    pub(super) plugin: usize,
    pub(super) rule: u32,
    pub(super) scope: Scope,
    pub(super) outcome: Outcome,
}

/// What that means for the fast findings in its scope; of several the last counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// They stand.
    Stands,
    /// They are superseded.
    Replaced,
    /// There is no answer, or the plugin did not cope with it: they stand, whatever
    /// other answers say.
    Failed,
}

/// The outcomes for every place of a file, by plugin and rule.
pub(super) struct Outcomes<'m> {
    meaning: &'m Meaning,
    by_rule: HashMap<(usize, u32), Vec<Outcome>>,
}

impl<'m> Outcomes<'m> {
    /// Spreads verdicts over the places they cover: what stands before the first
    /// FROM, then each stage.
    pub(super) fn new(meaning: &'m Meaning, verdicts: &[Verdict]) -> Self {
        let stages = &meaning.model().stages;
        let mut by_rule: HashMap<_, Vec<Outcome>> = HashMap::new();
        for Verdict { plugin, rule, scope, outcome } in verdicts {
            let places = by_rule.entry((*plugin, *rule)).or_insert_with(|| vec![Outcome::Stands; stages.len() + 1]);
            let mut cover = |place: usize| places[place] = places[place].max(*outcome);
            match scope {
                Scope::File => (0..=stages.len()).for_each(cover),
                Scope::Stage(stage) => cover(*stage as usize + 1),
                Scope::Derived(root) => {
                    // A stage is built on an earlier one: one pass finds all.
                    let mut is_derived = vec![false; stages.len()];
                    for (index, stage) in (0..).zip(stages) {
                        let is_built_on = matches!(stage.base, Base::Stage(base) if is_derived[base as usize]);
                        if index == *root || is_built_on {
                            is_derived[index as usize] = true;
                            cover(index as usize + 1);
                        }
                    }
                }
            }
        }
        Self { meaning, by_rule }
    }

    /// Whether a fast finding is superseded.
    pub(super) fn supersede(&self, plugin: usize, rule: u32, span: Span) -> bool {
        let Some(places) = self.by_rule.get(&(plugin, rule)) else { return false };
        let stages = &self.meaning.model().stages;
        let place = stages.partition_point(|stage| self.meaning.instruction_start(stage.from) <= span.start);
        places[place] == Outcome::Replaced
    }
}

/// Drops fast findings that an answer says again and knows how to mend.
pub(super) fn give_way<'f>(fast: &mut Vec<Finding>, late: impl IntoIterator<Item = &'f Finding>) {
    let is_mended = |late: &&Finding| !late.fixes.is_empty();
    let mended: HashSet<_> = late.into_iter().filter(is_mended).map(identity).collect();
    fast.retain(|fast| !fast.fixes.is_empty() || !mended.contains(&identity(fast)));
}

fn identity(finding: &Finding) -> (u32, u32, &str, &str) {
    (finding.span.start, finding.span.end, &finding.rule, &finding.message)
}

/// All findings of some batches, by place, then rule, then message. Equal ones of
/// different batches are one; a rule that says a thing twice in one means it.
pub(super) fn join(mut batches: Vec<Vec<Finding>>) -> Vec<Finding> {
    batches.retain(|batch| !batch.is_empty());
    batches.iter_mut().for_each(|batch| sort(batch));
    let mut batches = batches.into_iter();
    let mut joined = batches.next().unwrap_or_default();
    for batch in batches {
        let mut more = Vec::new();
        let mut known = joined.iter().peekable();
        for finding in batch {
            while known.next_if(|known| key(known) < key(&finding)).is_some() {}
            // As often as both say it, it is said once.
            if known.next_if(|known| is_alike(known, &finding)).is_none() {
                more.push(finding);
            }
        }
        if !more.is_empty() {
            joined.extend(more);
            sort(&mut joined);
        }
    }
    joined
}

/// Whether two findings say the same, wherever in the lock that comes from: each platform may have a line of its own.
fn is_alike(one: &Finding, other: &Finding) -> bool {
    let Finding { rule, severity, message, url, span, related, lock: _, fixes } = one;
    let texts = (rule, message, url) == (&other.rule, &other.message, &other.url);
    texts && (severity, span, related, fixes) == (&other.severity, &other.span, &other.related, &other.fixes)
}

/// What is said of one file for two platforms to build for: what both say is said once.
pub(super) fn platforms(mut one: FileReport, other: FileReport) -> FileReport {
    let FileReport {
        findings,
        suppressed,
        problems,
        skipped,
        spared,
        woken,
        planned,
        log,
        path: _,
        is_lock: _,
        source: _,
    } = other;
    let mut findings = findings;
    // What one platform's answer knows how to mend, the other's findings need not say without.
    give_way(&mut findings, &one.findings);
    give_way(&mut one.findings, &findings);
    one.findings = join(vec![one.findings, findings]);
    one.suppressed = join_suppressed(std::mem::take(&mut one.suppressed), suppressed);
    add_new(&mut one.problems, problems);
    add_new(&mut one.skipped, skipped);
    add_new(&mut one.spared, spared);
    add_new(&mut one.woken, woken);
    add_new(&mut one.log, log);
    // Each is a request of its own; equal questions are counted as duplicates.
    one.planned.extend(planned);
    one
}

/// The same of what counts for nothing.
fn join_suppressed(
    one: Vec<(Finding, Suppression)>,
    other: Vec<(Finding, Suppression)>,
) -> Vec<(Finding, Suppression)> {
    let known: HashSet<_> = one.iter().map(|(finding, _)| identity(finding)).collect();
    let new: Vec<bool> = other.iter().map(|(finding, _)| !known.contains(&identity(finding))).collect();
    let new = other.into_iter().zip(new).filter(|(_, is_new)| *is_new).map(|(other, _)| other);
    let mut joined: Vec<_> = new.collect();
    joined.splice(0..0, one);
    joined.sort_by(|(one, _), (other, _)| key(one).cmp(&key(other)));
    joined
}

fn add_new<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    let new: Vec<T> = more.into_iter().filter(|one| !all.contains(one)).collect();
    all.extend(new);
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|one, other| key(one).cmp(&key(other)));
}

/// What findings are ordered by.
fn key(finding: &Finding) -> (u32, &str, u32, &str, Vec<(u32, u32)>) {
    let related = finding.related.iter().map(|(span, _)| (span.start, span.end)).collect();
    (finding.span.start, &finding.rule, finding.span.end, &finding.message, related)
}
