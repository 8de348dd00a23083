//! Logical lines that nobody has asked for yet: joined when somebody does.
//!
//! Segments of a source that is text → places in a text that is not there yet → that text, and the way back
//! to the source. Shell forms over many lines are most of many files, and neither the tree nor the model looks
//! into them.

use std::ops::Range;
use std::sync::OnceLock;

use super::{Piece, Source};
use crate::span::Span;

/// Lines, one after the other in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joined {
    /// The segments of each line, as ranges of the tree's.
    lines: Vec<Range<u32>>,
    len: u32,
    text: OnceLock<String>,
    pieces: OnceLock<Vec<Piece>>,
}

impl Joined {
    /// Adds the line of these segments: its place in the text, which is as long as they are.
    pub(crate) fn add(&mut self, segments: &Range<u32>, all: &[Span]) -> Span {
        self.lines.push(segments.clone());
        let start = self.len;
        self.len += of(segments, all).iter().map(|segment| segment.len()).sum::<u32>();
        Span::new(start, self.len)
    }

    /// The text of all lines.
    pub(crate) fn text(&self, all: &[Span], source: Source<'_>) -> &str {
        self.text.get_or_init(|| {
            let segments = self.lines.iter().flat_map(|line| of(line, all));
            segments.map(|segment| source.read(*segment).unwrap_or_default()).collect()
        })
    }

    /// Where the text comes from.
    pub(crate) fn pieces(&self, all: &[Span]) -> &[Piece] {
        self.pieces.get_or_init(|| {
            let mut text = 0;
            let segments = self.lines.iter().flat_map(|line| of(line, all)).filter(|segment| !segment.is_empty());
            let piece = |segment: &Span| {
                let len = segment.len();
                text += len;
                Piece { text: text - len, text_len: len, source: segment.start, source_len: len }
            };
            segments.map(piece).collect()
        })
    }
}

fn of<'s>(segments: &Range<u32>, all: &'s [Span]) -> &'s [Span] {
    all.get(segments.start as usize..segments.end as usize).unwrap_or_default()
}
