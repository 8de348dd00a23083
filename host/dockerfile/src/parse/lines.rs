//! Physical lines, and what BuildKit's parser asks of one.
//!
//! Source → [`Lines`] → spans without newline. Blanks are those of Unicode where BuildKit uses them.

use crate::span::{BYTE_ORDER_MARK, Span, offset};

/// The lines of a source, one after the other.
pub(super) struct Lines<'s> {
    source: &'s [u8],
    newlines: memchr::Memchr<'s>,
    at: usize,
    /// Lines taken so far: the number of the last one, from 1.
    pub number: u32,
}

/// One physical line.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Without the `\r` and `\n` at its end, and without a byte order mark.
    pub content: Span,
    /// Where the next line starts.
    pub next: u32,
    /// Whether it is longer than BuildKit reads.
    pub too_long: bool,
}

impl<'s> Lines<'s> {
    pub(super) fn new(source: &'s [u8]) -> Self {
        Self { source, newlines: memchr::memchr_iter(b'\n', source), at: 0, number: 0 }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<Line> {
        let rest = &self.source[self.at..];
        if rest.is_empty() {
            return None;
        }
        let len = self.newlines.next().map(|newline| newline - self.at);
        let line = &rest[..len.unwrap_or(rest.len())];
        let mark = self.number == 0 && rest.starts_with(BYTE_ORDER_MARK);
        let start = self.at + if mark { BYTE_ORDER_MARK.len() } else { 0 };
        let mut content = line;
        while let [before @ .., b'\r'] = content {
            content = before;
        }
        let end = (self.at + content.len()).max(start);
        self.at += len.map_or(rest.len(), |len| len + 1);
        self.number += 1;
        let too_long = line.len() > crate::limits::LINE_BYTES_MAX;
        Some(Line { content: Span::new(offset(start), offset(end)), next: offset(self.at), too_long })
    }

    /// Where the next line starts.
    pub(super) fn offset(&self) -> u32 {
        offset(self.at)
    }
}

/// Drops blanks from the start.
pub(super) fn trim_start(source: &[u8], mut span: Span) -> Span {
    let mut bytes = span.of(source);
    loop {
        let len = match bytes {
            [b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r', ..] => 1,
            [0x80..=0xFF, ..] => wide_blank(bytes, |len| &bytes[..len.min(bytes.len())]),
            _ => 0,
        };
        if len == 0 {
            span.start = span.end - offset(bytes.len());
            return span;
        }
        bytes = &bytes[len as usize..];
    }
}

/// Drops blanks from both ends.
pub(super) fn trim(source: &[u8], span: Span) -> Span {
    let mut span = trim_start(source, span);
    loop {
        let len = match span.of(source) {
            [.., b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r'] => 1,
            bytes @ [.., 0x80..=0xFF] => wide_blank(bytes, |len| &bytes[bytes.len().saturating_sub(len)..]),
            _ => 0,
        };
        if len == 0 {
            return span;
        }
        span.end -= len;
    }
}

/// Cuts off the escape character that continues a line, with the blanks behind it. An escape
/// character before it makes it an ordinary one.
pub(super) fn split_continuation(source: &[u8], content: Span, escape: u8) -> (Span, bool) {
    let bytes = content.of(source);
    let blank = bytes.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    match bytes[..bytes.len() - blank].split_last() {
        Some((last, before)) if *last == escape && before.last() != Some(&escape) => {
            (Span::new(content.start, content.start + offset(before.len())), true)
        }
        _ => (content, false),
    }
}

/// The length of a blank outside ASCII at one end of `bytes`, or 0.
fn wide_blank<'b>(bytes: &'b [u8], end: impl Fn(usize) -> &'b [u8]) -> u32 {
    (2..=3.min(bytes.len()))
        .find(|len| {
            let c = str::from_utf8(end(*len)).ok().and_then(|text| text.chars().next());
            c.is_some_and(|c| c.len_utf8() == *len && c.is_whitespace())
        })
        .map_or(0, offset)
}
