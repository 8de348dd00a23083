//! Format `rdjson`: reviewdog's, with suggestions.

use std::io::{self, Write};

use plimsoll_dockerfile::{Position, Span};
use serde::Serialize;

use super::walk::{Each, Entry, Place, entries};
use super::{HOME_PAGE, Report};
use crate::document::Source;
use crate::finding::{Fix, Severity};
use crate::limits::RDJSON_SUGGESTION_BYTES_MAX;

/// One document.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        source: Tool { name: "plimsoll", url: HOME_PAGE },
        diagnostics: Each(|| entries(report.outcome).map(|entry| Diagnostic::of(&entry))),
    };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<D> {
    source: Tool,
    diagnostics: D,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Diagnostic<'o> {
    message: &'o str,
    location: Location<'o>,
    severity: &'static str,
    code: Code<'o>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
    #[serde(rename = "relatedLocations", skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'o>>,
}

#[derive(Serialize)]
struct Code<'o> {
    value: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'o str>,
}

#[derive(Serialize)]
struct Location<'o> {
    path: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Related<'o> {
    message: &'o str,
    location: Location<'o>,
}

#[derive(Serialize)]
struct Suggestion {
    range: Range,
    text: String,
}

#[derive(Serialize)]
struct Range {
    start: Point,
    end: Point,
}

/// Columns count bytes.
#[derive(Serialize)]
struct Point {
    line: u32,
    column: u32,
}

impl<'o> Diagnostic<'o> {
    fn of(entry: &Entry<'o>) -> Self {
        let (path, source) = (entry.file.path.as_str(), entry.file.source.as_deref());
        let range = match (entry.finding, source) {
            (Some(finding), Some(source)) => Some(Range::of(finding.span, source)),
            _ => entry.place.map(Range::of_place),
        };
        let (mut suggestions, mut related) = (Vec::new(), Vec::new());
        if let (Some(finding), Some(source)) = (entry.finding, source) {
            suggestions.extend(finding.fixes.iter().filter_map(|fix| Suggestion::of(fix, source)));
            related.extend(finding.related.iter().map(|(span, message)| Related {
                message,
                location: Location { path, range: Some(Range::of(*span, source)) },
            }));
        }
        Self {
            message: entry.message,
            location: Location { path, range },
            severity: match entry.severity {
                Severity::Error => "ERROR",
                Severity::Warning => "WARNING",
                Severity::Info | Severity::Style => "INFO",
            },
            code: Code { value: entry.name, url: entry.url },
            suggestions,
            related,
        }
    }
}

impl Suggestion {
    /// All edits of a fix as one, with what stands between them; nothing where there is none, or that is too long.
    fn of(fix: &Fix, source: &Source) -> Option<Self> {
        let mut edits: Vec<&(Span, String)> = fix.edits.iter().collect();
        edits.sort_by_key(|(span, _)| (span.start, span.end));
        let (first, last) = (edits.first()?, edits.last()?);
        let whole = Span::new(first.0.start, last.0.end);
        // Of edits far from each other it would hold what lies between them, again and again.
        if edits.len() > 1 && whole.len() > RDJSON_SUGGESTION_BYTES_MAX {
            return None;
        }
        let (mut text, mut at) = (String::new(), whole.start);
        for (span, new) in edits {
            text += &String::from_utf8_lossy(Span::new(at, span.start).of(source.bytes()));
            text += new;
            at = span.end;
        }
        Some(Self { range: Range::of(whole, source), text })
    }
}

impl Range {
    fn of(span: Span, source: &Source) -> Self {
        let point = |offset| {
            let Position { line, .. } = source.lines().position(offset);
            let start = source.lines().line_span(line).unwrap_or_default().start;
            Point { line, column: offset.saturating_sub(start) + 1 }
        };
        Self { start: point(span.start), end: point(span.end) }
    }

    fn of_place(Place { start, end }: Place) -> Self {
        let point = |Position { line, column }| Point { line, column };
        Self { start: point(start), end: point(end) }
    }
}
