//! What a run learned of what can move: written to the lock where the user wants
//! that, else said.

use std::fs::{self, Metadata};
use std::sync::Arc;

use super::setting::Setting;
use crate::cli::complain;
use crate::document::{Document, Meaning, Surroundings};
use crate::limits::SOURCE_BYTES_MAX;
use crate::lint::{Input, Job, Outcome, Source};
use crate::lock::delta::{self, Change};
use crate::lock::uses::{Use, uses};
use crate::lock::{Answers, Lock, Mode, Policy, keys, select};
use crate::question::Question;
use crate::resolve::Resolve;
use crate::schedule;

/// Writes it or says it.
///
/// # Errors
/// When the lock cannot be written.
pub(super) fn settle(
    setting: &Setting,
    resolver: &dyn Resolve,
    outcome: &Outcome,
    now: &str,
    is_quiet: bool,
) -> anyhow::Result<()> {
    let config = &setting.config.lock;
    let asked = outcome.settled.iter().filter(|(question, _)| !is_held(resolver, question));
    let answers = asked.filter_map(|(question, outcome)| Some((question, &**outcome.as_ref().ok()?)));
    let changes = delta::learn(&setting.locked.lock, answers, |key| select::policy(config, key), now);
    let writes = config.write && config.mode != Mode::Strict;
    if writes && !changes.is_empty() {
        setting.lock.change(|lock| write(lock, &changes))?;
    }
    if writes && config.answers {
        setting
            .lock
            .keep_answers(known(outcome.settled.iter().map(|(question, outcome)| (question, outcome))), |_| true)?;
    }
    if is_quiet {
        return Ok(());
    }
    let place = setting.lock.path().display();
    for change in changes.iter().filter(|change| change.old.is_some()) {
        let moved = change.shown();
        match writes {
            true => complain(&format!("note: {place}: {moved}")),
            false => complain(&format!("note: {moved} has moved; `plimsoll lock update` takes it over")),
        }
    }
    let new = changes.iter().filter(|change| change.old.is_none()).count();
    if writes && new > 0 {
        complain(&format!("note: {place}: new entries: {new}"));
    }
    Ok(())
}

/// What strict locks lack of what the files themselves refer to, whether or not a rule asks.
pub(super) fn unlocked(setting: &Setting, job: &Job) -> Vec<String> {
    if setting.config.lock.mode != Mode::Strict {
        return Vec::new();
    }
    let mut missing = Vec::new();
    for input in &job.inputs {
        for (document, meaning) in meanings(input, &job.surroundings) {
            for Use { question, line, what, .. } in uses(&document, &meaning) {
                let Some(key) = keys::key(&question).filter(|_| !is_held(&*job.resolver, &question)) else { continue };
                if setting.locked.lock.get(&key).is_none() {
                    let place = setting.lock.path().display();
                    missing.push(format!("{}:{line} {what}: {place} has no entry {key}", input.shown));
                }
            }
        }
    }
    missing
}

/// What a file means for each of these builds; nothing for one that cannot be read.
pub(in crate::cli) fn meanings(input: &Input, surroundings: &[Surroundings]) -> Vec<(Arc<Document>, Meaning)> {
    let source = match &input.source {
        Source::Path(path) => {
            let is_file = |metadata: &Metadata| metadata.is_file() && metadata.len() <= SOURCE_BYTES_MAX;
            fs::metadata(path).ok().filter(is_file).and_then(|_| fs::read(path).ok())
        }
        Source::Bytes(bytes) => Some(bytes.clone()),
        Source::Broken(_) => None,
    };
    let Some(source) = source else { return Vec::new() };
    let document = Arc::new(Document::new(0, input.shown.clone(), source));
    let meaning = |build: &Surroundings| (document.clone(), Meaning::new(document.clone(), build, &[]));
    surroundings.iter().map(meaning).collect()
}

/// Whether the lock said what a question means: then its answer is no news.
pub(in crate::cli) fn is_held(resolver: &dyn Resolve, question: &Question) -> bool {
    resolver.known(question).is_some() || resolver.instead(question).is_some()
}

/// The answers of a run as answers about the content that they name.
pub(in crate::cli) fn known<'a>(settled: impl Iterator<Item = (&'a Question, &'a schedule::Outcome)>) -> Answers {
    let mut answers = Answers::default();
    for (question, outcome) in settled {
        let Ok(answer) = outcome else { continue };
        let entry = keys::entry(question, answer, Policy::Float, "");
        let content = entry.and_then(|entry| keys::instead(question, &entry));
        answers.add(content.as_ref().unwrap_or(question), answer);
    }
    answers
}

/// Puts changes into a lock that may have changed meanwhile: what another process pinned stays.
pub(in crate::cli) fn write(lock: &mut Lock, changes: &[Change]) {
    for Change { key, old, new } in changes {
        let is_pinned_since =
            lock.get(key).is_some_and(|entry| Some(entry) != old.as_ref() && entry.policy() == Some(Policy::Pin));
        if !is_pinned_since {
            lock.set(key.clone(), new.clone());
        }
    }
}
