//! What formats have in common that are lists: one thing to tell after another.
//!
//! Input: an outcome. Output: [`Entry`] by entry, file by file, what is wrong with a file before what was found in
//! it. Invariant: every format tells the same in the same order.

use plimsoll_dockerfile::{Position, Span};
use serde::{Serialize, Serializer};

use crate::document::Source;
use crate::finding::{Finding, Problem, ProblemKind, Severity};
use crate::lint::{FileReport, Outcome};

/// Something to tell of a file.
#[derive(Clone, Copy)]
pub(super) struct Entry<'o> {
    pub(super) file: &'o FileReport,
    pub(super) severity: Severity,
    /// The rule, or the kind of the problem.
    pub(super) name: &'o str,
    pub(super) message: &'o str,
    /// Where; none where the file as a whole is meant.
    pub(super) place: Option<Place>,
    /// A page that explains it.
    pub(super) url: Option<&'o str>,
    /// What a rule found; none for a problem.
    pub(super) finding: Option<&'o Finding>,
}

/// A range as people count it; the end is the first character behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) start: Position,
    pub(super) end: Position,
}

impl Place {
    /// Where a span is; the first character of a file that could not be read.
    pub(super) fn of(span: Span, source: Option<&Source>) -> Self {
        let position =
            |offset| source.map_or(Position { line: 1, column: 1 }, |source| source.lines().position(offset));
        Self { start: position(span.start), end: position(span.end) }
    }

    /// The beginning of a line.
    fn of_line(line: u32) -> Self {
        let start = Position { line, column: 1 };
        Self { start, end: start }
    }
}

impl<'o> Entry<'o> {
    fn of_problem(file: &'o FileReport, problem: &'o Problem) -> Self {
        Self {
            file,
            severity: Severity::Error,
            name: problem.kind.name(),
            message: &problem.message,
            place: problem.line.map(Place::of_line),
            url: None,
            finding: None,
        }
    }

    fn of_finding(file: &'o FileReport, finding: &'o Finding) -> Self {
        Self {
            file,
            severity: finding.severity,
            name: &finding.rule,
            message: &finding.message,
            place: Some(Place::of(finding.span, file.source.as_deref())),
            url: finding.url.as_deref(),
            finding: Some(finding),
        }
    }

    /// Where it begins; a file as a whole begins with its first character.
    pub(super) fn start(&self) -> Position {
        self.place.map_or(Position { line: 1, column: 1 }, |place| place.start)
    }
}

/// All there is to tell.
pub(super) fn entries(outcome: &Outcome) -> impl Iterator<Item = Entry<'_>> {
    outcome.files.iter().flat_map(|file| entries_of(outcome, file))
}

/// What there is to tell of one file. What is wrong with every file is told of the first.
pub(super) fn entries_of<'o>(outcome: &'o Outcome, file: &'o FileReport) -> impl Iterator<Item = Entry<'o>> {
    let is_first = outcome.files.first().is_some_and(|first| std::ptr::eq(first, file));
    let told = move |problem: &&Problem| is_first || problem.kind != ProblemKind::PluginUnusable;
    let problems = file.problems.iter().filter(told).map(|problem| Entry::of_problem(file, problem));
    problems.chain(file.findings.iter().map(|finding| Entry::of_finding(file, finding)))
}

/// What is wrong with one file; what is wrong with every file is said once, elsewhere.
pub(super) fn problems(file: &FileReport) -> impl Iterator<Item = &Problem> {
    file.problems.iter().filter(|problem| problem.kind != ProblemKind::PluginUnusable)
}

/// A list that is made while it is written, so that it need not be held.
pub(super) struct Each<F>(pub(super) F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}
