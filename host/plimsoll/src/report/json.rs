//! Format `json`, version 1: keys may be added, never changed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_dockerfile::{Position, Span};
use serde::Serialize;

use super::statistics::{Statistic, statistics};
use super::walk::{Each, Place};
use super::{Report, Summary};
use crate::document::Source;
use crate::finding::{Finding, Fix, Problem, ProblemKind, Severity, Skipped, Suppression};
use crate::lint::{FileReport, Tally};
use crate::question::SkipReason;

/// The version of the format.
const VERSION: u32 = 1;

/// Where the files are from, if not from this machine.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Repository<'r> {
    /// Its address, without what is secret.
    pub url: &'r str,
    /// What was asked for: a commit, a branch, a tag.
    pub reference: &'r str,
    /// The commit that it means.
    pub commit: &'r str,
}

/// The outcome as one JSON document, with a newline at its end.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Facts { version, repository, summary, slow_checks, statistics } = Facts::of(report);
    let files = Each(|| report.outcome.files.iter().map(File::of));
    let document = Document { version, repository, files, summary, slow_checks, statistics };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'o, F> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Repository<'o>>,
    files: F,
    summary: Counts,
    slow_checks: SlowChecks,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Vec<Statistic<'o>>>,
}

/// What is said of all files together.
#[derive(Serialize)]
pub(super) struct Facts<'o> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Repository<'o>>,
    summary: Counts,
    slow_checks: SlowChecks,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Vec<Statistic<'o>>>,
}

#[derive(Serialize)]
struct File<'o> {
    path: &'o str,
    findings: Vec<JsonFinding<'o>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressed: Vec<JsonSuppressed<'o>>,
    problems: Vec<JsonProblem<'o>>,
    skipped: Vec<JsonSkipped<'o>>,
}

#[derive(Serialize)]
pub(super) struct JsonFinding<'o> {
    rule: &'o str,
    severity: Severity,
    message: &'o str,
    url: Option<&'o str>,
    range: Range,
    bytes: Bytes,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<JsonRelated<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<JsonLockLine<'o>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<JsonFix<'o>>,
}

#[derive(Serialize)]
struct JsonRelated<'o> {
    message: &'o str,
    range: Range,
}

#[derive(Serialize)]
struct JsonFix<'o> {
    safety: &'static str,
    message: &'o str,
    edits: Vec<JsonEdit<'o>>,
    renews_entry: bool,
}

#[derive(Serialize)]
struct JsonEdit<'o> {
    range: Range,
    bytes: Bytes,
    text: &'o str,
}

#[derive(Serialize)]
pub(super) struct JsonSuppressed<'o> {
    #[serde(flatten)]
    finding: JsonFinding<'o>,
    by: JsonSuppression<'o>,
}

/// Why a finding counts for nothing.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum JsonSuppression<'o> {
    Comment {
        line: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'o str>,
    },
    Baseline,
}

#[derive(Serialize)]
struct JsonLockLine<'o> {
    path: &'o str,
    line: u32,
}

#[derive(Serialize)]
struct Range {
    start: Point,
    end: Point,
}

#[derive(Serialize)]
struct Point {
    line: u32,
    column: u32,
}

/// Offsets into the file; the end is the first byte behind.
#[derive(Serialize)]
struct Bytes {
    start: u32,
    end: u32,
}

#[derive(Serialize)]
pub(super) struct JsonProblem<'o> {
    kind: ProblemKind,
    message: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct JsonSkipped<'o> {
    rule: &'o str,
    resolver: &'o str,
    question: &'o str,
    reason: SkipReason,
    detail: &'o str,
}

#[derive(Serialize)]
struct Counts {
    files: usize,
    findings: usize,
    error: usize,
    warning: usize,
    info: usize,
    style: usize,
    #[serde(skip_serializing_if = "is_none")]
    suppressed: usize,
    problems: usize,
    not_checked: usize,
}

#[derive(Serialize)]
pub(super) struct SlowChecks {
    mode: &'static str,
    planned: usize,
    deduplicated: usize,
    from_lock: usize,
    from_cache: usize,
    executed: usize,
    skipped: BTreeMap<&'static str, usize>,
}

