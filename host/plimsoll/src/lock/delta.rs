//! What a run learned, held against the lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::plain_text;
use super::{Answers, Entry, Key, Lock, Policy, keys};
use crate::question::{Answer, Failure, Question};

/// An entry that is new, or means something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its key.
    pub key: Key,
    /// What the lock says.
    pub old: Option<Entry>,
    /// What the world says, under the old policy if there is one.
    pub new: Entry,
}

impl Change {
    /// For people: what it meant and means, such as `sha256:1 -> sha256:2`.
    pub fn shown(&self) -> String {
        let old = self.old.as_ref().map_or_else(|| "none".to_owned(), shown);
        format!("{} {old} -> {}", self.key, shown(&self.new))
    }
}

/// What an entry says, for people: what a build would take.
pub fn shown(entry: &Entry) -> String {
    match entry.content().unwrap_or_default() {
        serde_json::Value::String(text) => plain_text(&text),
        serde_json::Value::Array(items) => format!("{} items", items.len()),
        other => other.to_string(),
    }
}

/// What answers change, sorted by key. New entries are under the policy of their key; lists that
/// change are as of `now`.
pub fn learn<'a>(
    lock: &Lock,
    answers: impl Iterator<Item = (&'a Question, &'a Answer)>,
    policy: impl Fn(&Key) -> Policy,
    now: &str,
) -> Vec<Change> {
    let mut changes = BTreeMap::new();
    for (question, answer) in answers {
        let Some(key) = keys::key(question) else { continue };
        let old = lock.get(&key);
        let policy = old.and_then(Entry::policy).unwrap_or_else(|| policy(&key));
        let Some(new) = keys::entry(question, answer, policy, now) else { continue };
        if old.is_some_and(|old| keys::mean_the_same(old, &new)) {
            continue;
        }
        // What others wrote beside it stays.
        let new = old.map_or(new.clone(), |old| new.over(old));
        changes.insert(key.clone(), Change { key, old: old.cloned(), new });
    }
    changes.into_values().collect()
}

/// Those of some questions that have an answer.
pub fn answers<'a>(
    settled: impl Iterator<Item = (&'a Question, &'a Result<Arc<Answer>, Failure>)>,
) -> impl Iterator<Item = (&'a Question, &'a Answer)> {
    settled.filter_map(|(question, outcome)| Some((question, &**outcome.as_ref().ok()?)))
}

/// Answers as answers about the content that they name.
pub fn of_content<'a>(answers: impl Iterator<Item = (&'a Question, &'a Answer)>) -> Answers {
    let mut known = Answers::default();
    for (question, answer) in answers {
        let entry = keys::entry(question, answer, Policy::Float, "");
        let content = entry.and_then(|entry| keys::instead(question, &entry));
        known.add(content.as_ref().unwrap_or(question), answer);
    }
    known
}

/// Puts changes into a lock that may have changed meanwhile: what another process pinned stays.
pub fn write(lock: &mut Lock, changes: &[Change]) {
    for Change { key, old, new } in changes {
        let is_pinned_since =
            lock.get(key).is_some_and(|entry| Some(entry) != old.as_ref() && entry.policy() == Some(Policy::Pin));
        if !is_pinned_since {
            lock.set(key.clone(), new.clone());
        }
    }
}
