//! Format `text`: for people. The source line with the place underlined.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use plimsoll_dockerfile::Span;

use super::{Summary, counted};
use crate::document::Document;
use crate::finding::{Finding, Problem, ProblemKind, Severity};
use crate::lint::{FileReport, Outcome};

/// Bytes of a source line that are shown; a longer one is cut around the place.
const LINE_BYTES_MAX: usize = 400;

/// The outcome as text; with ANSI colours if `styled`.
pub fn text(outcome: &Outcome, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
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
    let url = finding.url.as_deref().map(printable);
    let Some(document) = &file.document else {
        return renderer.render(&[title.element(Level::NOTE.no_name().message(""))]).to_string();
    };
    let excerpt = Excerpt::of(document, finding.span);
    let snippet = Snippet::source(excerpt.text.as_str())
        .path(file.path.as_str())
        .line_start(excerpt.line)
        .annotation(AnnotationKind::Primary.span(excerpt.place.clone()));
    let mut group = title.element(snippet);
    if let Some(url) = url {
        group = group.element(Level::HELP.with_name("see").message(url));
    }
    renderer.render(&[group]).to_string()
}

fn problem_group<'f>(file: &'f FileReport, problem: &'f Problem) -> annotate_snippets::Group<'f> {
    let title = Level::ERROR.primary_title(printable(&problem.message)).id(problem.kind.name());
    let place = problem.line.map_or(file.path.clone(), |line| format!("{}:{line}", file.path));
    title.element(annotate_snippets::Origin::path(place))
}

fn summary_line(summary: &Summary) -> String {
    let files = counted(summary.files, "file");
    let unchecked = match summary.not_checked {
        0 => String::new(),
        count => format!("; {count} not checked"),
    };
    if summary.findings() == 0 {
        return format!("No findings in {files}{unchecked}.");
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
    format!("{} in {files} ({}){unchecked}.", counted(summary.findings(), "finding"), parts.join(", "))
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
    place: std::ops::Range<usize>,
}

impl Excerpt {
    fn of(document: &Document, span: Span) -> Self {
        let (source, lines) = (document.source(), document.lines());
        let line = lines.line_of(span.start);
        let (begin, end) =
            lines.line_span(line).map_or((0, source.len()), |line| (line.start as usize, line.end as usize));
        // Only the first line of a place that spans several, and no newline.
        let bytes = source.get(begin..end).unwrap_or_default();
        let length = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
        let (start, stop) = (span.start as usize - begin, (span.end as usize - begin).min(length));
        let (start, stop) = (start.min(length), stop.max(start.min(length)));
        // A line of a megabyte is no help on a terminal.
        let from = start.saturating_sub(LINE_BYTES_MAX / 2);
        let to = length.min(from + LINE_BYTES_MAX);
        let before = printable(&String::from_utf8_lossy(&bytes[from..start]));
        let place = printable(&String::from_utf8_lossy(&bytes[start..stop.min(to).max(start)]));
        let after = printable(&String::from_utf8_lossy(&bytes[stop.min(to).max(start)..to.max(start)]));
        let place_range = before.len()..before.len() + place.len();
        Self { text: before + &place + &after, line: line as usize, place: place_range }
    }
}

/// Text from a stranger, without what would move the cursor or change colours.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{FFFD}' } else { c }).collect()
}
