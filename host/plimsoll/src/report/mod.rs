//! From an outcome to what is printed: one format, one file.
//!
//! Input: [`Report`]. Output: what is written to a stream, finding by finding. Every format goes
//! through the same findings in the same order.

mod bar;
mod checkstyle;
mod concise;
mod difference;
mod excerpt;
mod fingerprint;
mod github;
mod gitlab;
mod hosts;
mod html;
mod json;
mod json_lines;
mod junit;
mod markdown;
mod markup;
mod notes;
mod patch;
mod plan;
mod rdjson;
mod sarif;
mod statistics;
mod text;
mod walk;

use std::io::{self, Write};

use crate::config::Format;
use crate::finding::Severity;
use crate::lint::Outcome;
use crate::plugin::{Plugin, Unusable};

pub use bar::Bar;
pub use difference::{Compared, Version};
pub use hosts::{Traffic, hosts};
pub use json::Repository;
pub use notes::{Circumstances, notes};
pub use patch::patch;
pub use plan::plan;

/// Where reports send who wants to know what Plimsoll is.
const HOME_PAGE: &str = env!("CARGO_PKG_REPOSITORY");

/// What there is to report.
#[derive(Clone, Copy)]
pub struct Report<'r> {
    /// What the run came to.
    pub outcome: &'r Outcome,
    /// Whose rules ran.
    pub plugins: &'r [Plugin],
    /// Plugins that could not be used.
    pub unusable: &'r [Unusable],
    /// When slow checks ran, as settings have it.
    pub mode: &'static str,
    /// What notes on slow checks refer to.
    pub circumstances: &'r Circumstances,
    /// Which findings make the run fail.
    pub bar: Bar,
    /// Where the files are from, if not from this machine.
    pub repository: Option<Repository<'r>>,
    /// Whether findings are counted by rule: in formats for people instead of being shown.
    pub has_statistics: bool,
    /// What text looks like.
    pub look: Look,
}

/// What text looks like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Whether it has ANSI colours.
    pub is_styled: bool,
    /// Whether rules link to their pages, as terminals have it.
    pub has_links: bool,
    /// Columns that there are; as many as it takes, if none.
    pub width: Option<usize>,
}

impl Report<'_> {
    /// Writes it. What strangers named and said has no effect on whoever reads it.
    ///
    /// # Errors
    /// When the stream takes no more.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        let write = match format {
            Format::Text => text::write,
            Format::Concise => concise::write,
            Format::Json => json::write,
            Format::JsonLines => json_lines::write,
            Format::Sarif => sarif::write,
            Format::Github => github::write,
            Format::Gitlab => gitlab::write,
            Format::Checkstyle => checkstyle::write,
            Format::Junit => junit::write,
            Format::Rdjson => rdjson::write,
            Format::Markdown => markdown::write,
            Format::Html => html::write,
        };
        write(self, out)
    }
}

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
    let text: String = text.chars().map(|c| if is_harmful(c) { '\u{FFFD}' } else { c }).collect();
    // GitHub takes this for a command, wherever it stands in a line of a log.
    if text.contains("##[") { text.replace("##[", "##\u{200B}[") } else { text }
}

/// Whether an address may be linked to: no script, and nothing on this machine.
fn is_web_address(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
