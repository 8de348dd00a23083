//! Logical lines: the lines of one instruction joined, with the way back to the source.
//!
//! Segments of the source → one [`Logical`]. A line of one segment is borrowed from the source; one
//! that is continued, or is not UTF-8, is copied into the tree's arena once, and every word is a slice
//! of that. Bytes that are not UTF-8 become U+FFFD, one for each byte.

use std::cell::Cell;
use std::ops::Range;

use crate::span::{Span, offset};
use crate::tree::{Home, Piece, Source, Text, Tree};

/// A logical line.
pub(super) struct Logical<'t> {
    /// Its characters.
    pub text: &'t str,
    /// The same as a text of the tree.
    whole: Text,
    /// Its pieces, if it lies in the arena, and the one that was asked for last: words are asked for in their
    /// order.
    pieces: Range<usize>,
    last: Cell<usize>,
}

impl<'t> Logical<'t> {
    /// Joins `segments`; the characters land in `buffer` when they cannot be borrowed.
    #[inline]
    pub(super) fn new(tree: &mut Tree, source: Source<'t>, segments: &Range<u32>, buffer: &'t mut String) -> Self {
        let spans = segments.start as usize..segments.end as usize;
        if let [only] = tree.segments[spans.clone()]
            && let Some(text) = source.read(only)
        {
            return Self::new_in(text, Text::in_source(only), 0..0);
        }
        Self::joined(tree, source, spans, buffer)
    }

    fn joined(tree: &mut Tree, source: Source<'t>, spans: Range<usize>, buffer: &'t mut String) -> Self {
        let first = tree.segments[spans.start].start;
        buffer.clear();
        let base = offset(tree.arena.len());
        let piece = tree.pieces.len();
        tree.pieces.reserve(spans.len());
        buffer.reserve((tree.segments[spans.end - 1].end - first) as usize);
        for span in &tree.segments[spans] {
            if let Some(text) = source.read(*span) {
                push_piece(&mut tree.pieces, base, buffer, text, span.start, span.len());
                continue;
            }
            let mut at = span.start;
            for chunk in span.of(source.bytes).utf8_chunks() {
                let (valid, invalid) = (chunk.valid(), chunk.invalid());
                push_piece(&mut tree.pieces, base, buffer, valid, at, offset(valid.len()));
                at += offset(valid.len());
                for _ in invalid {
                    push_piece(&mut tree.pieces, base, buffer, "\u{FFFD}", at, 1);
                    at += 1;
                }
            }
        }
        // Nothing but escape characters has a place too.
        if buffer.is_empty() {
            return Self::new_in(buffer, Text::in_source(Span::new(first, first)), 0..0);
        }
        tree.arena.push_str(buffer);
        let piece = piece..tree.pieces.len();
        let whole = Text { span: Span::new(base, offset(tree.arena.len())), home: Home::Arena, plain: false };
        Self::new_in(buffer, whole, piece)
    }

    fn new_in(text: &'t str, whole: Text, pieces: Range<usize>) -> Self {
        Self { text, whole, last: Cell::new(pieces.start), pieces }
    }

    /// A part of the line as a text of the tree.
    #[inline]
    pub(super) fn place(&self, range: Range<usize>) -> Text {
        let at = |offset: usize| self.whole.span.start + offset as u32;
        Text { span: Span { start: at(range.start), end: at(range.end) }, ..self.whole }
    }

    /// Where a part of the line stands in the source.
    #[inline]
    pub(super) fn span(&self, tree: &Tree, range: Range<usize>) -> Span {
        if self.whole.home == Home::Arena { self.span_in_pieces(tree, range) } else { self.place(range).span }
    }

    fn span_in_pieces(&self, tree: &Tree, range: Range<usize>) -> Span {
        let Span { start, end } = self.place(range).span;
        if start == end {
            let at = start - self.whole.span.start;
            return tree.source_span(self.whole, at..at);
        }
        let pieces = &tree.pieces[..];
        let behind = |at: usize, place: u32| pieces.get(at + 1).is_some_and(|piece| piece.text <= place);
        let mut at = self.last.get();
        if pieces[at].text > start {
            at = self.pieces.start;
        }
        while behind(at, start) {
            at += 1;
        }
        self.last.set(at);
        let from = pieces[at].source_of(start);
        if end == self.whole.span.end {
            at = self.pieces.end - 1;
        }
        while behind(at, end - 1) {
            at += 1;
        }
        Span::new(from, pieces[at].source_end(end))
    }

    /// A text made of runs of the line, or of characters that stand for a part of it.
    pub(super) fn assemble(&self, tree: &mut Tree, parts: &[Part]) -> Text {
        if let [Part { range, character: None }] = parts {
            return self.place(range.clone());
        }
        let start = offset(tree.arena.len());
        for Part { range, character } in parts {
            let mut encoded = [0; 4];
            let (text, whole) = match character {
                Some(c) => (&*c.encode_utf8(&mut encoded), true),
                None => (&self.text[range.clone()], false),
            };
            let at = offset(tree.arena.len());
            if whole || self.whole.home == Home::Source {
                let span = self.span(tree, range.clone());
                tree.pieces.push(Piece {
                    text: at,
                    text_len: offset(text.len()),
                    source: span.start,
                    source_len: span.len(),
                });
            } else {
                self.copy_pieces(tree, range, at);
            }
            tree.arena.push_str(text);
        }
        Text { span: Span::new(start, offset(tree.arena.len())), home: Home::Arena, plain: false }
    }

    /// The pieces behind a run of a line in the arena, for a copy of it at `at`.
    fn copy_pieces(&self, tree: &mut Tree, range: &Range<usize>, at: u32) {
        let (start, end) = (self.whole.span.start + offset(range.start), self.whole.span.start + offset(range.end));
        let mut index = tree.pieces.partition_point(|p| p.text + p.text_len <= start);
        while let Some(piece) = tree.pieces.get(index).copied().filter(|p| p.text < end) {
            let (from, to) = (piece.text.max(start), (piece.text + piece.text_len).min(end));
            let exact = piece.text_len == piece.source_len;
            tree.pieces.push(Piece {
                text: at + (from - start),
                text_len: to - from,
                source: piece.source + if exact { from - piece.text } else { 0 },
                source_len: if exact { to - from } else { piece.source_len },
            });
            index += 1;
        }
    }
}

/// A part of a text in the making.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The part of the line.
    pub range: Range<usize>,
    /// The character it stands for; nothing means itself.
    pub character: Option<char>,
}

/// Adds a run to `parts`, joined with the one before it where they touch.
pub(super) fn push_run(parts: &mut Vec<Part>, range: Range<usize>) {
    match parts.last_mut() {
        Some(last) if last.character.is_none() && last.range.end == range.start => last.range.end = range.end,
        _ => parts.push(Part { range, character: None }),
    }
}

fn push_piece(pieces: &mut Vec<Piece>, base: u32, buffer: &mut String, text: &str, source: u32, source_len: u32) {
    if !text.is_empty() {
        let (text_start, text_len) = (base + offset(buffer.len()), offset(text.len()));
        pieces.push(Piece { text: text_start, text_len, source, source_len });
        buffer.push_str(text);
    }
}
