//! From an outcome to what is printed: one format, one function.
//!
//! Input: [`Outcome`](crate::lint::Outcome). Output: text. Every format goes
//! through the same findings in the same order.

mod difference;
mod hosts;
mod json;
mod notes;
mod plan;
mod text;

use crate::finding::Severity;
use crate::lint::Outcome;

pub use difference::{Compared, Version};
pub use hosts::{Traffic, hosts};
pub use json::{Repository, json};
pub use notes::{Circumstances, notes};
pub use plan::plan;
pub use text::text;

/// Numbers over all files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files.
    pub files: usize,
    /// Findings by severity, most first.
    pub by_severity: [usize; 4],
    /// Findings that count for nothing.
    pub suppressed: usize,
    /// Problems of all kinds.
    pub problems: usize,
    /// Problems that left a file or a plugin's share of it unchecked.
    pub not_checked: usize,
}

impl Summary {
    /// Counts an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        let mut summary = Self { files: outcome.files.len(), ..Self::default() };
        for file in &outcome.files {
            for finding in &file.findings {
                summary.by_severity[finding.severity as usize] += 1;
            }
            summary.suppressed += file.suppressed.len();
            summary.problems += file.problems.len();
            summary.not_checked += file.problems.iter().filter(|problem| problem.kind.is_not_checked()).count();
        }
        summary
    }

    /// All findings.
    pub fn findings(&self) -> usize {
        self.by_severity.iter().sum()
    }

    /// The findings of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.by_severity[severity as usize]
    }
}

/// Text from a stranger, without what would move the cursor, change colours or
/// turn the direction of writing.
pub fn printable(text: &str) -> String {
    let is_harmful =
        |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if is_harmful(c) { '\u{FFFD}' } else { c }).collect()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
