//! What a run learned of what can move: written to the lock where the user wants
//! that, else said.

use std::collections::{BTreeSet, HashSet};

use super::setting::Setting;
use crate::cli::complain;
use crate::lint::{Job, Outcome, meanings};
use crate::lock::uses::{Use, uses};
use crate::lock::{Key, Lock, Mode, delta, keys, select};
use crate::resolve::Resolve;

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
    let answers = || delta::answers(outcome.settled.iter().map(|(question, outcome)| (question, outcome)));
    let news = answers().filter(|(question, _)| !resolver.is_held(question));
    let changes = delta::learn(&setting.locked.lock, news, |key| select::policy(config, key), now);
    let wants_to_write = config.write && config.mode != Mode::Strict;
    let writes = writes(setting);
    if writes && !changes.is_empty() {
        setting.lock.change(|lock| delta::write(lock, &changes))?;
    }
    if writes && config.answers {
        setting.lock.keep_answers(delta::of_content(answers()), |_| true)?;
    }
    if is_quiet {
        return Ok(());
    }
    if wants_to_write && !writes && !changes.is_empty() {
        complain("note: write = true does not count: the lock of what was only fetched stays as it is");
    }
    let place = setting.lock.path().display();
    let told = if writes { BTreeSet::new() } else { told(setting, outcome) };
    let how = if setting.is_fetched { "in a checkout, " } else { "" };
    for change in changes.iter().filter(|change| change.old.is_some()) {
        let moved = change.shown();
        match writes {
            true => complain(&format!("note: {place}: {moved}")),
            false if told.contains(&change.key) => {}
            false => complain(&format!("note: {moved} has moved; {how}`plimsoll lock update` takes it over")),
        }
    }
    let new = changes.iter().filter(|change| change.old.is_none()).count();
    if writes && new > 0 {
        complain(&format!("note: {place}: new entries: {new}"));
    }
    Ok(())
}

/// Whether what is learnt is written.
pub(super) fn writes(setting: &Setting) -> bool {
    let config = &setting.config.lock;
    config.write && config.mode != Mode::Strict && !setting.is_fetched
}

/// Takes out findings that say no more than that entries have to be taken anew, where this run does that.
pub(super) fn forget_what_is_renewed(setting: &Setting, outcome: &mut Outcome) {
    if writes(setting) {
        outcome.files.iter_mut().for_each(|file| file.findings.retain(|finding| !finding.asks_to_renew()));
    }
}

/// What findings have told of.
fn told(setting: &Setting, outcome: &Outcome) -> BTreeSet<Key> {
    let findings = outcome.files.iter().filter(|file| !file.is_lock).flat_map(|file| &file.findings);
    let findings = findings.filter(|finding| finding.asks_to_renew());
    let lines: HashSet<usize> = findings.filter_map(|finding| Some(finding.lock.as_ref()?.line as usize)).collect();
    if lines.is_empty() {
        return BTreeSet::new();
    }
    let all = Lock::lines(&setting.locked.text);
    all.into_iter().filter(|(_, line)| lines.contains(line)).map(|(key, _)| key).collect()
}

/// What strict locks lack of what the files themselves refer to, whether or not a rule asks.
pub(super) fn unlocked(setting: &Setting, job: &Job, outcome: &Outcome) -> Vec<String> {
    if setting.config.lock.mode != Mode::Strict {
        return Vec::new();
    }
    let mut missing = Vec::new();
    for file in &outcome.files {
        for (document, meaning) in meanings(file, &job.surroundings) {
            for Use { question, line, what, .. } in uses(&document, &meaning) {
                let Some(key) = keys::key(&question).filter(|_| !job.resolver.is_held(&question)) else {
                    continue;
                };
                if setting.locked.lock.get(&key).is_none() {
                    let place = setting.lock.path().display();
                    missing.push(format!("{}:{line} {what}: {place} has no entry {key}", file.path));
                }
            }
        }
    }
    missing
}
