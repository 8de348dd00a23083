//! `--statistics`: findings by rule, most first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::lint::Outcome;

/// How often a rule found something.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Statistic<'o> {
    pub(super) rule: &'o str,
    pub(super) findings: usize,
    /// Those of them that know how they are mended.
    pub(super) fixable: usize,
}

/// The rules that found anything.
pub(super) fn statistics(outcome: &Outcome) -> Vec<Statistic<'_>> {
    let mut by_rule: HashMap<&str, (usize, usize)> = HashMap::new();
    for finding in outcome.files.iter().flat_map(|file| &file.findings) {
        let (findings, fixable) = by_rule.entry(&finding.rule).or_default();
        *findings += 1;
        *fixable += usize::from(!finding.fixes.is_empty());
    }
    let statistic = |(rule, (findings, fixable))| Statistic { rule, findings, fixable };
    let mut statistics: Vec<_> = by_rule.into_iter().map(statistic).collect();
    statistics.sort_by_key(|statistic| (Reverse(statistic.findings), statistic.rule));
    statistics
}

/// For people: a line a rule.
pub(super) fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let statistics = statistics(outcome);
    let digits = statistics.first().map_or(0, |most| most.findings.to_string().len());
    let width = statistics.iter().map(|statistic| statistic.rule.len()).max().unwrap_or(0);
    for Statistic { rule, findings, fixable } in &statistics {
        match fixable {
            0 => writeln!(out, "{findings:digits$}  {rule}")?,
            _ => writeln!(out, "{findings:digits$}  {rule:width$}  {} with a fix", fixable)?,
        }
    }
    if !statistics.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}
