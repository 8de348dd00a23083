//! Physical lines, and what BuildKit's parser asks of one.
//!
//! Source → [`Lines`] → spans without newline. Blanks are those of Unicode where BuildKit uses them.

use crate::span::{BYTE_ORDER_MARK, Span, offset};

/// The lines of a source, one after the other.
pub(super) struct Lines<'s> {
    source: &'s [u8],
    at: usize,
    /// Where the newlines are not looked for yet, and those of the block before that at which no line has
    /// ended yet, as bits.
    ahead: usize,
    found: u64,
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
        let source = &source[..offset(source.len()) as usize];
        Self { source, at: 0, ahead: 0, found: 0, number: 0 }
    }

    /// The next newline. Lines are short: looking for each on its own would cost more than reading on.
    #[inline]
    fn newline(&mut self) -> Option<usize> {
        while self.found == 0 {
            if self.ahead >= self.source.len() {
                return None;
            }
            self.read_on();
        }
        let place = self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(self.ahead - BLOCK + place)
    }

    fn read_on(&mut self) {
        let rest = &self.source[self.ahead..];
        self.found = match rest.first_chunk() {
            Some(block) => newlines(block),
            None => {
                let mut block = [0; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                newlines(&block)
            }
        };
        self.ahead += BLOCK;
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<Line> {
        let mut start = self.at;
        if start >= self.source.len() {
            return None;
        }
        let newline = self.newline();
        let mut end = newline.unwrap_or(self.source.len());
        self.at = newline.map_or(end, |newline| newline + 1);
        let too_long = end - start > crate::limits::LINE_BYTES_MAX;
        if self.number == 0 && self.source.starts_with(BYTE_ORDER_MARK) {
            start = BYTE_ORDER_MARK.len();
        }
        self.number += 1;
        while end > start && self.source[end - 1] == b'\r' {
            end -= 1;
        }
        // A source is no longer than that.
        let content = Span { start: start as u32, end: end as u32 };
        Some(Line { content, next: self.at as u32, too_long })
    }

    /// Where the next line starts.
    pub(super) fn offset(&self) -> u32 {
        offset(self.at)
    }
}

/// The bytes of a block that are newlines, the first one at the lowest bit.
#[inline]
fn newlines(block: &[u8; BLOCK]) -> u64 {
    let (words, _) = block.as_chunks::<WORD>();
    let mut found = 0;
    for word in words.iter().rev() {
        let others = u64::from_le_bytes(*word) ^ NEWLINES;
        // The lowest bit of each byte that is a newline: nothing is carried over to the next one.
        let bits = !(((others & LOW_BITS) + LOW_BITS) | others | LOW_BITS) >> (WORD - 1);
        found = found << WORD | bits.wrapping_mul(GATHER) >> (BLOCK - WORD);
    }
    found
}

/// Bytes that are read at once, one for each bit of a word, and those of one word.
const BLOCK: usize = 64;
const WORD: usize = 8;

const NEWLINES: u64 = u64::from_le_bytes([b'\n'; WORD]);
const LOW_BITS: u64 = u64::from_le_bytes([0x7F; WORD]);

/// Moves the lowest bits of all bytes together, into the highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// Drops blanks from the start.
#[inline]
pub(super) fn trim_start(source: &[u8], span: Span) -> Span {
    let bytes = span.of(source);
    let is_blank = |b: &&u8| matches!(b, b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r');
    let blanks = bytes.iter().take_while(is_blank).count();
    let rest = Span { start: span.start + offset(blanks), ..span };
    if bytes.get(blanks).is_none_or(u8::is_ascii) { rest } else { trim_start_wide(source, rest) }
}

#[cold]
fn trim_start_wide(source: &[u8], mut span: Span) -> Span {
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
#[inline]
pub(super) fn split_continuation(source: &[u8], content: Span, escape: u8) -> (Span, bool) {
    let bytes = content.of(source);
    // Most lines end in something else.
    if bytes.last().is_none_or(|last| *last != escape && !matches!(last, b' ' | b'\t')) {
        return (content, false);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of all lengths, so that newlines stand at every place of a block.
    #[test]
    fn every_place() {
        for len in 0..2 * BLOCK {
            let mut source = Vec::new();
            for more in 0..5 {
                source.extend(std::iter::repeat_n(b'\x8A', len + more));
                source.extend_from_slice(if more % 2 == 0 { b"\n" } else { b"\r\n" });
            }
            source.extend(std::iter::repeat_n(b'x', len));
            let mut lines = Lines::new(&source);
            let read = std::iter::from_fn(|| lines.next()).map(|line| line.content.of(&source).to_owned());
            let split = source.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_owned());
            let mut expect: Vec<Vec<u8>> = split.collect();
            // Behind the last newline there is no empty line.
            expect.pop_if(|last| last.is_empty());
            assert_eq!(read.collect::<Vec<_>>(), expect, "{len}");
        }
    }
}
