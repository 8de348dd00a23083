//! One round: the fixes that can be applied at once, without those after which more would be wrong with the file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Wanted;
use super::edits::{Edits, edited};
use crate::finding::{Finding, Fix};
use crate::limits::SOURCE_BYTES_MAX;
use crate::lint::{Job, problems};

/// What one round came to.
pub(super) struct Round<'f> {
    pub(super) after: Vec<u8>,
    pub(super) applied: Vec<&'f Finding>,
}

/// Fixes that are not tried again, by rule and what they do.
#[derive(Default)]
pub(super) struct Refusals(BTreeSet<(Arc<str>, String)>);

impl Refusals {
    pub(super) fn has(&self, finding: &Finding, fix: &Fix) -> bool {
        !self.0.is_empty() && self.0.contains(&(finding.rule.clone(), fix.message.clone()))
    }

    /// Each with its rule and what it does.
    pub(super) fn told(self) -> Vec<(Arc<str>, String)> {
        self.0.into_iter().collect()
    }

    fn add(&mut self, finding: &Finding, fix: &Fix) {
        self.0.insert((finding.rule.clone(), fix.message.clone()));
    }
}

type Chosen<'f> = (&'f Finding, &'f Fix);

impl<'f> Round<'f> {
    /// Nothing where there is nothing to apply.
    pub(super) fn of(
        job: &Job,
        path: &str,
        source: &[u8],
        findings: &'f [Finding],
        wanted: Wanted,
        refusals: &mut Refusals,
    ) -> Option<Self> {
        let trouble = |text: &[u8]| problems(path, text.to_vec(), &job.surroundings).len();
        let before = trouble(source);
        let is_sound = |chosen: &[Chosen]| {
            let after = edited(source, fixes_of(chosen));
            is_text(&after) && trouble(&after) <= before
        };

        // Those that are refused make room for others.
        let mut applied = loop {
            let mut edits = Edits::default();
            let fixes = findings.iter().filter_map(|finding| Some((finding, wanted.of(finding)?)));
            let fixes = fixes.filter(|(finding, fix)| !refusals.has(finding, fix));
            let chosen: Vec<Chosen> = fixes.filter(|(_, fix)| edits.add(fix)).collect();
            let applied = sound(&chosen, &is_sound, refusals);
            if chosen.is_empty() || !applied.is_empty() {
                break applied;
            }
        };
        // Each half may be sound, and both together not: the second has its turn in the next round.
        while !is_sound(&applied) {
            applied.truncate(applied.len() / 2);
        }
        let after = edited(source, fixes_of(&applied));
        let applied = applied.into_iter().map(|(finding, _)| finding).collect();
        (after != source).then_some(Self { after, applied })
    }
}

/// Those of some fixes after which no more is wrong with the file. Where all together are not sound, halves are
/// tried, down to the one to refuse.
fn sound<'f>(chosen: &[Chosen<'f>], is_sound: &impl Fn(&[Chosen]) -> bool, refusals: &mut Refusals) -> Vec<Chosen<'f>> {
    if is_sound(chosen) {
        return chosen.to_vec();
    }
    if let [(finding, fix)] = chosen {
        refusals.add(finding, fix);
        return Vec::new();
    }
    let (first, second) = chosen.split_at(chosen.len() / 2);
    let mut sound_ones = sound(first, is_sound, refusals);
    sound_ones.extend(sound(second, is_sound, refusals));
    sound_ones
}

/// Whether it is no larger than files may be, and not binary.
fn is_text(text: &[u8]) -> bool {
    text.len() as u64 <= SOURCE_BYTES_MAX && !text.contains(&0)
}

fn fixes_of<'c, 'f>(chosen: &'c [Chosen<'f>]) -> impl Iterator<Item = &'f Fix> + use<'c, 'f> {
    chosen.iter().map(|(_, fix)| *fix)
}
