//! Format `html`: one page that needs nothing else.
//!
//! It is written whole before any script runs; the script only hides what filters leave out. Invariant: texts of
//! strangers stand in it as text, and what the page itself brings along is all that its policy lets run.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::excerpt::Excerpt;
use super::markup::Escaped;
use super::notes::by_reason;
use super::statistics::statistics;
use super::text::summary_line;
use super::walk::{Entry, Place, entries, entries_of};
use super::{Report, Summary, is_web_address, printable};
use crate::document::Source;
use crate::finding::{Finding, Fix, LockLine, Severity};
use crate::limits::EXCERPT_BYTES_MAX;
use crate::lint::FileReport;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = PAGE;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        out.write_all(before.as_bytes())?;
        fill(name, report, out)?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// What stands in the page's stead of a name.
fn fill(name: &str, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    match name {
        "policy" => write!(out, "{}", policy()),
        "style" => out.write_all(STYLE.as_bytes()),
        "script" => out.write_all(SCRIPT.as_bytes()),
        "version" => write!(out, "{}", env!("CARGO_PKG_VERSION")),
        "summary" => write!(out, "{}", Escaped(summary_line(report.outcome))),
        "repository" => repository(report, out),
        "severities" => severities(report, out),
        "rules" => rules(report, out),
        "paths" => paths(report, out),
        "notes" => notes(report, out),
        "files" => report.outcome.files.iter().try_for_each(|file| section(report, file, out)),
        "statistics" => table(report, out),
        _ => unreachable!("the page has no other names"),
    }
}

/// Nothing is loaded, sent or run but what the page has inside.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// A text of strangers, as text.
fn shown(text: &str) -> Escaped<String> {
    Escaped(printable(text))
}

fn repository(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    match &report.repository {
        Some(repository) => write!(out, "<p>{} at {}</p>", shown(repository.url), shown(repository.commit)),
        None => Ok(()),
    }
}

/// A switch for each severity that occurs.
fn severities(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut counts = Summary::of(report.outcome).by_severity;
    // Problems are shown as errors.
    counts[Severity::Error as usize] += entries(report.outcome).filter(|entry| entry.finding.is_none()).count();
    for severity in [Severity::Error, Severity::Warning, Severity::Info, Severity::Style] {
        let count = counts[severity as usize];
        if count > 0 {
            write!(
                out,
                "<label><input type=\"checkbox\" value=\"{severity}\" checked=\"\"/> \
                 <span class=\"severity {severity}\">{severity}</span> {count}</label>"
            )?;
        }
    }
    Ok(())
}

fn rules(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut names: Vec<&str> = entries(report.outcome).map(|entry| entry.name).collect();
    names.sort_unstable();
    names.chunk_by(|one, other| one == other).try_for_each(|same| {
        let name = shown(same[0]);
        write!(out, "<option value=\"{name}\">{name} ({})</option>", same.len())
    })
}

fn paths(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for file in report.outcome.files.iter().filter(|file| entries_of(report.outcome, file).next().is_some()) {
        let path = shown(&file.path);
        write!(out, "<option value=\"{path}\">{path}</option>")?;
    }
    Ok(())
}

/// What is not known of the world, and what could not be run.
fn notes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut notes = by_reason(report.outcome, report.circumstances).into_iter().map(|(_, note)| note).peekable();
    if notes.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "<aside class=\"notes card\"><h2>Not checked</h2><ul>")?;
    notes.try_for_each(|note| writeln!(out, "<li>{}</li>", shown(&note)))?;
    writeln!(out, "</ul></aside>")
}

/// A file that there is something to tell of.
fn section(report: &Report, file: &FileReport, out: &mut dyn Write) -> io::Result<()> {
    let count = entries_of(report.outcome, file).count();
    if count == 0 {
        return Ok(());
    }
    let path = shown(&file.path);
    writeln!(out, "<section class=\"file card\" data-path=\"{path}\">\n<h2>{path} <span>{count}</span></h2>")?;
    entries_of(report.outcome, file).try_for_each(|entry| article(&entry, out))?;
    writeln!(out, "</section>")
}

