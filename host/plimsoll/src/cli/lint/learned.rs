//! What a run learned of what can move: written to the lock where the user wants
//! that, else said.

use super::setting::Setting;
use crate::cli::complain;
use crate::lint::Outcome;
use crate::lock::delta::{self, Change};
use crate::lock::{Answers, Lock, Mode, Policy, keys, select};
use crate::question::Question;
use crate::schedule;

/// Writes it or says it.
///
/// # Errors
/// When the lock cannot be written.
pub(super) fn settle(setting: &Setting, outcome: &Outcome, now: &str, is_quiet: bool) -> anyhow::Result<()> {
    let config = &setting.config.lock;
    let answers = outcome.settled.iter().filter_map(|(question, outcome)| Some((question, &**outcome.as_ref().ok()?)));
    let changes = delta::learn(&setting.locked.lock, answers, |key| select::policy(config, key), now);
    let writes = config.write && config.mode != Mode::Strict;
    if writes && !changes.is_empty() {
        setting.lock.change(|lock| write(lock, &changes))?;
    }
    if writes && config.answers {
        setting
            .lock
            .keep_answers(known(outcome.settled.iter().map(|(question, outcome)| (question, outcome))), false)?;
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
        let policy = lock.get(key).filter(|entry| Some(*entry) != old.as_ref()).and_then(|entry| entry.policy());
        lock.set(key.clone(), policy.map_or_else(|| new.clone(), |policy| new.clone().under(policy)));
    }
}
