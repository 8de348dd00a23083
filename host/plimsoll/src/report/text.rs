//! Format `text`: for people. The source line with the place underlined.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use plimsoll_dockerfile::{Position, Span};

use super::{Summary, counted, printable};
use crate::document::Source;
use crate::finding::{Finding, LockLine, Problem, ProblemKind, Severity};
use crate::limits::EXCERPT_BYTES_MAX;
use crate::lint::{FileReport, Outcome};

/// The outcome as text; with ANSI colours if `styled`, cut to a width in columns
/// if there is one.
pub fn text(outcome: &Outcome, styled: bool, width: Option<usize>) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = width.map_or(renderer.clone(), |width| renderer.term_width(width));
    let mut text = String::new();
    for file in &outcome.files {
        // What is wrong with every file is said once, on standard error.
        for problem in file.problems.iter().filter(|problem| problem.kind != ProblemKind::PluginUnusable) {
            text.push_str(&renderer.render(&[problem_group(file, problem)]).to_string());
            text.push_str("\n\n");
        }
        for finding in &file.findings {
            text.push_str(&render(&renderer, file, finding));
            text.push_str("\n\n");
        }
    }
    text.push_str(&summary_line(&Summary::of(outcome)));
    text.push('\n');
    text
}

fn render(renderer: &Renderer, file: &FileReport, finding: &Finding) -> String {
    let title = level(finding.severity).primary_title(printable(&finding.message)).id(finding.rule.to_string());
    let mut elements: Vec<Element> = Vec::new();
    if let Some(source) = &file.source {
        elements.push(match Excerpt::of(source, finding.span) {
            Some(Excerpt { text, line, place }) => {
                let annotation = AnnotationKind::Primary.span(place);
                let snippet = Snippet::source(text).path(printable(&file.path)).line_start(line);
                snippet.annotation(annotation).into()
            }
            None => {
                let Position { line, column } = source.lines().position(finding.span.start);
                Origin::path(printable(&file.path)).line(line as usize).char_column(column as usize).into()
            }
        });
        for (span, message) in &finding.related {
            let Position { line, column } = source.lines().position(span.start);
            elements.push(Level::NOTE.message(format!("{line}:{column}: {}", printable(message))).into());
        }
    }
    // In the lock itself the place says so.
    if let Some(LockLine { path, line }) = finding.lock.as_ref().filter(|_| !file.is_lock) {
        elements.push(Level::NOTE.with_name("lock").message(format!("{}:{line}", printable(path))).into());
    }
    if let Some(url) = &finding.url {
        elements.push(Level::HELP.with_name("see").message(printable(url)).into());
    }
    renderer.render(&[Group::with_title(title).elements(elements)]).to_string()
}

fn problem_group<'f>(file: &'f FileReport, problem: &'f Problem) -> Group<'f> {
    let title = Level::ERROR.primary_title(printable(&problem.message)).id(problem.kind.name());
    let path = printable(&file.path);
    title.element(Origin::path(problem.line.map_or(path.clone(), |line| format!("{path}:{line}"))))
}

fn summary_line(summary: &Summary) -> String {
    let files = counted(summary.files, "file");
    let problems = match summary.problems {
        0 => String::new(),
        count => format!(", {}", counted(count, "problem")),
    };
    let unchecked = match summary.not_checked {
        0 => String::new(),
        count => format!("; {count} not checked"),
    };
    let suppressed = match summary.suppressed {
        0 => String::new(),
        count => format!("; {count} suppressed"),
    };
    if summary.findings() == 0 {
        return format!("No findings{problems} in {files}{suppressed}{unchecked}.");
    }
    let severities = [Severity::Error, Severity::Warning, Severity::Info, Severity::Style];
    let parts: Vec<String> = severities
        .into_iter()
        .filter(|severity| summary.count(*severity) > 0)
        .map(|severity| match severity {
            Severity::Error | Severity::Warning => counted(summary.count(severity), severity.name()),
            Severity::Info | Severity::Style => format!("{} {severity}", summary.count(severity)),
        })
        .collect();
    let findings = counted(summary.findings(), "finding");
    format!("{findings}{problems} in {files} ({}){suppressed}{unchecked}.", parts.join(", "))
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
        Severity::Style => Level::NOTE.with_name("style"),
    }
}

/// The line of a place, as text, with the place in it.
struct Excerpt {
    text: String,
    line: usize,
    place: Range<usize>,
}

impl Excerpt {
    /// Nothing for a line that is too long to show.
    fn of(source: &Source, span: Span) -> Option<Self> {
        let number = source.lines().line_of(span.start);
        let line = source.lines().line_span(number)?;
        let bytes = line.of(source.bytes());
        // No newline, no byte order mark, and only the first line of a place that spans several.
        let length = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
        let from = if line.start == 0 && bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        if length - from > EXCERPT_BYTES_MAX {
            return None;
        }
        let within = |offset: u32| (offset.saturating_sub(line.start) as usize).clamp(from, length);
        let part = |range: Range<usize>| printable(&String::from_utf8_lossy(&bytes[range]));
        let (begin, end) = (within(span.start), within(span.end));
        let (before, place, after) = (part(from..begin), part(begin..end), part(end..length));
        let range = before.len()..before.len() + place.len();
        Some(Self { text: before + &place + &after, line: number as usize, place: range })
    }
}
