//! What the user is told: findings of rules, problems of files, questions that
//! went unanswered.

use std::fmt;
use std::sync::Arc;

use plimsoll_dockerfile::Span;
use serde::{Deserialize, Serialize};

use crate::question::SkipReason;

/// How much a finding matters, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The build is broken, insecure or about to break.
    Error,
    /// Very likely a mistake.
    Warning,
    /// Worth knowing.
    Info,
    /// A matter of taste.
    Style,
}

impl Severity {
    /// The name in reports and configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Style => "style",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something a rule found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule with its prefix, such as `buildkit/StageNameCasing`.
    pub rule: Arc<str>,
    /// How much it matters, after configuration.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// A page that explains it.
    pub url: Option<String>,
    /// The place, inside the source.
    pub span: Span,
    /// Other places that explain it.
    pub related: Vec<(Span, String)>,
    /// The line of the lock that it has to do with.
    pub lock: Option<LockLine>,
    /// Ways to mend it, best first.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// Whether all there is to do about it is to take its entry of the lock anew.
    pub fn asks_to_renew(&self) -> bool {
        self.fixes.iter().any(|fix| fix.renews_entry && fix.edits.is_empty())
    }
}

/// A line of the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockLine {
    /// The lock, as reports call it.
    pub path: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// Edits that together remove the cause of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What the fix does, in the imperative.
    pub message: String,
    /// Whether what runs in the built image stays the same.
    pub is_safe: bool,
    /// Ranges and what replaces them; they do not overlap.
    pub edits: Vec<(Span, String)>,
    /// Whether the entry in that line of the lock is taken anew as well.
    pub renews_entry: bool,
}

/// Why a finding counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suppression {
    /// A comment of the file waves it through.
    Comment {
        /// Its line, from 1.
        line: u32,
        /// What it says after `--`.
        reason: Option<Arc<str>>,
    },
    /// It is in the baseline.
    Baseline,
}

/// What went wrong with a file, apart from its content's findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing went wrong.
    pub kind: ProblemKind,
    /// What happened and what to do.
    pub message: String,
    /// The line, from 1, where there is one.
    pub line: Option<u32>,
}

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The file is not there or cannot be read.
    Io,
    /// The file is larger than [`crate::limits::SOURCE_BYTES_MAX`].
    TooLarge,
    /// The file is no text.
    Binary,
    /// The file is not UTF-8 throughout.
    Encoding,
    /// The file has no instructions.
    Empty,
    /// BuildKit would refuse the file.
    Syntax,
    /// A plugin did not finish; its findings are missing.
    PluginFailure,
    /// A plugin cannot be used; its findings are missing from every file.
    #[serde(rename = "plugin-failure")]
    PluginUnusable,
}

impl ProblemKind {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::TooLarge => "too-large",
            Self::Binary => "binary",
            Self::Encoding => "encoding",
            Self::Empty => "empty",
            Self::Syntax => "syntax",
            Self::PluginFailure | Self::PluginUnusable => "plugin-failure",
        }
    }

    /// Whether something was left unchecked that the run was asked to check.
    pub fn is_not_checked(self) -> bool {
        matches!(self, Self::Io | Self::TooLarge | Self::Binary | Self::PluginFailure | Self::PluginUnusable)
    }
}

/// A question that went unanswered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The rule that asked, with its prefix.
    pub rule: Arc<str>,
    /// Who would have answered, such as `registry`.
    pub resolver: &'static str,
    /// The question, for people.
    pub question: String,
    /// The host that would have been asked; none where the answer is on this machine.
    pub host: Option<String>,
    /// Why there is no answer.
    pub reason: SkipReason,
    /// More on that, and what to do.
    pub detail: String,
}
