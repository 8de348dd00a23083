//! From what a guest reports to what the host believes: every rule described,
//! every span inside the source, every number bounded.

use plimsoll_dockerfile::Span;

use super::failure::bounded;
use super::{Failure, FailureKind, Plugin, Subject, contract};
use crate::document::Document;
use crate::finding::{Finding, Fix};
use crate::limits::MESSAGE_BYTES_MAX;

/// The findings that hold up, with their rule's index, and what was refused: of
/// each rule the first.
pub(super) fn accept(
    plugin: &Plugin,
    subject: &Subject,
    reported: Vec<contract::Finding>,
) -> (Vec<(u32, Finding)>, Vec<Failure>) {
    // As it mostly is, in most files.
    if reported.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let mut refused: Vec<Failure> = Vec::new();
    let mut accepted = Vec::with_capacity(reported.len());
    let mut counts = vec![0; plugin.rules.len()];
    for finding in reported {
        let rule = finding.rule;
        match admit(plugin, subject, &mut counts, finding) {
            Ok(finding) => accepted.push((rule, finding)),
            Err(message) => {
                let rule = Some(rule).filter(|rule| (*rule as usize) < plugin.rules.len());
                if !refused.iter().any(|failure| failure.rule == rule) {
                    refused.push(Failure { rule, kind: FailureKind::Misuse, message });
                }
            }
        }
    }
    (accepted, refused)
}

fn admit(
    plugin: &Plugin,
    subject: &Subject,
    counts: &mut [usize],
    finding: contract::Finding,
) -> Result<Finding, String> {
    let rule = finding.rule;
    let Some(count) = counts.get_mut(rule as usize) else {
        return Err(format!("it reported a finding of rule number {rule}, which it did not describe"));
    };
    if !subject.settings.enabled.contains(&rule) {
        return Err("it reported a finding of a rule that it was not asked to run".to_owned());
    }
    *count += 1;
    let limit = plugin.limits.findings;
    if *count > limit {
        return Err(format!("it reported more than the {limit} findings a rule may have in a file"));
    }
    convert(plugin, &subject.document, finding)
}

fn convert(plugin: &Plugin, document: &Document, finding: contract::Finding) -> Result<Finding, String> {
    let rule = &plugin.rules[finding.rule as usize];
    let span = |span| place(document, span);
    let related = finding
        .related
        .into_iter()
        .map(|related| Ok((span(related.span)?, bounded(related.message, MESSAGE_BYTES_MAX))));
    let fixes = finding.fixes.into_iter().map(|fix| {
        let edits = fix.edits.into_iter().map(|edit| Ok((span(edit.span)?, edit.replacement)));
        let edits = edits.collect::<Result<Vec<_>, String>>()?;
        if overlap(&edits) {
            return Err("the edits of a fix overlap".to_owned());
        }
        Ok(Fix {
            message: bounded(fix.message, MESSAGE_BYTES_MAX),
            is_safe: matches!(fix.safety, contract::Safety::Safe),
            edits,
            renews_entry: fix.renews_entry,
        })
    });
    let line = |span: contract::Span| {
        let line = document.lock().and_then(|lock| lock.line(Span::new(span.start, span.end)));
        line.ok_or_else(|| format!("the lock has no entry at bytes {}..{}", span.start, span.end))
    };
    Ok(Finding {
        rule: rule.name.clone(),
        severity: finding.severity.map_or(rule.severity, Into::into),
        message: bounded(finding.message, MESSAGE_BYTES_MAX),
        url: finding.url.or_else(|| rule.url.clone()),
        span: span(finding.span)?,
        related: related.collect::<Result<_, String>>()?,
        lock: finding.lock_entry.map(line).transpose()?,
        fixes: readable(document, fixes.collect::<Result<_, String>>()?),
    })
}

/// Fixes whose edits replace text. What is no UTF-8 reaches rules as something else, which they would write back.
fn readable(document: &Document, mut fixes: Vec<Fix>) -> Vec<Fix> {
    if document.invalid_utf8().is_some() {
        let is_text = |span: &Span| str::from_utf8(span.of(document.source())).is_ok();
        fixes.retain(|fix| fix.edits.iter().all(|(span, _)| is_text(span)));
    }
    fixes
}

fn place(document: &Document, span: contract::Span) -> Result<Span, String> {
    let contract::Span { start, end } = span;
    let length = document.source().len();
    if start > end || end as usize > length {
        return Err(format!("it points at bytes {start}..{end} of a file of {length}"));
    }
    if !document.is_boundary(start) || !document.is_boundary(end) {
        return Err(format!("bytes {start}..{end} begin or end inside a character"));
    }
    Ok(Span::new(start, end))
}

fn overlap(edits: &[(Span, String)]) -> bool {
    let mut spans: Vec<Span> = edits.iter().map(|(span, _)| *span).collect();
    spans.sort_by_key(|span| (span.start, span.end));
    spans.windows(2).any(|pair| pair[1].start < pair[0].end)
}
