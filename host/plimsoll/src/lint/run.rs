//! The whole run, on one screen.

use std::collections::HashSet;
use std::ops::DerefMut;
use std::sync::{Mutex, PoisonError};

use super::draft::draft;
use super::instances::Instances;
use super::judge::judge;
use super::ledger::Ledger;
use super::work::{Work, why_not_asked};
use super::{FileReport, HostTally, Input, Job, Outcome, early, lock, merge, own, parallel};
use crate::plugin::Runner;
use crate::question::Question;
use crate::schedule::{self, Session};

/// Files that a plugin is handed one after another.
const FILES_TOGETHER: usize = 128;
/// How many batches there are at least for each thread, so that all have work to the end.
const BATCHES_OF_A_THREAD: usize = 4;

/// Lints the files of a job.
pub fn run(job: &Job) -> Outcome {
    run_all(job, 0, || Box::new(Runner::new(job.plugins.clone())))
}

/// Lints the files of a job in instances that may have served other jobs of the same plugins.
pub fn run_in(job: &Job, instances: &Instances) -> Outcome {
    run_all(job, instances.first_id(job.inputs.len() + 1), || instances.runner())
}

/// The Dockerfiles, then the lock, of which it is then known what refers to it.
fn run_all<R: DerefMut<Target = Runner>>(job: &Job, first: u64, runner: impl Fn() -> R + Sync) -> Outcome {
    let mut outcome = run_with(job, first, &runner);
    if let Some(about_lock) = lock::job(job, &outcome) {
        let mut more = run_with(&about_lock, first + job.inputs.len() as u64, &runner);
        more.files.retain(|file| !file.is_silent());
        outcome.add(more);
    }
    outcome
}

/// Documents are numbered from `first` on. A runner is made for each thread and stage of the way.
fn run_with<R: DerefMut<Target = Runner>>(job: &Job, first: u64, runner: impl Fn() -> R + Sync) -> Outcome {
    let inputs: Vec<_> = (first..).zip(&job.inputs).collect();
    let mut session = Session::new(job.resolver.clone(), job.slow_checks.terms.clone());

    // Bytes → tree → model → check → settle → plan, some files at a time.
    let together = (inputs.len() / (job.threads * BATCHES_OF_A_THREAD)).clamp(1, FILES_TOGETHER);
    let batches: Vec<_> = inputs.chunks(together).collect();
    let drafts = parallel::map(&batches, job.threads, &runner, |runner, batch| {
        let (mut files, mut rest): (Vec<Work>, &[_]) = (Vec::new(), batch);
        while !rest.is_empty() {
            let (mut drafted, count) = draft(job, runner, rest);
            rest = &rest[count..];
            drafted.iter_mut().for_each(|work| recall(job, runner, &session, work));
            files.append(&mut drafted);
        }
        files
    });
    // One for each platform to build for.
    let mut files: Vec<Work> = drafts.into_iter().flatten().collect();

    // Schedule → resolve → on-success → merge, round by round of follow-ups.
    loop {
        let asking: Vec<usize> = (0..files.len()).filter(|file| !files[*file].pending.is_empty()).collect();
        if asking.is_empty() {
            break;
        }
        let waiting: Vec<&Work> = asking.iter().map(|file| &files[*file]).collect();
        let judged = early::ask(job, &mut session, &waiting, &runner).into_iter().map(Mutex::new);
        let judgings: Vec<_> = asking.into_iter().zip(judged).collect();
        let rounds = parallel::map(&judgings, job.threads, &runner, |runner, (file, judging)| {
            let judging = std::mem::take(&mut *judging.lock().unwrap_or_else(PoisonError::into_inner));
            judging.finish(job, runner, &session, &files[*file])
        });
        for ((file, _), round) in judgings.into_iter().zip(rounds) {
            files[file].take(job, round);
            files[file].advance(job, &session);
        }
    }

    let mut works = files.into_iter().map(|work| (work.report, work.ledger));
    let mut of_input = |(_, input): &(u64, &Input)| {
        let for_all = |(one, mine), (other, its)| (merge::platforms(one, other), Ledger::join(mine, its));
        let (mut report, ledger) = works.by_ref().take(job.surroundings.len()).reduce(for_all)?;
        if let Some(ledger) = ledger {
            own::tell(job, &job.rulesets[input.ruleset], &mut report, &ledger);
        }
        Some(report)
    };
    let mut outcome = tally(job, inputs.iter().filter_map(&mut of_input).collect(), &session);
    if job.slow_checks.terms.records {
        outcome.settled = settled(job, &outcome.files, &session);
    }
    outcome
}

/// Goes on as far as earlier runs know: that needs no waiting.
fn recall(job: &Job, runner: &mut Runner, session: &Session, work: &mut Work) {
    work.advance(job, session);
    while work.is_answered(session) {
        let round = judge(job, runner, session, work);
        work.take(job, round);
        work.advance(job, session);
    }
}

/// What came of each question, and of those that were not asked why.
fn settled(job: &Job, files: &[FileReport], session: &Session) -> Vec<(Question, schedule::Outcome)> {
    let questions: HashSet<&Question> = files.iter().flat_map(|file| &file.planned).map(|(_, asked)| asked).collect();
    let outcome = |question: &Question| {
        session
            .outcome(question)
            .or_else(|| why_not_asked(job, question).map(Err))
            .map(|outcome| (question.clone(), outcome))
    };
    questions.into_iter().filter_map(outcome).collect()
}

fn tally(job: &Job, files: Vec<FileReport>, session: &Session) -> Outcome {
    let mut outcome = Outcome { files, ..Outcome::default() };
    let (tally, mut distinct) = (&mut outcome.slow_checks, HashSet::new());
    for (_, question) in outcome.files.iter().flat_map(|file| &file.planned) {
        let of_host = match question.host() {
            None => &mut HostTally::default(),
            Some(host) if outcome.hosts.contains_key(host) => outcome.hosts.get_mut(host).expect("it is there"),
            Some(host) => outcome.hosts.entry(host.to_owned()).or_default(),
        };
        tally.planned += 1;
        of_host.questions += 1;
        if !distinct.insert(question) {
            tally.deduplicated += 1;
            of_host.duplicates += 1;
        } else if job.resolver.is_held(question) {
            tally.from_lock += 1;
        } else if session.has_recalled(question) {
            tally.from_cache += 1;
            of_host.from_cache += 1;
            outcome.recalled.insert(question.clone());
        }
    }
    for (host, of_host) in &mut outcome.hosts {
        of_host.time = session.time_of(host);
    }
    tally.executed = session.executed();
    outcome.recount_skipped();
    outcome
}
