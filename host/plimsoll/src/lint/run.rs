//! The whole run, on one screen.

use std::collections::HashSet;
use std::time::Duration;

use super::draft::draft;
use super::judge::judge;
use super::{FileReport, Job, Outcome, Tally, parallel};
use crate::plugin::Runner;
use crate::schedule::Session;

/// Lints the files of a job.
pub fn run(job: &Job) -> Outcome {
    let runner = || Runner::new(job.plugins.clone());
    let inputs: Vec<_> = (0..).zip(&job.inputs).collect();

    // Bytes → tree → model → check → settle → plan, file by file.
    let mut files = parallel::map(&inputs, job.threads, runner, |runner, (id, input)| {
        let mut work = draft(job, runner, *id, input);
        work.advance(job);
        work
    });

    // Schedule → resolve → on-success → merge, round by round of follow-ups.
    let mut session = Session::new(job.resolver.clone(), job.slow_checks.timeout);
    loop {
        let asking: Vec<usize> = (0..files.len()).filter(|file| !files[*file].pending.is_empty()).collect();
        if asking.is_empty() {
            break;
        }
        session.ask(asking.iter().flat_map(|file| &files[*file].pending).map(|pending| {
            let budget = pending.request.budget_ms.map(|budget| Duration::from_millis(budget.into()));
            (&pending.request.question, budget)
        }));
        let rounds =
            parallel::map(&asking, job.threads, runner, |runner, file| judge(job, runner, &session, &files[*file]));
        for (file, round) in asking.into_iter().zip(rounds) {
            files[file].take(job, round);
            files[file].advance(job);
        }
    }

    let files: Vec<FileReport> = files.into_iter().map(|work| work.report).collect();
    Outcome { slow_checks: tally(&files, session.executed()), files }
}

fn tally(files: &[FileReport], executed: usize) -> Tally {
    let planned = || files.iter().flat_map(|file| &file.planned).map(|(_, question)| question);
    let distinct: HashSet<_> = planned().collect();
    let mut tally = Tally { planned: planned().count(), executed, ..Tally::default() };
    tally.deduplicated = tally.planned - distinct.len();
    for skipped in files.iter().flat_map(|file| &file.skipped) {
        *tally.skipped.entry(skipped.reason).or_default() += 1;
    }
    tally
}
