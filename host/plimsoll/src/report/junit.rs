//! Format `junit`: XML as test runners write it. A file is a suite, a finding a case.

use std::io::{self, Write};

use super::Report;
use super::markup::Escaped;
use super::walk::{Entry, entries_of};
use crate::lint::FileReport;

/// All files: one of which nothing is to be told is a suite with a case that went well.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let counts = report.outcome.files.iter().map(|file| Counts::of(report, file));
    let all = counts.fold(Counts::default(), Counts::and).attributes();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"plimsoll\" {all}>")?;
    report.outcome.files.iter().try_for_each(|file| suite(report, file, out))?;
    writeln!(out, "</testsuites>")
}

/// How a case ends.
#[derive(PartialEq, Eq)]
enum End {
    /// A finding that makes the run fail.
    Failure,
    /// A file, or a plugin's share of it, that could not be checked.
    Error,
    /// A finding below the fail level.
    Success,
}

impl End {
    fn of(report: &Report, entry: &Entry) -> Self {
        match entry.finding {
            None => Self::Error,
            Some(finding) if report.bar.fails(finding.severity) => Self::Failure,
            Some(_) => Self::Success,
        }
    }
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of(report: &Report, file: &FileReport) -> Self {
        let mut counts = Self { skipped: file.skipped.len(), ..Self::default() };
        for entry in entries_of(report.outcome, file) {
            let end = End::of(report, &entry);
            counts.tests += 1;
            counts.failures += usize::from(end == End::Failure);
            counts.errors += usize::from(end == End::Error);
        }
        counts.tests = counts.tests.max(1) + counts.skipped;
        counts
    }

    fn and(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
        }
    }

    fn attributes(&self) -> String {
        let Self { tests, failures, errors, skipped } = self;
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
    }
}

fn suite(report: &Report, file: &FileReport, out: &mut dyn Write) -> io::Result<()> {
    let path = Escaped(&file.path);
    writeln!(out, "  <testsuite name=\"{path}\" {}>", Counts::of(report, file).attributes())?;
    let mut entries = entries_of(report.outcome, file).peekable();
    if entries.peek().is_none() {
        writeln!(out, "    <testcase name=\"no findings\" classname=\"{path}\"/>")?;
    }
    for entry in entries {
        let start = entry.start();
        let (line, name, message) = (start.line, Escaped(entry.name), Escaped(entry.message));
        let place = format!("{path}:{line}:{}", start.column);
        let (tag, kind) = match End::of(report, &entry) {
            End::Failure => ("failure", entry.severity.name()),
            End::Error => ("error", entry.name),
            End::Success => ("system-out", ""),
        };
        let attributes = match tag {
            "system-out" => String::new(),
            _ => format!(" type=\"{kind}\" message=\"{message}\""),
        };
        let see = entry.url.map_or(String::new(), |url| format!("&#10;see {}", Escaped(url)));
        writeln!(
            out,
            "    <testcase name=\"{name} at {line}:{}\" classname=\"{path}\" file=\"{path}\" line=\"{line}\">\
             <{tag}{attributes}>{place}: {message}{see}</{tag}></testcase>",
            start.column
        )?;
    }
    for skipped in &file.skipped {
        writeln!(
            out,
            "    <testcase name=\"{} asks: {}\" classname=\"{path}\"><skipped message=\"{}: {}\"/></testcase>",
            Escaped(&skipped.rule),
            Escaped(&skipped.question),
            skipped.reason.name(),
            Escaped(&skipped.detail)
        )?;
    }
    writeln!(out, "  </testsuite>")
}
