//! What ShellCheck said, and where that stands in the Dockerfile.

use std::ops::Range;

use plimsoll_sdk::shell::ScriptSource;
use plimsoll_sdk::{Edit, Severity, Span};
use serde::Deserialize;

/// One comment of ShellCheck's, as `--format=json1` writes it: lines and columns from 1, columns in
/// characters, a tab being one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Comment {
    pub(crate) code: u32,
    pub(crate) level: Level,
    pub(crate) message: String,
    #[serde(flatten)]
    place: Place,
    fix: Option<Replacements>,
}

/// How much a comment matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
    #[default]
    Style,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Deserialize)]
struct Replacements {
    replacements: Vec<Replacement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    #[serde(flatten)]
    place: Place,
    replacement: String,
    insertion_point: String,
}

/// A script that ShellCheck was given behind some lines, and where it stands.
pub(crate) struct Script<'s> {
    source: &'s ScriptSource,
    /// Where its lines begin.
    lines: Vec<usize>,
    header_lines: u32,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warning => Self::Warning,
            Level::Info => Self::Info,
            Level::Style => Self::Style,
        }
    }
}

impl<'s> Script<'s> {
    pub(crate) fn new(source: &'s ScriptSource, header_lines: u32) -> Self {
        let after = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { source, lines: [0].into_iter().chain(after).collect(), header_lines }
    }

    /// Where a comment stands; nothing for one about other lines than the script's.
    pub(crate) fn place(&self, comment: &Comment) -> Option<Span> {
        let part = self.part(&comment.place)?;
        Some(self.source.place(self.widened(part)))
    }

    /// What a comment would have changed, where that can be said in the Dockerfile; else nothing.
    pub(crate) fn edits(&self, comment: &Comment) -> Option<Vec<Edit>> {
        let replacements = &comment.fix.as_ref()?.replacements;
        let mut edits: Vec<Edit> =
            replacements.iter().map(|replacement| self.edit(replacement)).collect::<Option<_>>()?;
        edits.sort_by_key(|edit| edit.span.start);
        let is_apart = |pair: &[Edit]| pair[0].span.end <= pair[1].span.start && pair[0].span != pair[1].span;
        (!edits.is_empty() && edits.windows(2).all(is_apart)).then_some(edits)
    }

    fn edit(&self, Replacement { place, replacement, insertion_point }: &Replacement) -> Option<Edit> {
        let part = self.part(place)?;
        // Another line, or the marker of a heredoc, would be another Dockerfile.
        if replacement.contains(['\n', '\r', '\0']) || replacement.contains("<<") || replacement.ends_with('\\') {
            return None;
        }
        let span = match (part.is_empty(), insertion_point.as_str()) {
            (false, _) => self.source.exact_place(part)?,
            // What opens belongs to what follows it, all else to what stands before it.
            (true, "afterEnd") => self.source.exact_place(part)?,
            (true, _) => {
                let before = self.before(part.start)?;
                let at = self.source.exact_place(before)?.end;
                Span { start: at, end: at }
            }
        };
        Some(Edit::replace(span, replacement.clone()))
    }

    /// The part of the script between two positions.
    fn part(&self, Place { line, column, end_line, end_column }: &Place) -> Option<Range<usize>> {
        let start = self.offset(*line, *column)?;
        let end = self.offset(*end_line, *end_column)?;
        Some(start..end.max(start))
    }

    fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let line = line.checked_sub(self.header_lines)?.checked_sub(1)? as usize;
        let text = &self.source.text;
        let Some(start) = self.lines.get(line) else {
            // The script ends with its last line, and that with a newline of ours.
            return (line == self.lines.len()).then_some(text.len());
        };
        let end = self.lines.get(line + 1).map_or(text.len(), |next| next - 1);
        let column = column.checked_sub(1)? as usize;
        let mut places = text[*start..end].char_indices().map(|(at, _)| start + at).chain([end]);
        places.nth(column)
    }

    /// A part with at least one character, where there is any.
    fn widened(&self, part: Range<usize>) -> Range<usize> {
        if !part.is_empty() {
            return part;
        }
        let after = self.source.text[part.start..].chars().next().filter(|c| *c != '\n');
        match after {
            Some(c) => part.start..part.start + c.len_utf8(),
            None => self.before(part.start).unwrap_or(part),
        }
    }

    /// The character before a place.
    fn before(&self, at: usize) -> Option<Range<usize>> {
        let character = self.source.text[..at].chars().next_back()?;
        Some(at - character.len_utf8()..at)
    }
}
