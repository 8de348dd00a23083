//! Format `json`, version 1: keys may be added, never changed.

use std::collections::BTreeMap;

use plimsoll_dockerfile::Position;
use serde::Serialize;

use super::Summary;
use crate::document::Source;
use crate::finding::{Finding, ProblemKind, Severity, Suppression};
use crate::lint::{FileReport, Outcome};
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
pub fn json(outcome: &Outcome, mode: &'static str, repository: Option<Repository>) -> String {
    let (summary, tally) = (Summary::of(outcome), &outcome.slow_checks);
    let document = Document {
        version: VERSION,
        repository,
        files: outcome.files.iter().map(File::of).collect(),
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
        slow_checks: SlowChecks {
            mode,
            planned: tally.planned,
            deduplicated: tally.deduplicated,
            from_lock: tally.from_lock,
            from_cache: tally.from_cache,
            executed: tally.executed,
            skipped: tally.skipped.iter().map(|(reason, count)| (reason.name(), *count)).collect(),
        },
    };
    let mut text = serde_json::to_string(&document).expect("the report has string keys only");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'o> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Repository<'o>>,
    files: Vec<File<'o>>,
    summary: Counts,
    slow_checks: SlowChecks,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<JsonLockLine<'o>>,
}

#[derive(Serialize)]
struct JsonSuppressed<'o> {
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

#[derive(Serialize)]
struct JsonProblem<'o> {
    kind: ProblemKind,
    message: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
struct JsonSkipped<'o> {
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
struct SlowChecks {
    mode: &'static str,
    planned: usize,
    deduplicated: usize,
    from_lock: usize,
    from_cache: usize,
    executed: usize,
    skipped: BTreeMap<&'static str, usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

impl<'o> JsonFinding<'o> {
    /// A finding in a file; without the file it has no place.
    pub(super) fn of(finding: &'o Finding, source: Option<&Source>) -> Self {
        let lines = source.map(Source::lines);
        let point = |offset| {
            let Position { line, column } =
                lines.map_or(Position { line: 1, column: 1 }, |lines| lines.position(offset));
            Point { line, column }
        };
        Self {
            rule: &finding.rule,
            severity: finding.severity,
            message: &finding.message,
            url: finding.url.as_deref(),
            range: Range { start: point(finding.span.start), end: point(finding.span.end) },
            lock: finding.lock.as_ref().map(|lock| JsonLockLine { path: &lock.path, line: lock.line }),
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
                .map(|(finding, why)| JsonSuppressed {
                    finding: JsonFinding::of(finding, source),
                    by: match why {
                        Suppression::Comment { line, reason } => {
                            JsonSuppression::Comment { line: *line, reason: reason.as_deref() }
                        }
                        Suppression::Baseline => JsonSuppression::Baseline,
                    },
                })
                .collect(),
            problems: (file.problems.iter())
                .map(|problem| JsonProblem { kind: problem.kind, message: &problem.message, line: problem.line })
                .collect(),
            skipped: (file.skipped.iter())
                .map(|skipped| JsonSkipped {
                    rule: &skipped.rule,
                    resolver: skipped.resolver,
                    question: &skipped.question,
                    reason: skipped.reason,
                    detail: &skipped.detail,
                })
                .collect(),
        }
    }
}
