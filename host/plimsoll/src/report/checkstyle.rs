//! Format `checkstyle`: XML as Checkstyle writes it, which many servers read.

use std::io::{self, Write};

use super::Report;
use super::markup::Escaped;
use super::walk::entries_of;
use crate::finding::Severity;

/// The files that there is something to say of.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">")?;
    for file in &report.outcome.files {
        let mut entries = entries_of(report.outcome, file).peekable();
        if entries.peek().is_none() {
            continue;
        }
        writeln!(out, "  <file name=\"{}\">", Escaped(&file.path))?;
        for entry in entries {
            let (start, severity) = (entry.start(), severity(entry.severity));
            writeln!(
                out,
                "    <error line=\"{}\" column=\"{}\" severity=\"{severity}\" message=\"{}\" source=\"plimsoll/{}\"/>",
                start.line,
                start.column,
                Escaped(entry.message),
                Escaped(entry.name)
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Style => "info",
    }
}
