//! What came of a case, as blocks of its page.

use std::fmt::Write as _;

use plimsoll_dockerfile::LineIndex;

use super::page::{BlockKind, Case};
use crate::finding::Finding;
use crate::fix::edited;
use crate::lint::FileReport;

/// The `findings` and `fixed` blocks of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Without a line where nothing is found.
    pub(super) findings: String,
    /// None where no finding has a fix.
    pub(super) fixed: Option<String>,
}

impl Blocks {
    /// What a report comes to.
    pub(super) fn of(text: &str, report: &FileReport) -> Self {
        let lines = LineIndex::new(text.as_bytes());
        let mut findings = String::new();
        for Finding { span, message, .. } in &report.findings {
            let (start, end) = (lines.position(span.start), lines.position(span.end));
            // A block is read by the line.
            let message = message.replace(['\n', '\r'], " ");
            let _ = writeln!(findings, "{}:{}-{}:{} {message}", start.line, start.column, end.line, end.column);
        }
        let is_fixed = report.findings.iter().any(|finding| !finding.fixes.is_empty());
        Self { findings, fixed: is_fixed.then(|| fixed(text, &report.findings)) }
    }

    /// What the page says otherwise, block by block.
    pub(super) fn differences(&self, case: &Case) -> Vec<(BlockKind, String)> {
        let mut differences = Vec::new();
        let expected = case.text(BlockKind::Findings).unwrap_or_default();
        // They are read by the line, whatever its end.
        if !expected.lines().eq(self.findings.lines()) {
            differences
                .push((BlockKind::Findings, compare("findings: expected (-), got (+)", expected, &self.findings)));
        }
        // A case need not show how it is fixed.
        let got = self.fixed.as_deref().unwrap_or_default();
        if let Some(expected) = case.text(BlockKind::Fixed).filter(|expected| *expected != got) {
            differences.push((BlockKind::Fixed, compare("the fixed file: expected (-), got (+)", expected, got)));
        }
        differences
    }
}

/// Where two texts differ, line by line, below a heading.
pub(super) fn compare(heading: &str, expected: &str, got: &str) -> String {
    let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let before = expected.iter().zip(&got).take_while(|(one, other)| one == other).count();
    let (expected, got) = (&expected[before..], &got[before..]);
    let after = expected.iter().rev().zip(got.iter().rev()).take_while(|(one, other)| one == other).count();
    let mut text = heading.to_owned();
    if expected.is_empty() && got.is_empty() {
        text.push_str("\n  they differ in the ends of their lines alone");
    }
    for (sign, lines) in [('-', expected), ('+', got)] {
        for line in &lines[..lines.len() - after] {
            let _ = write!(text, "\n  {sign} {line}");
        }
    }
    text
}

/// The file after the first fix of every finding, without those that get in the way of one before them.
fn fixed(source: &str, findings: &[Finding]) -> String {
    let fixes = findings.iter().filter_map(|finding| finding.fixes.first());
    String::from_utf8_lossy(&edited(source.as_bytes(), fixes)).into_owned()
}
