//! Edits that take comments, or names in them, out of a file.
//!
//! Invariant: no parser directive begins or stops to count by that.

use std::collections::{BTreeMap, HashSet};

use plimsoll_dockerfile::tree::DirectiveKind;
use plimsoll_dockerfile::{Span, find_directive};

use crate::finding::Fix;
use crate::lint::suppress::{End, Entries, Told};

/// How comments of a file are taken out.
pub(super) struct Removal<'s> {
    source: &'s [u8],
    entries: &'s Entries,
    /// Where the first line begins that holds text.
    first_text: usize,
    /// Where the last directive ends, and the first text behind it begins.
    behind_directives: Option<(usize, usize)>,
}

impl<'s> Removal<'s> {
    pub(super) fn new(source: &'s [u8], entries: &'s Entries) -> Self {
        let mut first_text = 0;
        for line in source.split_inclusive(|byte| *byte == b'\n').take_while(|line| !holds_text(line)) {
            first_text += line.len();
        }
        // A byte order mark is no part of the line.
        first_text = first_text.max(if source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 });
        let ends = KINDS.iter().filter_map(|kind| find_directive(source, *kind)).map(|found| found.span.end as usize);
        let behind_directives = ends.max().map(|end| {
            let blanks = source[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            (end, end + blanks)
        });
        Self { source, entries, first_text, behind_directives }
    }

    /// Takes out a comment with its line, and what ends its blocks; nothing where that would do more.
    pub(super) fn of_comment(&self, told: &Told) -> Option<Fix> {
        self.of_names(told, &told.names)
    }

    /// Takes names out of a comment, and all of it with the last of them. What ends their blocks goes too: it would
    /// end others.
    pub(super) fn of_names(&self, told: &Told, names: &[Span]) -> Option<Fix> {
        let goes: Vec<bool> = told.names.iter().map(|name| names.contains(name)).collect();
        let mut edits = self.cut(told, &goes);
        let (mut ends, mut kept) = (BTreeMap::<usize, Vec<Span>>::new(), HashSet::new());
        for (entry, goes) in self.entries.all[told.entries.clone()].iter().zip(&goes) {
            match entry.end {
                Some(End { comment, name }) if *goes => ends.entry(comment).or_default().extend(name),
                Some(End { comment, name: None }) => {
                    kept.insert(comment);
                }
                _ => {}
            }
        }
        for (comment, names) in ends.into_iter().filter(|(comment, _)| !kept.contains(comment)) {
            let end = &self.entries.told[comment];
            let goes: Vec<bool> = end.names.iter().map(|name| names.contains(name)).collect();
            edits.extend(self.cut(end, &goes));
        }
        let message = match names.len() {
            _ if goes.iter().all(|goes| *goes) => "Take the comment out",
            1 => "Take the name out",
            _ => "Take the names out",
        };
        self.keeps_directives(&edits).then(|| Fix {
            message: message.to_owned(),
            is_safe: true,
            edits,
            renews_entry: false,
        })
    }

    /// What takes names out of a comment, and the line with the last of them.
    fn cut(&self, told: &Told, goes: &[bool]) -> Vec<(Span, String)> {
        let Some(last) = goes.iter().rposition(|goes| !goes) else {
            return vec![(self.line(told.span), String::new())];
        };
        let before = (0..last).filter(|index| goes[*index]);
        let mut edits: Vec<(Span, String)> = before
            .map(|index| (Span::new(told.names[index].start, told.names[index + 1].start), String::new()))
            .collect();
        if let Some(end) = told.names.last().filter(|_| last + 1 < told.names.len()) {
            edits.push((Span::new(told.names[last].end, end.end), String::new()));
        }
        edits
    }

    /// Whether no directive begins or stops to count by taking something out.
    fn keeps_directives(&self, edits: &[(Span, String)]) -> bool {
        if !edits.iter().any(|(span, _)| span.start as usize <= self.first_text || self.ends_directives(*span)) {
            return true;
        }
        // What follows would be looked at anew.
        let (mut after, mut done) = (Vec::with_capacity(self.source.len()), 0);
        for (span, _) in edits {
            after.extend_from_slice(&self.source[done..span.start as usize]);
            done = span.end as usize;
        }
        after.extend_from_slice(&self.source[done..]);
        directives(self.source) == directives(&after)
    }

    /// The line of a comment, with what ends it. A byte order mark is no part of it.
    fn line(&self, comment: Span) -> Span {
        let (before, after) = (&self.source[..comment.start as usize], &self.source[comment.end as usize..]);
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let start = if start == 0 && self.source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { start };
        let end = after.iter().position(|byte| *byte == b'\n').map_or(after.len(), |newline| newline + 1);
        let offset = |length| u32::try_from(length).unwrap_or(u32::MAX);
        Span::new(offset(start), comment.end + offset(end))
    }

    /// Whether a line stands right behind the last directive.
    fn ends_directives(&self, line: Span) -> bool {
        let start = line.start as usize;
        self.behind_directives.is_some_and(|(end, text)| end <= start && start <= text)
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const KINDS: [DirectiveKind; 3] = [DirectiveKind::Syntax, DirectiveKind::Escape, DirectiveKind::Check];

fn holds_text(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // A line of a script's own is none to BuildKit.
    !bytes.trim_ascii().is_empty() && !bytes.starts_with(b"#!")
}

/// The directives that count, by what they say.
fn directives(source: &[u8]) -> [Option<Vec<u8>>; 3] {
    KINDS.map(|kind| find_directive(source, kind).map(|found| found.value.of(source).to_vec()))
}
