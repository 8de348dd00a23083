//! From verdicts to the findings that count.
//!
//! A `replace` takes away the fast findings of its rule in its scope, unless a
//! request of that rule about the same place failed: then they stand beside
//! what was learnt. Equal findings are one.

use plimsoll_dockerfile::Span;

use crate::document::Meaning;
use crate::finding::Finding;
use crate::plugin::contract::Scope;

/// What one request came to.
pub(super) struct Verdict {
    pub(super) plugin: usize,
    pub(super) rule: u32,
    pub(super) scope: Scope,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is no answer, or the plugin did not cope with it.
    Failed,
    /// The fast findings stand.
    Stands,
    /// The fast findings are superseded.
    Replaced,
}

/// Whether a fast finding is superseded.
pub(super) fn is_superseded(verdicts: &[Verdict], meaning: &Meaning, plugin: usize, rule: u32, span: Span) -> bool {
    let stage = stage_of(meaning, span);
    let about = verdicts
        .iter()
        .filter(|verdict| verdict.plugin == plugin && verdict.rule == rule && covers(meaning, verdict.scope, stage));
    let mut replaced = false;
    for verdict in about {
        match verdict.outcome {
            Outcome::Failed => return false,
            Outcome::Stands => {}
            Outcome::Replaced => replaced = true,
        }
    }
    replaced
}

/// Sorts findings by place, then rule, then message, and drops equal ones.
pub(super) fn tidy(findings: &mut Vec<Finding>) {
    let related =
        |finding: &Finding| finding.related.iter().map(|(span, _)| (span.start, span.end)).collect::<Vec<_>>();
    findings.sort_by_cached_key(|finding| {
        let Finding { span, rule, message, .. } = finding;
        (span.start, rule.clone(), span.end, message.clone(), related(finding))
    });
    findings.dedup();
}

/// The stage that holds a finding's start; none before the first FROM.
fn stage_of(meaning: &Meaning, span: Span) -> Option<u32> {
    let begun = meaning.model().stages.partition_point(|stage| meaning.instruction_start(stage.from) <= span.start);
    u32::try_from(begun).ok()?.checked_sub(1)
}

fn covers(meaning: &Meaning, scope: Scope, stage: Option<u32>) -> bool {
    match (scope, stage) {
        (Scope::File, _) => true,
        (Scope::Stage(of), Some(stage)) => of == stage,
        (Scope::Derived(of), Some(stage)) => meaning.is_derived(stage, of),
        (_, None) => false,
    }
}
