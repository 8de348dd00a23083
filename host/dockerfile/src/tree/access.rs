//! Reading a tree: texts, and the way from a text back to the source.
//!
//! A tree and the source it was parsed from → characters and spans. With any other source the
//! characters are wrong, but nothing panics.

use std::borrow::Cow;
use std::ops::Range;

use super::{Comment, Flag, Heredoc, Home, Instruction, Piece, Problem, ProblemKind, Source, Text, Token, Tree, Word};
use crate::span::Span;

impl Tree {
    /// The characters of a text. `source` must be what the tree was parsed from.
    pub fn text<'a>(&'a self, source: &'a [u8], text: Text) -> &'a str {
        self.characters(Source { bytes: source, text: None }, text)
    }

    /// The same for a source that may be known to be text.
    #[inline]
    pub(crate) fn characters<'a>(&'a self, source: Source<'a>, text: Text) -> &'a str {
        let characters = match text.home {
            Home::Source => source.read(text.span),
            Home::Arena => self.arena.get(text.span.range()),
            Home::Joined => self.joined.text(&self.segments, source).get(text.span.range()),
        };
        characters.unwrap_or_default()
    }

    /// Whether a flag has this name.
    pub(crate) fn is_named(&self, source: Source<'_>, flag: &Flag, name: &str) -> bool {
        flag.name.len() as usize == name.len() && self.characters(source, flag.name) == name
    }

    /// The text of a part of one instruction, without what stands between its lines: line
    /// continuations, comments, empty lines. Outside of instructions it is the source's.
    pub fn logical_text<'a>(&self, source: &'a [u8], span: Span) -> Cow<'a, str> {
        let before = self.instructions.partition_point(|instruction| instruction.span.start <= span.start);
        let segments = self.instructions[..before].last().map_or(&[][..], |i| slice(&self.segments, &i.segments));
        let overlap = |part: &Span| Span::new(part.start.max(span.start), part.end.min(span.end).max(part.start));
        let mut parts = segments.iter().map(overlap).filter(|part| part.start < part.end);
        match (parts.next(), parts.next()) {
            (Some(first), Some(second)) => {
                let parts = [first, second].into_iter().chain(parts);
                String::from_utf8_lossy(&parts.flat_map(|part| part.of(source)).copied().collect::<Vec<u8>>())
                    .into_owned()
                    .into()
            }
            (Some(only), None) => String::from_utf8_lossy(only.of(source)),
            (None, _) => String::from_utf8_lossy(span.of(source)),
        }
    }

    /// Where in the source the bytes `range` of a text come from.
    pub fn source_span(&self, text: Text, range: Range<u32>) -> Span {
        let at = |offset: u32| text.span.start.saturating_add(offset);
        let (start, end) = (at(range.start), at(range.end));
        let (start, end) = (start.min(text.span.end), end.min(text.span.end));
        let Some(pieces) = self.pieces(text.home) else { return Span::new(start, end) };
        let piece = |at: u32| pieces[..pieces.partition_point(|piece| piece.text <= at)].last();
        // At the end of a text another one may follow.
        if start == text.span.end && start > 0 {
            let at = piece(start - 1).map_or(0, |p| p.source_end(start));
            return Span::new(at, at);
        }
        let from = piece(start).map_or(0, |p| p.source_of(start));
        if end <= start {
            return Span::new(from, from);
        }
        Span::new(from, piece(end - 1).map_or(from, |p| p.source_end(end)))
    }

    /// The words of an instruction.
    pub fn words_of(&self, instruction: &Instruction) -> &[Word] {
        slice(&self.words, &instruction.words)
    }

    /// The flags of an instruction.
    pub fn flags_of(&self, instruction: &Instruction) -> &[Flag] {
        slice(&self.flags, &instruction.flags)
    }

    /// The heredocs of an instruction.
    pub fn heredocs_of(&self, instruction: &Instruction) -> &[Heredoc] {
        slice(&self.heredocs, &instruction.heredocs)
    }

    /// The comments above an instruction that belong to it.
    pub fn comments_of(&self, instruction: &Instruction) -> &[Comment] {
        slice(&self.comments, &instruction.comments)
    }

    /// The body of a heredoc as BuildKit hands it on: without leading tabs for `<<-`.
    pub fn heredoc_content<'a>(&self, source: &'a [u8], heredoc: &Heredoc) -> Cow<'a, str> {
        let body = String::from_utf8_lossy(heredoc.body.of(source));
        if !heredoc.chomp {
            return body;
        }
        body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect::<String>().into()
    }

    /// The source as tokens, without gap or overlap.
    pub fn tokens(&self, source: &[u8]) -> Vec<Token> {
        crate::parse::tokens(self, source)
    }

    /// The first problem that would stop BuildKit's parser, or else its reading of instructions.
    pub fn first_error(&self) -> Option<&Problem> {
        let first = |kind| self.problems.iter().find(move |p| p.kind == kind);
        first(ProblemKind::Syntax).or_else(|| first(ProblemKind::Instruction))
    }

    /// The parts of a text that stand together in the source, in order, as ranges of the text.
    #[cfg(feature = "shell")]
    pub(crate) fn runs(&self, text: Text) -> Vec<(Range<usize>, Span)> {
        let Some(pieces) = self.pieces(text.home) else { return vec![(0..text.len() as usize, text.span)] };
        let first = pieces.partition_point(|piece| piece.text + piece.text_len <= text.span.start);
        let pieces = pieces[first..].iter().take_while(|piece| piece.text < text.span.end);
        let run = |piece: &Piece| {
            let (start, end) = (piece.text.max(text.span.start), (piece.text + piece.text_len).min(text.span.end));
            let range = (start - text.span.start) as usize..(end - text.span.start) as usize;
            (range, Span::new(piece.source_of(start), piece.source_end(end)))
        };
        pieces.map(run).collect()
    }

    /// Where the texts of a home come from; nothing for the source itself.
    fn pieces(&self, home: Home) -> Option<&[Piece]> {
        match home {
            Home::Source => None,
            Home::Arena => Some(&self.pieces),
            Home::Joined => Some(self.joined.pieces(&self.segments)),
        }
    }
}

