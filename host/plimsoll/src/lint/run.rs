//! The whole run, on one screen.

use std::collections::HashSet;
use std::time::Duration;

use super::draft::{Work, draft, note, settle};
use super::judge::{judge, skipped};
use super::merge::{Outcomes, Verdict, tidy};
use super::{FileReport, Job, Outcome, Tally, parallel};
use crate::finding::Finding;
use crate::plugin::Runner;
use crate::question::{Failure, Question, SkipReason};
use crate::schedule::Session;

/// Lints the files of a job.
pub fn run(job: &Job) -> Outcome {
    let runner = || Runner::new(job.plugins.clone());
    let inputs: Vec<_> = (0..).zip(&job.inputs).collect();

    // Bytes → tree → model → check → settle → plan, file by file.
    let drafted = parallel::map(&inputs, job.threads, runner, |runner, (id, input)| draft(job, runner, *id, input));
    let mut files: Vec<_> =
        drafted.into_iter().map(|work| Under { work, verdicts: Vec::new(), late: Vec::new() }).collect();

    // Schedule → resolve → on-success, round by round of follow-ups.
    let mut session = Session::new(job.resolver.clone(), job.slow_checks.timeout);
    let mut tally = Tally::default();
    let mut distinct = HashSet::new();
    loop {
        for file in &mut files {
            file.count(job, &mut tally, &mut distinct);
            file.skip_what_is_not_asked(job);
        }
        let asking: Vec<usize> = (0..files.len()).filter(|file| !files[*file].work.pending.is_empty()).collect();
        if asking.is_empty() {
            break;
        }
        session.ask(asking.iter().flat_map(|file| &files[*file].work.pending).map(|pending| {
            let budget = pending.request.budget_ms.map(|budget| Duration::from_millis(budget.into()));
            (&pending.request.question, budget)
        }));
        let rounds = parallel::map(&asking, job.threads, runner, |runner, file| {
            judge(job, runner, &session, &files[*file].work)
        });
        for (file, round) in asking.into_iter().zip(rounds) {
            files[file].take(job, round);
        }
    }
    tally.deduplicated = tally.planned - distinct.len();
    tally.executed = session.executed();

    // Merge.
    let files: Vec<FileReport> = files.into_iter().map(|file| file.finish(job)).collect();
    for skipped in files.iter().flat_map(|file| &file.skipped) {
        *tally.skipped.entry(skipped.reason).or_default() += 1;
    }
    Outcome { files, slow_checks: tally }
}

/// A file while questions are asked.
struct Under {
    work: Work,
    verdicts: Vec<Verdict>,
    /// Findings of `on-success`.
    late: Vec<Finding>,
}

impl Under {
    fn count(&mut self, job: &Job, tally: &mut Tally, distinct: &mut HashSet<Question>) {
        for pending in &self.work.pending {
            tally.planned += 1;
            distinct.insert(pending.request.question.clone());
            let rule = job.plugins[pending.plugin].names[pending.request.rule as usize].clone();
            self.work.report.planned.push((rule, pending.request.question.clone()));
        }
    }

    /// Leaves nothing pending where the world is not to be asked.
    fn skip_what_is_not_asked(&mut self, job: &Job) {
        let failure = if !job.slow_checks.ask {
            Failure { reason: SkipReason::Disabled, detail: "slow checks are off".to_owned() }
        } else if job.slow_checks.fail_fast && self.work.has_error() {
            Failure { reason: SkipReason::FailFast, detail: "the file has errors already".to_owned() }
        } else {
            return;
        };
        for pending in std::mem::take(&mut self.work.pending) {
            self.work.report.skipped.push(skipped(job, &pending, &failure));
        }
    }

    fn take(&mut self, job: &Job, round: super::judge::Round) {
        let Some(content) = &mut self.work.content else { return };
        for pending in &round.pending {
            content.planned[pending.plugin] += 1;
        }
        self.work.pending = round.pending;
        self.work.report.skipped.extend(round.skipped);
        self.verdicts.extend(round.verdicts);
        self.late.extend(round.findings);
        for (plugin, failures, log) in round.said {
            note(&mut self.work.report, &job.plugins[plugin], failures, log);
        }
    }

    fn finish(self, job: &Job) -> FileReport {
        let Work { mut report, content, fast, .. } = self.work;
        let Some(content) = content else { return report };
        let outcomes = Outcomes::new(&content.meaning, &self.verdicts);
        let standing =
            fast.into_iter().filter(|(plugin, rule, finding)| !outcomes.supersede(*plugin, *rule, finding.span));
        let standing = standing.map(|(_, _, finding)| finding);
        report.findings.extend(standing);
        let ruleset = &job.rulesets[content.ruleset];
        let late = self.late.into_iter().filter_map(|finding| settle(ruleset, &content.suppressions, finding));
        report.findings.extend(late);
        tidy(&mut report.findings);
        report
    }
}
