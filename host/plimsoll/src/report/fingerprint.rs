//! By what a finding is known again when lines move.
//!
//! Input: an entry. Output: digits. Invariant: they hang on the file's name, the rule and the text of the line, and on
//! how many alike stand before it, neither on the line's number nor on the message, which may name numbers as well.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::walk::Entry;

/// The fingerprints of a report, each once.
#[derive(Default)]
pub(super) struct Fingerprints {
    file: String,
    seen: HashMap<[u8; BYTES], u32>,
}

/// Bytes of a fingerprint: enough to be told apart.
const BYTES: usize = 16;

impl Fingerprints {
    /// That of the next entry, in the order of the report.
    pub(super) fn next(&mut self, entry: &Entry) -> String {
        if self.file != entry.file.path {
            self.file.clone_from(&entry.file.path);
            self.seen.clear();
        }
        let alike = digest(&[self.file.as_bytes(), entry.name.as_bytes(), &words(entry)]);
        let before = self.seen.entry(alike).or_default();
        let own = digest(&[&alike, &before.to_le_bytes()]);
        *before += 1;
        own.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Those of the line; none where the file as a whole is meant.
fn words(entry: &Entry) -> Vec<u8> {
    let source = entry.file.source.as_deref().filter(|_| entry.place.is_some());
    source.map_or_else(Vec::new, |source| source.words_of(entry.start().line))
}

fn digest(parts: &[&[u8]]) -> [u8; BYTES] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let whole = hash.finalize();
    std::array::from_fn(|index| whole[index])
}
