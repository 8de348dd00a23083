//! Values of flags as BuildKit reads them: byte by byte, each a character of its own.
//!
//! A text of the tree → its characters, and the way back to the source. They differ from the tree's
//! where a flag is not ASCII: `--chown=ä` names the user `Ã¤`.

use std::borrow::Cow;

use super::build::At;
use crate::span::{Span, offset};
use crate::tree::Text;

/// The characters of a flag.
pub(super) struct FlagText<'t> {
    pub text: Cow<'t, str>,
    origin: Text,
    /// Where each byte of the origin begins in the text; nothing where they are the same.
    starts: Vec<u32>,
}

impl<'t> At<'t> {
    /// Reads the value of a flag.
    pub(super) fn read_flag(&self, origin: Text) -> FlagText<'t> {
        let text = self.tree.characters(self.source, origin);
        if text.is_ascii() {
            return FlagText { text: text.into(), origin, starts: Vec::new() };
        }
        let text: String = text.bytes().map(char::from).collect();
        let starts = text.char_indices().map(|(start, _)| offset(start)).collect();
        FlagText { text: text.into(), origin, starts }
    }

    /// Where in the source a part of a flag stands: whole characters.
    pub(super) fn flag_span(&self, flag: &FlagText<'_>, part: Span) -> Span {
        let at = |end: u32| flag.starts.partition_point(|start| *start < end);
        if flag.starts.is_empty() {
            return self.tree.source_span(flag.origin, part.start..part.end);
        }
        let text = self.tree.characters(self.source, flag.origin);
        let (mut start, mut end) = (at(part.start), at(part.end));
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        while end < text.len() && !text.is_char_boundary(end) {
            end += 1;
        }
        self.tree.source_span(flag.origin, offset(start)..offset(end))
    }
}
