//! Where findings belong: on the line where BuildKit reports them, and there as
//! tight as may be.

use plimsoll_sdk::{Document, Span};

/// `part`, if it stands on the first line of `whole`, the instruction; else
/// that line.
pub(crate) fn on_first_line(document: &Document, whole: Span, part: Span) -> Span {
    let text = &document.source()[whole.start as usize..whole.end as usize];
    let line = match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => without_continuation(&text[..end], document.escape()),
        None => text,
    };
    let end = whole.start + u32::try_from(line.len()).unwrap_or(0);
    if whole.start <= part.start && part.end <= end { part } else { Span { start: whole.start, end } }
}

fn without_continuation(line: &[u8], escape: char) -> &[u8] {
    let line = line.trim_ascii_end();
    line.strip_suffix(&[escape as u8]).unwrap_or(line).trim_ascii_end()
}
