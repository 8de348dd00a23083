//! Physical lines, and what BuildKit's parser asks of one.
//!
//! Source → [`Lines`] → [`Line`]s without newline. Blanks are those of Unicode where BuildKit uses them.

use crate::limits::LINE_BYTES_MAX;
use crate::span::{BYTE_ORDER_MARK, Span, offset};

/// The lines of a source, one after the other.
pub(super) struct Lines<'s> {
    source: &'s [u8],
    /// Where the text begins: behind a byte order mark.
    begin: usize,
    at: usize,
    /// Where newlines are not looked for yet, and those of the block before that at which no line has ended
    /// yet, as bits.
    ahead: usize,
    found: u64,
    /// Lines taken so far: the number of the last one, from 1.
    pub number: u32,
    /// Whether one is longer than BuildKit reads; whoever says so takes it back.
    pub too_long: bool,
}

/// A line or a part of one: its bytes, and where in the source they begin.
#[derive(Clone, Copy)]
pub(super) struct Line<'s> {
    pub start: u32,
    pub bytes: &'s [u8],
}

impl<'s> Lines<'s> {
    pub(super) fn new(source: &'s [u8]) -> Self {
        let source = &source[..offset(source.len()) as usize];
        let begin = if source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { source, begin, at: 0, ahead: 0, found: 0, number: 0, too_long: false }
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

    /// The next line without the `\r` and `\n` at its end, and without a byte order mark.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Line<'s>> {
        if self.at >= self.source.len() {
            return None;
        }
        let newline = self.newline();
        let end = newline.unwrap_or(self.source.len());
        if end - self.at > LINE_BYTES_MAX {
            self.too_long = true;
        }
        let start = self.at.max(self.begin);
        self.at = newline.map_or(end, |newline| newline + 1);
        self.number += 1;
        let mut bytes = &self.source[start..end];
        if let [.., b'\r'] = bytes {
            bytes = without_returns(bytes);
        }
        // A source is no longer than that.
        Some(Line { start: start as u32, bytes })
    }

    /// Where the next line starts.
    #[inline]
    pub(super) fn offset(&self) -> u32 {
        self.at as u32
    }
}

impl<'s> Line<'s> {
    /// Its place in the source.
    #[inline]
    pub(super) fn span(self) -> Span {
        Span { start: self.start, end: self.start + self.bytes.len() as u32 }
    }

    /// What stands behind its first `len` bytes.
    #[inline]
    pub(super) fn behind(self, len: usize) -> Self {
        Self { start: self.start + len as u32, bytes: &self.bytes[len..] }
    }

    /// What its first `len` bytes are.
    #[inline]
    pub(super) fn front(self, len: usize) -> Self {
        Self { bytes: &self.bytes[..len], ..self }
    }

    /// Drops blanks from the start.
    #[inline]
    pub(super) fn trim_start(self) -> Self {
        let mut bytes = self.bytes;
        while let [first, rest @ ..] = bytes
            && is_blank(*first)
        {
            bytes = rest;
        }
        let rest = Self { start: self.start + (self.bytes.len() - bytes.len()) as u32, bytes };
        if let [0x80..=0xFF, ..] = bytes { rest.trim_start_wide() } else { rest }
    }

    #[cold]
    fn trim_start_wide(self) -> Self {
        let mut rest = self;
        loop {
            let len = match rest.bytes {
                [first, ..] if is_blank(*first) => 1,
                bytes @ [0x80..=0xFF, ..] => wide_blank(bytes, |len| &bytes[..len.min(bytes.len())]),
                _ => return rest,
            };
            if len == 0 {
                return rest;
            }
            rest = rest.behind(len);
        }
    }

    /// Drops blanks from both ends.
    #[inline]
    pub(super) fn trim(self) -> Self {
        let mut line = self.trim_start();
        loop {
            let len = match line.bytes {
                [.., b'!'..=b'~'] => return line,
                [.., last] if is_blank(*last) => 1,
                bytes @ [.., 0x80..=0xFF] => wide_blank(bytes, |len| &bytes[bytes.len().saturating_sub(len)..]),
                _ => return line,
            };
            if len == 0 {
                return line;
            }
            line = line.front(line.bytes.len() - len);
        }
    }

    /// Cuts off the escape character that continues a line, with the blanks behind it. An escape
    /// character before it makes it an ordinary one.
    #[inline]
    pub(super) fn split_continuation(self, escape: u8) -> (Self, bool) {
        let mut bytes = self.bytes;
        while let [rest @ .., b' ' | b'\t'] = bytes {
            bytes = rest;
        }
        match bytes {
            [before @ .., last] if *last == escape && before.last() != Some(&escape) => {
                (self.front(before.len()), true)
            }
            _ => (self, false),
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// The length of a blank outside ASCII at one end of `bytes`, or 0.
fn wide_blank<'b>(bytes: &'b [u8], end: impl Fn(usize) -> &'b [u8]) -> usize {
    (2..=3.min(bytes.len()))
        .find(|len| {
            let c = str::from_utf8(end(*len)).ok().and_then(|text| text.chars().next());
            c.is_some_and(|c| c.len_utf8() == *len && c.is_whitespace())
        })
        .unwrap_or(0)
}

#[cold]
fn without_returns(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The bytes of a block that are newlines, the first one at the lowest bit.
#[inline]
fn newlines(block: &[u8; BLOCK]) -> u64 {
    let newlines = block.map(|b| u8::from(b == b'\n'));
    let (words, _) = newlines.as_chunks::<WORD>();
    words
        .iter()
        .rev()
        .fold(0, |found, word| found << WORD | u64::from_le_bytes(*word).wrapping_mul(GATHER) >> (BLOCK - WORD))
}

/// Bytes that are read at once, one for each bit of a word, and those of one word.
const BLOCK: usize = 64;
const WORD: usize = 8;

/// Moves the lowest bits of all bytes together, into the highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

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
                source.extend_from_slice(if more % 2 == 0 { b"\n\x0B" } else { b"\r\n" });
            }
            source.extend(std::iter::repeat_n(b'x', len));
            let mut lines = Lines::new(&source);
            let read = std::iter::from_fn(|| lines.next()).map(|line| line.bytes.to_owned());
            let split = source.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_owned());
            let mut expect: Vec<Vec<u8>> = split.collect();
            // Behind the last newline there is no empty line.
            expect.pop_if(|last| last.is_empty());
            assert_eq!(read.collect::<Vec<_>>(), expect, "{len}");
        }
    }
}
