//! From the fixes that findings carry to the bytes of the file as it should be.
//!
//! Input: a job and what it came to. Output: [`Fixed`], one for each file that something was done about, linted
//! again. Invariant: no byte changes but those that edits name; of fixes that overlap the first counts, and the
//! others have their turn in the next round, if they are still wanted; no file has more wrong with it than before.

mod edits;
mod round;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_dockerfile::LineIndex;

use crate::document;
use crate::finding::{Finding, Fix};
use crate::limits::FIX_ROUNDS_MAX;
use crate::lint::{FileReport, Input, Instances, Job, Outcome, Source, run_in};
pub use edits::edited;
use round::{Refusals, Round};

/// Which fixes are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Whether those too after which the built image may be another one.
    pub is_unsafe: bool,
    /// Whether those too that take an entry of the lock anew, which the run then writes.
    pub renews: bool,
}

impl Wanted {
    /// The fix of a finding that is applied: the best that is wanted and changes the file.
    fn of<'f>(&self, finding: &'f Finding) -> Option<&'f Fix> {
        finding
            .fixes
            .iter()
            .find(|fix| (fix.is_safe || self.is_unsafe) && (!fix.renews_entry || self.renews) && !fix.edits.is_empty())
    }
}

/// A file that something was done about.
pub struct Fixed {
    /// Its place in [`Job::inputs`] and [`Outcome::files`].
    pub index: usize,
    /// What it was.
    pub before: Arc<document::Source>,
    /// What it should be; the same where all was refused.
    pub after: Vec<u8>,
    /// How many findings were mended, by rule.
    pub applied: BTreeMap<Arc<str>, usize>,
    /// Fixes that were not applied, since more would be wrong with the file after them.
    pub refused: Vec<Refused>,
    /// Whether the last round left something to do that could have been done.
    pub is_restless: bool,
    /// Whether fixes were left untried, since so many break the file.
    pub is_spent: bool,
    /// What is found in it now.
    pub report: FileReport,
}

/// A fix that would break the file.
pub struct Refused {
    /// Whose it is.
    pub rule: Arc<str>,
    /// What it does.
    pub message: String,
    /// The line of the finding in the file as it should be, from 1.
    pub line: u32,
}

/// What fixing came to.
#[derive(Default)]
pub struct Fixes {
    /// The files that something was done about, in the order of the job.
    pub files: Vec<Fixed>,
    /// How the questions fared that were asked on the way; without files.
    pub asked: Outcome,
}

/// How many findings there are fixes for: such that are safe, and others.
pub fn fixable(outcome: &Outcome) -> (usize, usize) {
    let findings = || outcome.files.iter().flat_map(|file| &file.findings);
    let count = |is_unsafe| {
        let wanted = Wanted { is_unsafe, renews: false };
        findings().filter(|finding| wanted.of(finding).is_some()).count()
    };
    let safe = count(false);
    (safe, count(true) - safe)
}

/// Applies fixes, and lints again what they changed, until nothing is left to do.
pub fn fix(job: &Job, outcome: &Outcome, wanted: Wanted) -> Fixes {
    let mut fixes = Fixes::default();
    let mut under_way: Vec<UnderWay> = Vec::new();
    for (index, report) in outcome.files.iter().enumerate().take(job.inputs.len()) {
        let Some(before) = report.source.as_ref().filter(|_| report.findings.iter().any(|f| wanted.of(f).is_some()))
        else {
            continue;
        };
        under_way.push(UnderWay {
            refusals: Refusals::default(),
            fixed: Fixed {
                index,
                before: before.clone(),
                after: before.bytes().to_vec(),
                applied: BTreeMap::new(),
                refused: Vec::new(),
                is_restless: true,
                is_spent: false,
                report: FileReport { findings: report.findings.clone(), ..FileReport::default() },
            },
        });
    }
    let instances = Instances::new(job.plugins.clone());
    for _ in 0..FIX_ROUNDS_MAX {
        let mut changed: Vec<&mut UnderWay> = Vec::new();
        for file in under_way.iter_mut().filter(|file| file.fixed.is_restless) {
            match file.round(job, wanted) {
                true => changed.push(file),
                false => file.fixed.is_restless = false,
            }
        }
        if changed.is_empty() {
            break;
        }
        let again = changed.iter().map(|file| {
            let source = Source::Bytes(file.fixed.after.clone());
            Input { source, ..job.inputs[file.fixed.index].clone() }
        });
        let reports = fixes.asked.count(run_in(&job.over(again.collect()), &instances));
        for (file, report) in changed.into_iter().zip(reports) {
            file.fixed.report = report;
        }
    }
    for UnderWay { mut fixed, refusals } in under_way {
        let left = || fixed.report.findings.iter().filter_map(|finding| Some((finding, wanted.of(finding)?)));
        let is_refused = |(finding, fix): &(&Finding, &Fix)| refusals.has(&fixed.after, finding, fix);
        fixed.is_spent = refusals.is_spent();
        fixed.is_restless &= !fixed.is_spent && !left().all(|fix| is_refused(&fix));
        let lines = LineIndex::new(&fixed.after);
        let refused = left().filter(is_refused).map(|(finding, fix)| Refused {
            rule: finding.rule.clone(),
            message: fix.message.clone(),
            line: lines.position(finding.span.start).line,
        });
        fixed.refused = refused.collect();
        fixes.files.push(fixed);
    }
    fixes
}

/// A file while it is fixed.
struct UnderWay {
    fixed: Fixed,
    refusals: Refusals,
}

impl UnderWay {
    /// Applies what can be applied at once. Whether something was.
    fn round(&mut self, job: &Job, wanted: Wanted) -> bool {
        let Fixed { after, applied, report, index, .. } = &mut self.fixed;
        let path = &job.inputs[*index].shown;
        let Some(round) = Round::of(job, path, after, &report.findings, wanted, &mut self.refusals) else {
            return false;
        };
        for finding in round.applied {
            *applied.entry(finding.rule.clone()).or_default() += 1;
        }
        *after = round.after;
        true
    }
}