fn article(entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
    let (severity, name) = (entry.severity, shown(entry.name));
    writeln!(
        out,
        "<article class=\"{severity}\" data-rule=\"{name}\">\n<p class=\"message\">{}</p>",
        shown(entry.message)
    )?;
    write!(out, "<p class=\"about\"><span class=\"severity\">{severity}</span>")?;
    match entry.url.filter(|url| is_web_address(url)) {
        Some(url) => write!(out, "<a href=\"{}\" rel=\"noopener noreferrer\">{name}</a>", shown(url))?,
        None => write!(out, "<span>{name}</span>")?,
    }
    if let Some(place) = entry.place {
        write!(out, "<span class=\"place\">{}:{}</span>", place.start.line, place.start.column)?;
    }
    writeln!(out, "</p>")?;
    if let Some(finding) = entry.finding {
        details(entry, finding, out)?;
    }
    writeln!(out, "</article>")
}

/// The line of a finding, other places, and ways to mend it.
fn details(entry: &Entry, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let source = entry.file.source.as_deref();
    if let Some(Excerpt { text, line, place }) = source.and_then(|source| Excerpt::of(source, finding.span)) {
        let (before, meant, after) = (&text[..place.start], &text[place.clone()], &text[place.end..]);
        let class = if meant.is_empty() { " class=\"empty\"" } else { "" };
        writeln!(
            out,
            "<pre><span class=\"number\">{line}</span><code>{}<mark{class}>{}</mark>{}</code></pre>",
            Escaped(before),
            Escaped(meant),
            Escaped(after)
        )?;
    }
    for (span, message) in finding.related.iter().filter(|_| source.is_some()) {
        let start = Place::of(*span, source).start;
        let (line, column) = (start.line, start.column);
        writeln!(out, "<p class=\"more\"><span class=\"place\">{line}:{column}</span> {}</p>", shown(message))?;
    }
    if let Some(LockLine { path, line }) = finding.lock.as_ref().filter(|_| !entry.file.is_lock) {
        writeln!(out, "<p class=\"more\"><b>Lock</b> <span class=\"place\">{}:{line}</span></p>", shown(path))?;
    }
    finding.fixes.iter().try_for_each(|fix| mend(fix, source, out))
}

/// What is longer stands in lines of its own.
const LONG_CHANGE_BYTES: usize = 60;

fn mend(fix: &Fix, source: Option<&Source>, out: &mut dyn Write) -> io::Result<()> {
    let safety = if fix.is_safe { "Fix" } else { "Unsafe fix" };
    write!(out, "<p class=\"more\"><b>{safety}</b> {}", shown(&fix.message))?;
    for (span, new) in &fix.edits {
        let old =
            source.map_or_else(String::new, |source| String::from_utf8_lossy(span.of(source.bytes())).into_owned());
        if old.len() + new.len() <= EXCERPT_BYTES_MAX {
            let is_long = [&old, new].iter().any(|text| text.contains('\n') || text.len() > LONG_CHANGE_BYTES);
            write!(out, " <code{}>", if is_long { " class=\"block\"" } else { "" })?;
            change("del", &old, out)?;
            change("ins", new, out)?;
            write!(out, "</code>")?;
        }
    }
    writeln!(out, "</p>")
}

/// A text that goes or comes, line by line.
fn change(tag: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = text.split('\n').map(|line| shown(line.trim_end_matches('\r')).to_string()).collect();
    write!(out, "<{tag}>{}</{tag}>", lines.join("\n"))
}

/// Findings by rule.
fn table(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let statistics = statistics(report.outcome);
    if statistics.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section class=\"statistics card\"><h2>By rule</h2><table><thead><tr>\
         <th>Rule</th><th class=\"count\">Findings</th><th class=\"count\">With a fix</th></tr></thead><tbody>"
    )?;
    for statistic in &statistics {
        let (name, findings, fixable) = (shown(statistic.rule), statistic.findings, statistic.fixable);
        writeln!(out, "<tr><td>{name}</td><td class=\"count\">{findings}</td><td class=\"count\">{fixable}</td></tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}
