//! Format `gitlab`: Code Quality, as GitLab reads it.

use std::cell::RefCell;
use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::fingerprint::Fingerprints;
use super::walk::{Each, Entry, entries};
use crate::finding::Severity;

/// One list of all findings.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let fingerprints = RefCell::new(Fingerprints::default());
    let issue = |entry| Issue::of(&entry, &mut fingerprints.borrow_mut());
    serde_json::to_writer(&mut *out, &Each(|| entries(report.outcome).map(issue)))?;
    writeln!(out)
}

#[derive(Serialize)]
struct Issue<'o> {
    description: &'o str,
    check_name: &'o str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'o>,
}

#[derive(Serialize)]
struct Location<'o> {
    path: &'o str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

impl<'o> Issue<'o> {
    fn of(entry: &Entry<'o>, fingerprints: &mut Fingerprints) -> Self {
        let begin = entry.start().line;
        Self {
            description: entry.message,
            check_name: entry.name,
            fingerprint: fingerprints.next(entry),
            severity: match (entry.finding, entry.severity) {
                (None, _) => "blocker",
                (_, Severity::Error) => "critical",
                (_, Severity::Warning) => "major",
                (_, Severity::Info) => "minor",
                (_, Severity::Style) => "info",
            },
            location: Location {
                path: entry.file.path.strip_prefix("./").unwrap_or(&entry.file.path),
                lines: Lines { begin, end: entry.place.map_or(begin, |place| place.end.line) },
            },
        }
    }
}
