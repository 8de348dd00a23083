//! Format `text`: for people. The source line with the place underlined.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use plimsoll_dockerfile::Position;

use super::excerpt::Excerpt;
use super::walk::problems;
use super::{Look, Report, Summary, counted, is_web_address, printable, statistics};
use crate::finding::{Finding, LockLine, Problem, Severity};
use crate::fix::fixable;
use crate::lint::{FileReport, Outcome};

/// The outcome as text; with ANSI colours and links where they are wanted, cut to a width in columns if there is one.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Look { is_styled, has_links, width } = report.look;
    let renderer = if is_styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = width.map_or(renderer.clone(), |width| renderer.term_width(width));
    for file in &report.outcome.files {
        for problem in problems(file) {
            write!(out, "{}\n\n", renderer.render(&[problem_group(file, problem)]))?;
        }
        for finding in file.findings.iter().filter(|_| !report.has_statistics) {
            write!(out, "{}\n\n", render(&renderer, file, finding, has_links))?;
        }
    }
    if report.has_statistics {
        statistics::write(report.outcome, out)?;
    }
    writeln!(out, "{}", summary_line(report.outcome))?;
    write_fixable(report.outcome, out)
}

/// What there are fixes for, and how they are applied.
pub(super) fn write_fixable(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    match fixable(outcome) {
        (0, 0) => Ok(()),
        (0, more) => writeln!(out, "{more} can be fixed with --fix --unsafe-fixes."),
        (safe, 0) => writeln!(out, "{safe} can be fixed with --fix."),
        (safe, more) => writeln!(out, "{safe} can be fixed with --fix, {more} more with --unsafe-fixes."),
    }
}

fn render(renderer: &Renderer, file: &FileReport, finding: &Finding, has_links: bool) -> String {
    let mut title = level(finding.severity).primary_title(printable(&finding.message)).id(finding.rule.to_string());
    if let Some(url) = finding.url.as_deref().filter(|url| has_links && is_web_address(url)) {
        title = title.id_url(printable(url));
    }
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

/// How much was found, in a sentence.
pub(super) fn summary_line(outcome: &Outcome) -> String {
    let summary = Summary::of(outcome);
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
