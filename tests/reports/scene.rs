//! An outcome made by hand, in which a stranger had all the words.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::config::{FailLevel, Format};
use plimsoll::document::Document;
use plimsoll::finding::{Finding, Fix, LockLine, Problem, ProblemKind, Severity, Skipped};
use plimsoll::lint::{FileReport, Outcome};
use plimsoll::question::SkipReason;
use plimsoll::report::{Bar, Circumstances, Look, Report};
use plimsoll_dockerfile::Span;

/// The rule of all findings.
pub(crate) const RULE: &str = "acme/rule";

/// A file of this name, with a problem and two findings, whose words are all the same.
pub(crate) fn outcome(words: &str) -> Outcome {
    let source = format!("FROM scratch\nCOPY {} /\nCOPY b /\n", words.replace(['\n', '\r'], " "));
    let length = source.len() as u32;
    let span = |start, end| Span::new(start, end);
    let finding = |place: Span| Finding {
        rule: RULE.into(),
        severity: Severity::Warning,
        message: words.to_owned(),
        url: Some(format!("https://example.com/{words}")),
        span: place,
        related: vec![(span(0, 4), words.to_owned())],
        lock: Some(LockLine { path: words.into(), line: 3 }),
        fixes: vec![Fix {
            message: words.to_owned(),
            is_safe: false,
            edits: vec![(span(0, 4), words.to_owned()), (span(5, 12), String::new())],
            renews_entry: false,
        }],
    };
    let file = FileReport {
        path: words.to_owned(),
        source: Some(Document::new(0, words.to_owned(), source.into_bytes()).shared_source()),
        findings: vec![finding(span(13, 17)), finding(span(18, length - 1))],
        problems: vec![Problem { kind: ProblemKind::Syntax, message: words.to_owned(), line: Some(2) }],
        skipped: vec![Skipped {
            rule: Arc::from(RULE),
            resolver: "registry",
            question: words.to_owned(),
            host: Some(words.to_owned()),
            reason: SkipReason::Network,
            detail: words.to_owned(),
        }],
        ..FileReport::default()
    };
    Outcome { files: vec![file], ..Outcome::default() }
}

/// It as a format has it.
pub(crate) fn written(outcome: &Outcome, format: Format) -> String {
    let circumstances = Circumstances { ci: None, timeout: Duration::from_secs(1), is_replay: false };
    let report = Report {
        outcome,
        plugins: &[],
        unusable: &[],
        mode: "on",
        circumstances: &circumstances,
        bar: Bar::of(outcome, FailLevel::At(Severity::Warning), None),
        repository: None,
        has_statistics: false,
        look: Look::default(),
    };
    let mut bytes = Vec::new();
    report.write(format, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}
