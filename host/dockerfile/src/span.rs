//! Byte ranges of the source, and what line and column a reader would call them.
//!
//! Source bytes → [`LineIndex`] → [`Position`]. A span is half-open and never leaves its source.

use std::ops::Range;

/// A half-open range of byte offsets into the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

/// A place as people count it: line and column from 1, columns in Unicode code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in code points, from 1. A byte that is not UTF-8 counts as one, a byte order mark as none.
    pub column: u32,
}

/// The lines of one source: answers where an offset is without reading the source again.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
    /// `(offset after a wide character, bytes beyond one per character so far)`, in order.
    wide: Vec<(u32, u32)>,
    len: u32,
}

impl Span {
    /// The span from `start` to `end`; an end before the start gives an empty span.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Length in bytes.
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it holds no byte.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether `offset` lies inside.
    pub fn contains(self, offset: u32) -> bool {
        self.start <= offset && offset < self.end
    }

    /// The bytes of `source` it names; empty where the span is not of this source.
    pub fn of(self, source: &[u8]) -> &[u8] {
        source.get(self.range()).unwrap_or_default()
    }

    /// The same range for indexing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl LineIndex {
    /// Reads the source once. Offsets beyond 4 GiB are not told apart.
    pub fn new(source: &[u8]) -> Self {
        let len = offset(source.len());
        let source = &source[..len as usize];
        let mut starts = vec![0];
        starts.extend(source.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| offset(at + 1)));
        Self { starts, wide: wide_characters(source), len }
    }

    /// Line and column of a byte offset; one beyond the end counts as the end.
    pub fn position(&self, offset: u32) -> Position {
        let offset = offset.min(self.len);
        let line = self.line_of(offset);
        let start = self.starts[line as usize - 1];
        let extra = self.extra(offset) - self.extra(start);
        Position { line, column: (offset - start).saturating_sub(extra) + 1 }
    }

    /// The characters before a byte offset, counted as columns are.
    pub fn characters(&self, offset: u32) -> u32 {
        let offset = offset.min(self.len);
        offset - self.extra(offset).min(offset)
    }

    /// The line of a byte offset, from 1. A newline belongs to the line it ends.
    pub fn line_of(&self, offset: u32) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32
    }

    /// The bytes of a line, from 1, with its newline; nothing for a line that is not there.
    pub fn line_span(&self, line: u32) -> Option<Span> {
        let at = (line as usize).checked_sub(1)?;
        let start = *self.starts.get(at)?;
        Some(Span::new(start, self.starts.get(at + 1).copied().unwrap_or(self.len)))
    }

    /// How many lines there are: one more than there are newlines.
    pub fn line_count(&self) -> u32 {
        self.starts.len() as u32
    }

    fn extra(&self, offset: u32) -> u32 {
        match self.wide.partition_point(|(end, _)| *end <= offset) {
            0 => 0,
            n => self.wide[n - 1].1,
        }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.range()
    }
}

/// A length or offset as `u32`; what does not fit is clamped, and nothing that long is parsed.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn wide_characters(source: &[u8]) -> Vec<(u32, u32)> {
    let mut wide = Vec::new();
    if source.is_ascii() {
        return wide;
    }
    let (mut at, mut extra) = (0u32, 0u32);
    let mark = if source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    if mark > 0 {
        at = offset(mark);
        extra = at;
        wide.push((at, extra));
    }
    for chunk in source[mark..].utf8_chunks() {
        for c in chunk.valid().chars() {
            at += c.len_utf8() as u32;
            if c.len_utf8() > 1 {
                extra += c.len_utf8() as u32 - 1;
                wide.push((at, extra));
            }
        }
        at += chunk.invalid().len() as u32;
    }
    wide
}

/// The UTF-8 byte order mark, which BuildKit drops from the start of the first line.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &[u8], offset: u32, line: u32, column: u32) {
        assert_eq!(LineIndex::new(source).position(offset), Position { line, column }, "{offset} in {source:?}");
    }

    #[test]
    fn positions() {
        check(b"", 0, 1, 1);
        check(b"ab\ncd", 1, 1, 2);
        check(b"ab\ncd", 2, 1, 3);
        check(b"ab\ncd", 3, 2, 1);
        check(b"ab\ncd", 99, 2, 3);
        check("é=b".as_bytes(), 2, 1, 2);
        check("a\né=b".as_bytes(), 5, 2, 3);
        check(b"\xEF\xBB\xBFFROM", 3, 1, 1);
        check(b"\xEF\xBB\xBFFROM", 5, 1, 3);
        check(b"\xFF\xFEa", 2, 1, 3);
    }

    #[test]
    fn characters() {
        for (source, offset, expected) in [("", 0, 0), ("a\né=b", 5, 4), ("\u{FEFF}FROM", 5, 2), ("ab", 9, 2)] {
            assert_eq!(LineIndex::new(source.as_bytes()).characters(offset), expected, "{offset} in {source:?}");
        }
    }
}
