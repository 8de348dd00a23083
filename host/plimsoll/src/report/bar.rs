//! Which findings make a run fail.

use crate::config::FailLevel;
use crate::finding::Severity;
use crate::lint::Outcome;

/// Says so of each severity.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    fail_level: FailLevel,
    /// Whether warnings are more than may be, where there is such a number.
    warnings: Option<bool>,
}

impl Bar {
    /// What holds for an outcome; `max_warnings` are too few to fail.
    pub fn of(outcome: &Outcome, fail_level: FailLevel, max_warnings: Option<usize>) -> Self {
        let findings = outcome.files.iter().flat_map(|file| &file.findings);
        let warnings = || findings.clone().filter(|finding| finding.severity == Severity::Warning).count();
        Self { fail_level, warnings: max_warnings.map(|most| warnings() > most) }
    }

    /// Whether a finding of this severity makes the run fail.
    pub fn fails(self, severity: Severity) -> bool {
        match (severity, self.warnings) {
            (Severity::Warning, Some(fails)) => fails,
            _ => self.fail_level.is_reached_by(severity),
        }
    }
}
