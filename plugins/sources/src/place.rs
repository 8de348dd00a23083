//! Where findings belong, and which texts may be edited.

use plimsoll_sdk::{Document, Edit, Span, Step};

/// A word of a step where it is written; for a trigger of the base image, which
/// stands in another file, the FROM where it fires.
pub(crate) fn of_word(step: &Step, word: usize) -> Span {
    let written = step.instruction().and_then(|instruction| Some(instruction.word(word)?.span()));
    written.unwrap_or(step.span())
}

/// Notes that find a word of a step again.
pub(crate) fn notes(step: &Step, word: u32) -> Vec<u8> {
    [step.index().to_le_bytes(), word.to_le_bytes()].concat()
}

/// Whether a place reads as its value does: no variables, quotes or escapes that
/// an edit would tear apart.
pub(crate) fn is_literal(document: &Document, place: Span, value: &str) -> bool {
    document.text(place) == value
}

/// Writes a checksum behind the keyword of a step that has none, not even an empty one.
pub(crate) fn insert_checksum(step: &Step, checksum: &str) -> Option<Edit> {
    let instruction = step.instruction()?;
    let end = instruction.keyword_span().end;
    let is_there = instruction.flags().any(|flag| flag.name() == "checksum");
    (!is_there).then(|| Edit::replace(Span { start: end, end }, format!(" --checksum={checksum}")))
}
