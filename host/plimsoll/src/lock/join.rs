//! Two locks to one: what git's merges and conflicts come down to.
//!
//! Invariant: without contradictions, the join of two locks is the same whichever is
//! called ours, joining in another order changes nothing, and a lock joined with
//! itself is itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::entry::{self, Entry, Key};
use super::{CONFLICT_MARKERS, HEADER, Lock, Malformed};

/// A key of which the two sides say different things; none where a side took it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key.
    pub key: Key,
    /// What one side says.
    pub ours: Option<Entry>,
    /// What the other one says.
    pub theirs: Option<Entry>,
}

/// What two locks come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joined {
    /// All on which they do not contradict.
    pub lock: Lock,
    /// All on which they do.
    pub conflicts: Vec<Conflict>,
}

impl Joined {
    /// The file's text, with git's markers around what contradicts.
    pub fn text(&self) -> String {
        let mut lines: Vec<(&Key, String)> = self.lock.iter().map(|(key, entry)| (key, line(key, entry))).collect();
        lines.extend(self.conflicts.iter().map(|Conflict { key, ours, theirs }| {
            let side = |entry: &Option<Entry>| entry.as_ref().map(|entry| line(key, entry)).unwrap_or_default();
            (key, format!("<<<<<<< ours\n{}=======\n{}>>>>>>> theirs\n", side(ours), side(theirs)))
        }));
        if lines.is_empty() {
            return String::new();
        }
        lines.sort();
        lines.iter().fold(format!("{HEADER}\n"), |mut text, (_, line)| {
            let _ = write!(text, "{line}");
            text
        })
    }
}

fn line(key: &Key, entry: &Entry) -> String {
    let mut text = String::new();
    entry::write(&mut text, key, entry);
    text.push('\n');
    text
}

/// All that two locks say. They contradict where they say different things of a key.
pub fn join(ours: &Lock, theirs: &Lock) -> Joined {
    let mut joined = Joined::default();
    for key in keys([ours, theirs]) {
        joined.take(key, None, ours.get(key), theirs.get(key));
    }
    joined
}

/// The same where it is known what both were made from: what one side left as it was is as the other has it.
pub fn join_over(base: &Lock, ours: &Lock, theirs: &Lock) -> Joined {
    let mut joined = Joined::default();
    for key in keys([ours, theirs]) {
        joined.take(key, Some(base.get(key)), ours.get(key), theirs.get(key));
    }
    joined
}

fn keys(locks: [&Lock; 2]) -> BTreeSet<&Key> {
    locks.into_iter().flat_map(|lock| lock.iter().map(|(key, _)| key)).collect()
}

impl Joined {
    fn take(&mut self, key: &Key, base: Option<Option<&Entry>>, ours: Option<&Entry>, theirs: Option<&Entry>) {
        let entry = match (base, ours, theirs) {
            (_, ours, theirs) if ours == theirs => ours.cloned(),
            (Some(base), ours, theirs) if base == ours => theirs.cloned(),
            (Some(base), ours, theirs) if base == theirs => ours.cloned(),
            (None, Some(only), None) | (None, None, Some(only)) => Some(only.clone()),
            (_, Some(one), Some(other)) if one.agrees_with(other) => Some(one.joined_with(other)),
            (_, ours, theirs) => {
                let (ours, theirs) = (ours.cloned(), theirs.cloned());
                self.conflicts.push(Conflict { key: key.clone(), ours, theirs });
                return;
            }
        };
        if let Some(entry) = entry {
            self.lock.set(key.clone(), entry);
        }
    }
}

impl Entry {
    /// Whether both mean the same, whatever one says besides, and whenever it may move.
    fn agrees_with(&self, other: &Self) -> bool {
        let (Self::Known { value, more, .. }, Self::Known { value: its_value, more: its_more, .. }) = (self, other)
        else {
            return self == other;
        };
        let contradicts =
            |(name, text): &(String, String)| its_more.iter().any(|(known, its)| known == name && its != text);
        value == its_value && !more.iter().any(contradicts)
    }

    /// What two that agree say together; a pin goes before.
    fn joined_with(&self, other: &Self) -> Self {
        let policy = self.policy().into_iter().chain(other.policy()).min();
        let both = self.clone().keeping(other);
        match policy {
            Some(policy) => both.under(policy),
            None => both,
        }
    }
}

/// Joins the sides of the conflicts that git left in a file. Where git also left what both were made
/// from (`merge.conflictStyle` diff3), that counts.
///
/// # Errors
/// Where a line does not hold up, or a marker has no counterpart.
pub fn resolve(text: &str) -> Result<Joined, Malformed> {
    let wrong = |line: usize, message: &str| Malformed { line, message: message.to_owned() };
    // Lines that are not of a side are empty there, so that complaints name the line of the file.
    let mut sides = [String::new(), String::new(), String::new()];
    let (mut part, mut begun, mut has_base) = (None, 0, true);
    for (number, line) in (1..).zip(text.lines()) {
        let marker = CONFLICT_MARKERS.iter().position(|marker| line.starts_with(marker));
        part = match (part, marker) {
            (None, Some(0)) => {
                (begun, has_base) = (number, has_base && !is_two_way(text, number));
                Some(Side::Ours)
            }
            (Some(Side::Ours), Some(1)) => Some(Side::Base),
            (Some(Side::Ours | Side::Base), Some(2)) => Some(Side::Theirs),
            (Some(Side::Theirs), Some(3)) => None,
            (_, Some(_)) => return Err(wrong(number, "this marker of a conflict has no counterpart")),
            (part, None) => {
                for (side, text) in sides.iter_mut().enumerate() {
                    if part.is_none_or(|part| part as usize == side) {
                        text.push_str(line);
                    }
                    text.push('\n');
                }
                continue;
            }
        };
        sides.iter_mut().for_each(|text| text.push('\n'));
    }
    if part.is_some() {
        return Err(wrong(begun, "this marker of a conflict has no counterpart"));
    }
    let [ours, base, theirs] = sides.map(|side| Lock::parse(&side).map(|parsed| parsed.lock));
    Ok(if has_base { join_over(&base?, &ours?, &theirs?) } else { join(&ours?, &theirs?) })
}

/// The sides of a conflict, in git's order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Base,
    Theirs,
}

/// Whether the conflict that begins on this line has no third side.
fn is_two_way(text: &str, begun: usize) -> bool {
    let mut markers =
        text.lines().skip(begun).filter(|line| CONFLICT_MARKERS.iter().any(|mark| line.starts_with(mark)));
    markers.next().is_some_and(|line| line.starts_with(CONFLICT_MARKERS[2]))
}
