//! One round: the fixes that can be applied at once, without those after which more would be wrong with the file.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Wanted;
use super::edits::{Edits, edited};
use crate::finding::{Finding, Fix};
use crate::limits::{FIX_TRIED_BYTES_MAX, SOURCE_BYTES_MAX};
use crate::lint::{Job, problems};

/// What one round came to.
pub(super) struct Round<'f> {
    pub(super) after: Vec<u8>,
    pub(super) applied: Vec<&'f Finding>,
}

/// Fixes that are not tried again, and how much was tried.
#[derive(Default)]
pub(super) struct Refusals {
    /// By rule, what they do, and the lines that they change.
    refused: HashSet<u64>,
    /// Bytes of files that were read to find them.
    tried: usize,
}

impl Refusals {
    pub(super) fn has(&self, source: &[u8], finding: &Finding, fix: &Fix) -> bool {
        !self.refused.is_empty() && self.refused.contains(&key(source, finding, fix))
    }

    /// Whether no more is tried.
    pub(super) fn is_spent(&self) -> bool {
        self.tried > FIX_TRIED_BYTES_MAX
    }
}

/// A fix, wherever its lines move.
fn key(source: &[u8], finding: &Finding, fix: &Fix) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&finding.rule, &fix.message).hash(&mut hasher);
    for (span, text) in &fix.edits {
        let (start, end) = (span.start as usize, span.end as usize);
        let line_start = source[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let line_end = source[end..].iter().position(|byte| *byte == b'\n').map_or(source.len(), |len| end + len);
        (start - line_start, end - start, text, &source[line_start..line_end]).hash(&mut hasher);
    }
    hasher.finish()
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
            let fixes = fixes.filter(|(finding, fix)| !refusals.has(source, finding, fix));
            let chosen: Vec<Chosen> = fixes.filter(|(_, fix)| edits.add(fix)).collect();
            let applied = Trial { source, is_sound: &is_sound, refusals }.sound(&chosen);
            if chosen.is_empty() || !applied.is_empty() || refusals.is_spent() {
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

/// Finds out which fixes are sound.
struct Trial<'t, F> {
    source: &'t [u8],
    is_sound: &'t F,
    refusals: &'t mut Refusals,
}

impl<F: Fn(&[Chosen]) -> bool> Trial<'_, F> {
    /// Those of some fixes after which no more is wrong with the file. Where all together are not sound, halves are
    /// tried, down to the one to refuse, unless so many break the file that this would take too long.
    fn sound<'f>(&mut self, chosen: &[Chosen<'f>]) -> Vec<Chosen<'f>> {
        if self.refusals.is_spent() {
            return Vec::new();
        }
        self.refusals.tried += self.source.len();
        if (self.is_sound)(chosen) {
            return chosen.to_vec();
        }
        if let [(finding, fix)] = chosen {
            self.refusals.refused.insert(key(self.source, finding, fix));
            return Vec::new();
        }
        let (first, second) = chosen.split_at(chosen.len() / 2);
        let mut sound_ones = self.sound(first);
        sound_ones.extend(self.sound(second));
        sound_ones
    }
}

/// Whether it is no larger than files may be, and not binary.
fn is_text(text: &[u8]) -> bool {
    text.len() as u64 <= SOURCE_BYTES_MAX && !text.contains(&0)
}

fn fixes_of<'c, 'f>(chosen: &'c [Chosen<'f>]) -> impl Iterator<Item = &'f Fix> + use<'c, 'f> {
    chosen.iter().map(|(_, fix)| *fix)
}
