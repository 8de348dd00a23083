//! Notes on slow checks: one line for each reason that occurred, with what to
//! do about it. They go to standard error.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::counted;
use crate::config::show_duration;
use crate::finding::Skipped;
use crate::lint::Outcome;
use crate::question::SkipReason;

/// Hosts or details that one note names at most.
const NAMED_MAX: usize = 3;

/// What the notes refer to.
pub struct Circumstances {
    /// Whose continuous integration this is, if slow checks are off for that.
    pub ci: Option<String>,
    /// The budget of slow checks.
    pub timeout: Duration,
}

/// The notes, one a line, without the word "note".
pub fn notes(outcome: &Outcome, circumstances: &Circumstances) -> Vec<String> {
    let mut by_reason: BTreeMap<SkipReason, Vec<&Skipped>> = BTreeMap::new();
    for skipped in outcome.files.iter().flat_map(|file| &file.skipped) {
        by_reason.entry(skipped.reason).or_default().push(skipped);
    }
    by_reason.into_iter().map(|(reason, skipped)| note(reason, &skipped, circumstances)).collect()
}

fn note(reason: SkipReason, skipped: &[&Skipped], circumstances: &Circumstances) -> String {
    let checks = counted(skipped.len(), "slow check");
    let hosts = || named(skipped.iter().map(|skipped| skipped.host.as_str()));
    let details = || named(skipped.iter().map(|skipped| skipped.detail.as_str()));
    match reason {
        SkipReason::Disabled => match &circumstances.ci {
            Some(ci) => format!("{checks} skipped (CI detected: {ci}; use --slow-checks=on to ask {})", hosts()),
            None => format!("{checks} skipped (slow checks are off; use --slow-checks=on to ask {})", hosts()),
        },
        SkipReason::FailFast => {
            format!(
                "{checks} skipped (the file has errors already; mend them, or set fail-fast = false under [slow-checks])"
            )
        }
        SkipReason::Timeout => {
            let budget = show_duration(circumstances.timeout);
            format!("{checks} timed out ({}; raise --slow-checks-timeout, now {budget})", hosts())
        }
        SkipReason::Auth => format!("{checks} skipped for want of credentials ({})", details()),
        SkipReason::NotFound => format!("{checks} found nothing ({})", details()),
        SkipReason::Network => format!("{checks} failed on the network ({})", details()),
        SkipReason::ResolverError => format!("{checks} got an answer that cannot be used ({})", details()),
        SkipReason::Denied => format!("{checks} denied ({})", details()),
        SkipReason::Offline => format!("{checks} skipped (offline; {} would be asked)", hosts()),
    }
}

fn named<'s>(names: impl Iterator<Item = &'s str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    let mut text = names.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join("; ");
    if names.len() > NAMED_MAX {
        text.push_str(&format!("; and {} more", names.len() - NAMED_MAX));
    }
    text
}
