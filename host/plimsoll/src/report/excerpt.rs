//! The line of a place, as text, with the place in it.

use std::ops::Range;

use plimsoll_dockerfile::Span;

use super::printable;
use crate::document::Source;
use crate::limits::EXCERPT_BYTES_MAX;

/// The line of a place.
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Its number, from 1.
    pub(super) line: usize,
    /// The bytes of the text that are meant.
    pub(super) place: Range<usize>,
}

impl Excerpt {
    /// Nothing for a line that is too long to show.
    pub(super) fn of(source: &Source, span: Span) -> Option<Self> {
        let number = source.lines().line_of(span.start);
        let line = source.lines().line_span(number)?;
        let bytes = line.of(source.bytes());
        // No newline, no byte order mark, and only the first line of a place that spans several.
        let length = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
        let from = if line.start == 0 && bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        if length - from > EXCERPT_BYTES_MAX {
            return None;
        }
        let within = |offset: u32| (offset.saturating_sub(line.start) as usize).clamp(from, length);
        let part = |range: Range<usize>| printable(&String::from_utf8_lossy(&bytes[range]));
        let (begin, end) = (within(span.start), within(span.end));
        let (before, place, after) = (part(from..begin), part(begin..end), part(end..length));
        let range = before.len()..before.len() + place.len();
        Some(Self { text: before + &place + &after, line: number as usize, place: range })
    }
}
