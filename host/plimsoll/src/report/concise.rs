//! Format `concise`: a line a finding, as compilers print them.

use std::io::{self, Write};

use plimsoll_dockerfile::Position;

use super::text::{summary_line, write_fixable};
use super::walk::{Entry, entries};
use super::{Report, printable, statistics};

/// `path:line:column: severity[rule] message`, then a summary.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let is_counted = |entry: &Entry| report.has_statistics && entry.finding.is_some();
    let mut shown = entries(report.outcome).filter(|entry| !is_counted(entry));
    shown.try_for_each(|entry| writeln!(out, "{}", line(&entry)))?;
    if report.has_statistics {
        statistics::write(report.outcome, out)?;
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
