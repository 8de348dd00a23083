//! Format `github`: workflow commands, which GitHub Actions shows as annotations of lines.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::walk::{Place, entries};
use super::{Report, concise};
use crate::finding::Severity;

/// Annotations of each kind that GitHub shows of a step.
const SHOWN_MAX: usize = 10;

/// A command a finding. What GitHub does not show as annotation stands in the log, therefore the place is in the
/// message as well.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut counts = [0; 3];
    for entry in entries(report.outcome) {
        let kind = kind(entry.severity);
        counts[kind as usize] += 1;
        let title = property(&format!("Plimsoll ({})", entry.name));
        let file = property(&entry.file.path);
        let place = entry.place.map(place).unwrap_or_default();
        let message = data(&concise::line(&entry));
        writeln!(out, "::{} title={title},file={file}{place}::{message}", NAMES[kind as usize])?;
    }
    if counts.iter().any(|count| *count > SHOWN_MAX) {
        let total: usize = counts.iter().sum();
        writeln!(out, "GitHub annotates at most {SHOWN_MAX} of each kind; this log has all {total}.")?;
    }
    Ok(())
}

const NAMES: [&str; 3] = ["error", "warning", "notice"];

#[derive(Clone, Copy)]
enum Kind {
    Error,
    Warning,
    Notice,
}

fn kind(severity: Severity) -> Kind {
    match severity {
        Severity::Error => Kind::Error,
        Severity::Warning => Kind::Warning,
        Severity::Info | Severity::Style => Kind::Notice,
    }
}

/// Columns count only where a place begins and ends in one line.
fn place(Place { start, end }: Place) -> String {
    let mut place = format!(",line={}", start.line);
    if start.line != end.line {
        let _ = write!(place, ",endLine={}", end.line);
    } else if start.column < end.column {
        let _ = write!(place, ",endLine={},col={},endColumn={}", end.line, start.column, end.column);
    }
    place
}

/// A message as GitHub reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property as GitHub reads it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