impl<'o> Facts<'o> {
    pub(super) fn of(report: &Report<'o>) -> Self {
        let (summary, tally) = (Summary::of(report.outcome), &report.outcome.slow_checks);
        Self {
            version: VERSION,
            repository: report.repository,
            summary: Counts {
                files: summary.files,
                findings: summary.findings(),
                error: summary.count(Severity::Error),
                warning: summary.count(Severity::Warning),
                info: summary.count(Severity::Info),
                style: summary.count(Severity::Style),
                suppressed: summary.suppressed,
                problems: summary.problems,
                not_checked: summary.not_checked,
            },
            slow_checks: SlowChecks::of(report.mode, tally),
            statistics: report.has_statistics.then(|| statistics(report.outcome)),
        }
    }
}

impl SlowChecks {
    pub(super) fn of(mode: &'static str, tally: &Tally) -> Self {
        Self {
            mode,
            planned: tally.planned,
            deduplicated: tally.deduplicated,
            from_lock: tally.from_lock,
            from_cache: tally.from_cache,
            executed: tally.executed,
            skipped: tally.skipped.iter().map(|(reason, count)| (reason.name(), *count)).collect(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

impl<'o> JsonFinding<'o> {
    /// A finding in a file; without the file it has no place.
    pub(super) fn of(finding: &'o Finding, source: Option<&Source>) -> Self {
        let range = |span| Range::of(Place::of(span, source));
        let edit = |(span, text): &'o (Span, String)| JsonEdit { range: range(*span), bytes: Bytes::of(*span), text };
        let fix = |fix: &'o Fix| JsonFix {
            safety: if fix.is_safe { "safe" } else { "unsafe" },
            message: &fix.message,
            edits: fix.edits.iter().map(edit).collect(),
            renews_entry: fix.renews_entry,
        };
        let related = finding.related.iter().map(|(span, message)| JsonRelated { message, range: range(*span) });
        Self {
            rule: &finding.rule,
            severity: finding.severity,
            message: &finding.message,
            url: finding.url.as_deref(),
            range: range(finding.span),
            bytes: Bytes::of(finding.span),
            related: related.collect(),
            lock: finding.lock.as_ref().map(|lock| JsonLockLine { path: &lock.path, line: lock.line }),
            fixes: finding.fixes.iter().map(fix).collect(),
        }
    }
}

impl<'o> JsonSuppressed<'o> {
    pub(super) fn of(finding: &'o Finding, why: &'o Suppression, source: Option<&Source>) -> Self {
        let by = match why {
            Suppression::Comment { line, reason } => {
                JsonSuppression::Comment { line: *line, reason: reason.as_deref() }
            }
            Suppression::Baseline => JsonSuppression::Baseline,
        };
        Self { finding: JsonFinding::of(finding, source), by }
    }
}

impl Range {
    fn of(Place { start, end }: Place) -> Self {
        let point = |Position { line, column }| Point { line, column };
        Self { start: point(start), end: point(end) }
    }
}

impl Bytes {
    fn of(Span { start, end }: Span) -> Self {
        Self { start, end }
    }
}

impl<'o> JsonProblem<'o> {
    pub(super) fn of(problem: &'o Problem) -> Self {
        Self { kind: problem.kind, message: &problem.message, line: problem.line }
    }
}

impl<'o> JsonSkipped<'o> {
    pub(super) fn of(skipped: &'o Skipped) -> Self {
        Self {
            rule: &skipped.rule,
            resolver: skipped.resolver,
            question: &skipped.question,
            reason: skipped.reason,
            detail: &skipped.detail,
        }
    }
}

impl<'o> File<'o> {
    fn of(file: &'o FileReport) -> Self {
        let source = file.source.as_deref();
        Self {
            path: &file.path,
            findings: file.findings.iter().map(|finding| JsonFinding::of(finding, source)).collect(),
            suppressed: (file.suppressed.iter())
                .map(|(finding, why)| JsonSuppressed::of(finding, why, source))
                .collect(),
            problems: file.problems.iter().map(JsonProblem::of).collect(),
            skipped: file.skipped.iter().map(JsonSkipped::of).collect(),
        }
    }
}
