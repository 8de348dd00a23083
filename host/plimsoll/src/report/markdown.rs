//! Format `markdown`: a table for a comment on a pull request, or for the summary of a job.

use std::fmt::Write as _;
use std::io::{self, Write};

use plimsoll_dockerfile::Position;

use super::text::summary_line;
use super::walk::{Entry, entries};
use super::{Report, is_web_address, printable, statistics};
use crate::finding::Severity;
use crate::limits::MARKDOWN_BYTES_MAX;

/// A sentence and a table, which ends where comments would be cut.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### Plimsoll\n\n{}", escaped(&summary_line(report.outcome)))?;
    if report.has_statistics {
        return write_statistics(report, out);
    }
    let mut all = entries(report.outcome).peekable();
    if all.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "\n| | Place | Rule | Message |\n|---|---|---|---|")?;
    let mut bytes = 0;
    while let Some(entry) = all.peek() {
        let row = row(entry);
        bytes += row.len();
        if bytes > MARKDOWN_BYTES_MAX {
            break;
        }
        out.write_all(row.as_bytes())?;
        all.next();
    }
    match all.count() {
        0 => Ok(()),
        more => writeln!(out, "\nAnd {more} more, for which there is no room here; other formats have them all."),
    }
}

fn write_statistics(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut problems = entries(report.outcome).filter(|entry| entry.finding.is_none()).peekable();
    if problems.peek().is_some() {
        writeln!(out, "\n| | Place | Problem | Message |\n|---|---|---|---|")?;
        problems.try_for_each(|entry| out.write_all(row(&entry).as_bytes()))?;
    }
    writeln!(out, "\n| Findings | Rule | With a fix |\n|---:|---|---:|")?;
    for statistic in statistics::statistics(report.outcome) {
        writeln!(out, "| {} | {} | {} |", statistic.findings, code(statistic.rule), statistic.fixable)?;
    }
    Ok(())
}

fn row(entry: &Entry) -> String {
    let Position { line, column } = entry.start();
    let mut place = code(&entry.file.path);
    if entry.place.is_some() {
        let _ = write!(place, ":{line}:{column}");
    }
    let rule = match entry.url.filter(|url| is_web_address(url)) {
        Some(url) => format!("[{}](<{}>)", code(entry.name), address(url)),
        None => code(entry.name),
    };
    let sign = match entry.severity {
        Severity::Error => "🔴 error",
        Severity::Warning => "🟡 warning",
        Severity::Info => "🔵 info",
        Severity::Style => "⚪ style",
    };
    format!("| {sign} | {place} | {rule} | {} |\n", escaped(entry.message))
}

/// A name as code; as text where it would end the code.
fn code(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:+@ ".contains(c);
    match name.chars().all(is_plain) && !name.is_empty() && name.trim() == name {
        true => format!("`{name}`"),
        false => escaped(name),
    }
}

/// A text that stays the text it is: in a cell of a table, without markup, links, or names that are notified.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in printable(&text.replace(['\n', '\r'], " ")).chars() {
        match c {
            // A comment parts them from what would make them a name or a number of an issue.
            '@' | '#' => {
                let _ = write!(escaped, "\\{c}<!-- -->");
            }
            // Brackets of addresses and arguments are common, and mean nothing by themselves.
            '.' | ',' | '-' | '\'' | '"' | '(' | ')' | '/' | ';' | '?' | '%' | '=' => escaped.push(c),
            c if c.is_ascii_punctuation() => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    // Without a protocol, addresses are links as well.
    escaped.replace("GH-", "GH<!-- -->-").replace("www.", "www\\.").replace("WWW.", "WWW\\.")
}

/// An address between `<` and `>`, in a table.
fn address(url: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"<>|\\`".contains(&byte);
    let mut address = String::new();
    for byte in url.bytes() {
        match is_plain(byte) {
            true => address.push(char::from(byte)),
            false => address += &format!("%{byte:02X}"),
        }
    }
    address
}
