//! Format `concise`: a line a finding, as compilers print them.

use std::io::{self, Write};

use plimsoll_dockerfile::Position;

use super::text::{summary_line, write_fixable};
use super::walk::{Entry, entries, entries_of};
use super::{Report, printable, statistics};

/// `path:line:column: severity[rule] message`, then a summary.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.has_statistics {
        let problems = entries(report.outcome).filter(|entry| entry.finding.is_none());
        problems.into_iter().try_for_each(|entry| writeln!(out, "{}", line(&entry)))?;
        statistics::write(report.outcome, out)?;
    } else {
        let mut all = report.outcome.files.iter().flat_map(entries_of);
        all.try_for_each(|entry| writeln!(out, "{}", line(&entry)))?;
    }
    writeln!(out, "{}", summary_line(report.outcome))?;
    write_fixable(report.outcome, out)
}

/// An entry in one line.
pub(super) fn line(entry: &Entry) -> String {
    let (mut path, message) = (printable(&entry.file.path), printable(entry.message));
    // GitHub would take such a line for a command.
    if path.trim_start().starts_with("::") {
        path.insert_str(0, "./");
    }
    let place = match entry.place {
        Some(_) => {
            let Position { line, column } = entry.start();
            format!("{path}:{line}:{column}")
        }
        None => path,
    };
    format!("{place}: {}[{}] {message}", entry.severity, entry.name)
}
