//! What one run found and another one of the same files did not.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use plimsoll_dockerfile::Span;

use super::{FileReport, Outcome};
use crate::document::Source;
use crate::finding::Finding;

/// How the findings of two runs differ in one file.
#[derive(Default)]
pub struct Difference {
    /// What reports call the file.
    pub path: String,
    /// The file, if it could be read.
    pub source: Option<Arc<Source>>,
    /// What only the second run found, by place.
    pub gained: Vec<Finding>,
    /// What only the first one found, by place.
    pub lost: Vec<Finding>,
    /// What both found, of one rule at one place, with another severity or message: first and second.
    pub changed: Vec<(Finding, Finding)>,
    /// How many findings are alike.
    pub same: usize,
}

impl Difference {
    /// Whether there is any.
    pub fn is_none(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && self.changed.is_empty()
    }
}

/// By file, how the second run differs from the first.
pub fn differences(first: &Outcome, second: &Outcome) -> Vec<Difference> {
    let mut second = second.files.iter().peekable();
    let pair = |file: &FileReport| {
        // Both runs have the files in the same order.
        let other = second.next_if(|other| other.path == file.path);
        difference(file, &file.findings, other.map_or(&[], |other| &other.findings))
    };
    let mut differences: Vec<Difference> = first.files.iter().map(pair).collect();
    // Of the lock, which comes last, there is a report only where something is to be said.
    differences.extend(second.map(|file| difference(file, &[], &file.findings)));
    differences
}

fn difference(file: &FileReport, before: &[Finding], now: &[Finding]) -> Difference {
    let alike = |finding: &Finding| (place(finding), finding.severity, finding.message.clone());
    let (same, lost, gained) = paired(before.iter().collect(), now.iter().collect(), alike);
    // What is left of a rule at a place may say the same in other words.
    let (changed, lost, gained) = paired(lost, gained, place);
    Difference {
        path: file.path.clone(),
        source: file.source.clone(),
        gained: gained.into_iter().cloned().collect(),
        lost: lost.into_iter().cloned().collect(),
        changed: changed.into_iter().map(|(one, other)| (one.clone(), other.clone())).collect(),
        same: same.len(),
    }
}

fn place(finding: &Finding) -> (Arc<str>, Span) {
    (finding.rule.clone(), finding.span)
}

/// Pairs of equal keys, then what is left of the first, and of the second.
fn paired<'f, K: Hash + Eq>(
    first: Vec<&'f Finding>,
    second: Vec<&'f Finding>,
    key: impl Fn(&Finding) -> K,
) -> (Vec<(&'f Finding, &'f Finding)>, Vec<&'f Finding>, Vec<&'f Finding>) {
    let mut by_key: HashMap<K, VecDeque<usize>> = HashMap::new();
    for (index, finding) in second.iter().enumerate() {
        by_key.entry(key(finding)).or_default().push_back(index);
    }
    let (mut pairs, mut left, mut is_paired) = (Vec::new(), Vec::new(), vec![false; second.len()]);
    for finding in first {
        match by_key.get_mut(&key(finding)).and_then(VecDeque::pop_front) {
            Some(index) => {
                is_paired[index] = true;
                pairs.push((finding, second[index]));
            }
            None => left.push(finding),
        }
    }
    let right = second.into_iter().zip(is_paired).filter(|(_, is_paired)| !is_paired);
    (pairs, left, right.map(|(finding, _)| finding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    /// `RULE PLACE SEVERITY MESSAGE`, one finding for each.
    fn outcome(findings: &[&str]) -> Outcome {
        let finding = |text: &&str| {
            let [rule, place, severity, message] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
            let severity = if severity == "error" { Severity::Error } else { Severity::Warning };
            let start = place.parse().unwrap();
            let (rule, message, span) = (rule.into(), message.to_owned(), Span { start, end: start + 1 });
            Finding { rule, severity, message, url: None, span, related: Vec::new(), lock: None, fixes: Vec::new() }
        };
        let findings = findings.iter().map(finding).collect();
        let file = FileReport { path: "Dockerfile".to_owned(), findings, ..FileReport::default() };
        Outcome { files: vec![file], ..Outcome::default() }
    }

    fn check(first: &[&str], second: &[&str], expected: &[&str]) {
        let [difference] = &differences(&outcome(first), &outcome(second))[..] else { panic!() };
        let shown = |finding: &Finding| {
            format!("{} {} {} {}", finding.rule, finding.span.start, finding.severity, finding.message)
        };
        let gained = difference.gained.iter().map(|finding| format!("+ {}", shown(finding)));
        let lost = difference.lost.iter().map(|finding| format!("- {}", shown(finding)));
        let changed = difference.changed.iter().map(|(one, other)| format!("{} > {}", shown(one), shown(other)));
        let all: Vec<_> = gained.chain(lost).chain(changed).chain([format!("{} alike", difference.same)]).collect();
        assert_eq!(all, expected);
        assert_eq!(difference.is_none(), all.len() == 1);
    }

    #[test]
    fn findings_are_alike_changed_gained_or_lost() {
        check(&[], &[], &["0 alike"]);
        check(&["a/b 1 error x"], &["a/b 1 error x"], &["1 alike"]);
        check(&["a/b 1 error x"], &["a/b 1 warning x"], &["a/b 1 error x > a/b 1 warning x", "0 alike"]);
        check(&["a/b 1 error x"], &["a/b 1 error y"], &["a/b 1 error x > a/b 1 error y", "0 alike"]);
        check(&["a/b 1 error x"], &["a/b 2 error x"], &["+ a/b 2 error x", "- a/b 1 error x", "0 alike"]);
        check(&["a/b 1 error x"], &["a/c 1 error x"], &["+ a/c 1 error x", "- a/b 1 error x", "0 alike"]);
        // What is alike is no candidate for what changed, whatever the order.
        check(
            &["a/b 1 error x", "a/b 1 error y"],
            &["a/b 1 error z", "a/b 1 error x"],
            &["a/b 1 error y > a/b 1 error z", "1 alike"],
        );
        // As often as it is said.
        check(&["a/b 1 error x"], &["a/b 1 error x", "a/b 1 error x"], &["+ a/b 1 error x", "1 alike"]);
    }
}
