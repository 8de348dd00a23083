//! From what a guest reports to what the host believes: every rule described,
//! every span inside the source, every number bounded.

use plimsoll_dockerfile::Span;

use super::{Failure, FailureKind, Plugin, contract};
use crate::document::Document;
use crate::finding::{Finding, Fix};
use crate::limits::{FINDINGS_MAX, MESSAGE_BYTES_MAX};

/// The findings that hold up, with their rule's index, and what was refused.
pub(super) fn accept(
    plugin: &Plugin,
    document: &Document,
    reported: Vec<contract::Finding>,
) -> (Vec<(u32, Finding)>, Option<Failure>) {
    let mut refused = None;
    let mut accepted = Vec::with_capacity(reported.len());
    let mut counts = vec![0; plugin.rules.len()];
    for finding in reported {
        let rule = finding.rule;
        if let Some(count) = counts.get_mut(rule as usize) {
            *count += 1;
            if *count > FINDINGS_MAX {
                refused = Some(refusal(
                    Some(rule),
                    format!("it reported more than the {FINDINGS_MAX} findings a rule may have in a file"),
                ));
                continue;
            }
        }
        match convert(plugin, document, finding) {
            Ok(finding) => accepted.push((rule, finding)),
            Err(message) => refused = refused.or(Some(refusal(Some(rule), message))),
        }
    }
    (accepted, refused)
}

fn refusal(rule: Option<u32>, message: String) -> Failure {
    Failure { rule, kind: FailureKind::Misuse, message }
}

fn convert(plugin: &Plugin, document: &Document, finding: contract::Finding) -> Result<Finding, String> {
    let rule = plugin
        .rules
        .get(finding.rule as usize)
        .ok_or_else(|| format!("it reported a finding of rule number {}, which it did not describe", finding.rule))?;
    let span = |span| place(document, span);
    let related = finding.related.into_iter().map(|related| Ok((span(related.span)?, bounded(related.message))));
    let fixes = finding.fixes.into_iter().map(|fix| {
        let edits = fix.edits.into_iter().map(|edit| Ok((span(edit.span)?, edit.replacement)));
        let edits = edits.collect::<Result<Vec<_>, String>>()?;
        if overlap(&edits) {
            return Err("the edits of a fix overlap".to_owned());
        }
        Ok(Fix { message: bounded(fix.message), is_safe: matches!(fix.safety, contract::Safety::Safe), edits })
    });
    Ok(Finding {
        rule: rule.name.clone(),
        severity: finding.severity.map_or(rule.severity, Into::into),
        message: bounded(finding.message),
        url: finding.url.or_else(|| rule.url.clone()),
        span: span(finding.span)?,
        related: related.collect::<Result<_, String>>()?,
        fixes: fixes.collect::<Result<_, String>>()?,
    })
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

fn bounded(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
    }
    message
}

fn overlap(edits: &[(Span, String)]) -> bool {
    let mut spans: Vec<Span> = edits.iter().map(|(span, _)| *span).collect();
    spans.sort_by_key(|span| (span.start, span.end));
    spans.windows(2).any(|pair| pair[1].start < pair[0].end)
}
