//! Notes on slow checks: one line for each reason that occurred, with what to
//! do about it. They go to standard error.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::counted;
use crate::config::show_duration;
use crate::finding::Skipped;
use crate::limits::NOTE_NAMES_MAX;
use crate::lint::{Outcome, SLOW_CHECKS_OFF};
use crate::question::SkipReason;

/// What the notes refer to.
pub struct Circumstances {
    /// Whose continuous integration this is, if slow checks are off for that.
    pub ci: Option<String>,
    /// The budget of slow checks.
    pub timeout: Duration,
    /// Whether a recording answers.
    pub is_replay: bool,
}

/// The notes, one a line, without the word "note".
pub fn notes(outcome: &Outcome, circumstances: &Circumstances) -> Vec<String> {
    by_reason(outcome, circumstances).into_iter().map(|(_, note)| note).collect()
}

/// The same, each with its reason.
pub(super) fn by_reason(outcome: &Outcome, circumstances: &Circumstances) -> Vec<(SkipReason, String)> {
    let mut by_reason: BTreeMap<SkipReason, Vec<&Skipped>> = BTreeMap::new();
    for skipped in outcome.files.iter().flat_map(|file| &file.skipped) {
        by_reason.entry(skipped.reason).or_default().push(skipped);
    }
    let note = |reason, skipped: &[&Skipped]| note(reason, skipped, circumstances) + &until_then(outcome, reason);
    by_reason.into_iter().map(|(reason, skipped)| (reason, note(reason, &skipped))).collect()
}

/// Which rules have findings that an answer might have superseded.
fn until_then(outcome: &Outcome, reason: SkipReason) -> String {
    let mut rules: BTreeSet<&str> = BTreeSet::new();
    for file in &outcome.files {
        let asked = file.skipped.iter().filter(|skipped| skipped.reason == reason);
        let guessed = asked.filter(|skipped| file.findings.iter().any(|finding| finding.rule == skipped.rule));
        rules.extend(guessed.map(|skipped| &*skipped.rule));
    }
    if rules.is_empty() {
        return String::new();
    }
    format!("; without answers, findings of {} are guesses", rules.iter().copied().collect::<Vec<_>>().join(", "))
}

fn note(reason: SkipReason, skipped: &[&Skipped], circumstances: &Circumstances) -> String {
    let checks = counted(skipped.len(), "slow check");
    let hosts = || named(skipped.iter().map(|skipped| whom(skipped)));
    let details = || named(skipped.iter().map(|skipped| skipped.detail.as_str()));
    match reason {
        SkipReason::Disabled => format!("{checks} skipped ({})", why_disabled(skipped, circumstances)),
        SkipReason::FailFast => {
            format!(
                "{checks} skipped (the file has errors already; mend them, or set fail-fast = false under [slow-checks])"
            )
        }
        SkipReason::Timeout => {
            let budget = show_duration(circumstances.timeout);
            // Other budgets than the session's are named where they were overrun.
            let session = format!("see whether it answers, or raise --slow-checks-timeout, now {budget}");
            let others =
                named(skipped.iter().filter_map(|skipped| skipped.detail.split_once(", ")).map(|(_, why)| why));
            match others.is_empty() {
                true => format!("{checks} timed out ({}; {session})", hosts()),
                false => format!("{checks} timed out ({}; {session}; for some, {others} was over)", hosts()),
            }
        }
        SkipReason::Auth => format!("{checks} skipped for want of credentials ({})", details()),
        SkipReason::NotFound if skipped.iter().all(|skipped| skipped.resolver == "registry") => {
            format!("{checks} skipped: there is no such image ({}; check name and tag)", details())
        }
        SkipReason::NotFound if skipped.iter().all(|skipped| skipped.resolver == "console") => {
            format!("{checks} skipped ({}; install it, or say with --slow-checks-tool where it is)", details())
        }
        SkipReason::NotFound => format!("{checks} skipped: there is no such thing ({}; check the name)", details()),
        SkipReason::Network => {
            format!("{checks} skipped: the network failed ({}; try again, or use --slow-checks=off)", details())
        }
        SkipReason::ResolverError => {
            format!("{checks} skipped: the answer cannot be used ({})", details())
        }
        SkipReason::Lock => format!("{checks} failed by the lock ({})", details()),
        SkipReason::Denied => format!("{checks} denied ({})", details()),
        SkipReason::Offline if circumstances.is_replay => {
            format!("{checks} skipped (the recording does not know what {} would say; make it anew)", hosts())
        }
        SkipReason::Offline => format!("{checks} skipped (offline; {} would be asked)", hosts()),
    }
}

fn why_disabled(skipped: &[&Skipped], circumstances: &Circumstances) -> String {
    let (by_mode, by_pool): (Vec<&Skipped>, Vec<&Skipped>) =
        skipped.iter().copied().partition(|skipped| skipped.detail == SLOW_CHECKS_OFF);
    let mut why = Vec::new();
    if !by_mode.is_empty() {
        let hosts = named(by_mode.iter().map(|skipped| whom(skipped)));
        let what = match &circumstances.ci {
            Some(ci) => format!("CI detected: {ci}"),
            None => SLOW_CHECKS_OFF.to_owned(),
        };
        why.push(format!("{what}; use --slow-checks=on to ask {hosts}"));
    }
    if !by_pool.is_empty() {
        why.push(named(by_pool.iter().map(|skipped| skipped.detail.as_str())));
    }
    why.join("; ")
}

/// Who would have answered.
fn whom(skipped: &Skipped) -> &str {
    match (&skipped.host, skipped.resolver) {
        (Some(host), _) => host,
        (None, "console") => "a tool of this machine",
        (None, _) => "the build context",
    }
}

fn named<'s>(names: impl Iterator<Item = &'s str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    let mut text = names.iter().take(NOTE_NAMES_MAX).copied().collect::<Vec<_>>().join("; ");
    if names.len() > NOTE_NAMES_MAX {
        text.push_str(&format!("; and {} more", names.len() - NOTE_NAMES_MAX));
    }
    text
}