impl<'a> From<&'a str> for Source<'a> {
    fn from(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), text: Some(text) }
    }
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, text: str::from_utf8(bytes).ok() }
    }
}

impl<'a, const LEN: usize> From<&'a [u8; LEN]> for Source<'a> {
    fn from(bytes: &'a [u8; LEN]) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a> From<&'a Vec<u8>> for Source<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a> Source<'a> {
    /// A part of it, if that is text.
    #[inline]
    pub(crate) fn read(self, span: Span) -> Option<&'a str> {
        match self.text {
            Some(text) => text.get(span.range()),
            None => str::from_utf8(span.of(self.bytes)).ok(),
        }
    }
}

impl Text {
    /// Length in bytes.
    pub fn len(self) -> u32 {
        self.span.len()
    }

    /// Whether it holds no character.
    pub fn is_empty(self) -> bool {
        self.span.is_empty()
    }

    /// The part of the text between two byte offsets into it.
    #[inline]
    pub(crate) fn slice(self, start: usize, end: usize) -> Self {
        let at = |offset: usize| (self.span.start + offset as u32).min(self.span.end);
        Self { span: Span::new(at(start), at(end)), ..self }
    }

    pub(crate) fn in_source(span: Span) -> Self {
        Self { span, home: Home::Source, plain: false }
    }
}

impl Piece {
    pub(crate) fn source_of(&self, at: u32) -> u32 {
        let into = at.saturating_sub(self.text);
        if self.text_len == self.source_len { self.source + into.min(self.source_len) } else { self.source }
    }

    pub(crate) fn source_end(&self, end: u32) -> u32 {
        if self.text_len == self.source_len { self.source_of(end) } else { self.source + self.source_len }
    }
}

fn slice<'a, T>(all: &'a [T], range: &Range<u32>) -> &'a [T] {
    all.get(range.start as usize..range.end as usize).unwrap_or_default()
}
