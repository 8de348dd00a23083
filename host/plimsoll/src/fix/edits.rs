//! Edits of one text that do not get into each other's way.

use std::collections::BTreeMap;

use crate::finding::Fix;

/// A text after fixes, without those that get in the way of one before them.
pub fn edited<'f>(source: &[u8], fixes: impl IntoIterator<Item = &'f Fix>) -> Vec<u8> {
    let mut edits = Edits::default();
    for fix in fixes {
        edits.add(fix);
    }
    edits.applied_to(source)
}

/// Edits by place, each with what replaces the text there.
#[derive(Default)]
pub(super) struct Edits<'f>(BTreeMap<(u32, u32), &'f str>);

impl<'f> Edits<'f> {
    /// Adds all edits of a fix, or none if one of them gets in the way of another fix's. Equal ones are one.
    pub(super) fn add(&mut self, fix: &'f Fix) -> bool {
        let edits = || fix.edits.iter().map(|(span, text)| ((span.start, span.end), text.as_str()));
        let is_free = edits().all(|(place, text)| self.0.get(&place) == Some(&text) || self.is_free(place));
        if is_free {
            self.0.extend(edits());
        }
        is_free
    }

    /// Whether no edit overlaps a place, nor puts something in where it begins or ends.
    fn is_free(&self, (start, end): (u32, u32)) -> bool {
        let meets = |(known, _): (&(u32, u32), &&str)| {
            let is_insertion = known.0 == known.1 || start == end;
            if is_insertion { known.0 <= end && known.1 >= start } else { known.0 < end && known.1 > start }
        };
        let before = self.0.range(..(start, 0)).next_back();
        !before.is_some_and(meets) && !self.0.range((start, 0)..=(end, u32::MAX)).any(meets)
    }

    /// The text after all edits. Lines end as the first line of the text does.
    pub(super) fn applied_to(&self, source: &[u8]) -> Vec<u8> {
        let first = source.iter().position(|byte| *byte == b'\n');
        let is_dos = first.is_some_and(|newline| source[..newline].ends_with(b"\r"));
        let mut bytes = Vec::with_capacity(source.len());
        let mut done = 0;
        for ((start, end), text) in &self.0 {
            bytes.extend_from_slice(&source[done..*start as usize]);
            match is_dos && text.contains('\n') && !text.contains('\r') {
                true => bytes.extend_from_slice(text.replace('\n', "\r\n").as_bytes()),
                false => bytes.extend_from_slice(text.as_bytes()),
            }
            done = *end as usize;
        }
        bytes.extend_from_slice(&source[done..]);
        bytes
    }
}
