//! Findings that the file itself waves through.
//!
//! - `# plimsoll ignore=RULE[,RULE] -- reason`, in the comments above an
//!   instruction: for that instruction.
//! - `# plimsoll global ignore=RULE[,RULE] -- reason`, anywhere: for the file.
//! - `# check=skip=RULE[,RULE]|all`, as a parser directive: for the file and
//!   BuildKit's own checks.
//!
//! A rule is `pack/Rule`, `Rule`, or `pack/*`.

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::tree::DirectiveKind;

use crate::document::Document;
use crate::finding::Finding;

/// The suppressions of one file.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    entries: Vec<(Option<Span>, String)>,
}

impl Suppressions {
    pub(super) fn of(document: &Document) -> Self {
        let (source, tree) = (document.source(), document.tree());
        let mut entries = Vec::new();
        for comment in &tree.comments {
            let text = String::from_utf8_lossy(comment.text.of(source));
            entries.extend(rules_after(&text, "plimsoll global ignore=").map(|rule| (None, rule.to_owned())));
        }
        for instruction in &tree.instructions {
            for comment in tree.comments_of(instruction) {
                let text = String::from_utf8_lossy(comment.text.of(source));
                let rules = rules_after(&text, "plimsoll ignore=");
                entries.extend(rules.map(|rule| (Some(instruction.span), rule.to_owned())));
            }
        }
        for directive in tree.directives.iter().filter(|directive| directive.kind == DirectiveKind::Check) {
            let text = String::from_utf8_lossy(directive.value.of(source));
            let options = text.split_whitespace().next().unwrap_or_default().split(';');
            let skipped = options.filter_map(|option| option.trim().strip_prefix("skip=")).flat_map(|rules| rules.split(','));
            entries.extend(skipped.map(|rule| match rule.trim() {
                "all" => (None, "buildkit/*".to_owned()),
                rule => (None, format!("buildkit/{rule}")),
            }));
        }
        Self { entries }
    }

    pub(super) fn covers(&self, finding: &Finding) -> bool {
        self.entries.iter().any(|(place, rule)| {
            let here = place.is_none_or(|span| span.start <= finding.span.start && finding.span.start < span.end.max(span.start + 1));
            here && names(rule, &finding.rule)
        })
    }
}

fn rules_after<'t>(comment: &'t str, prefix: &str) -> impl Iterator<Item = &'t str> {
    let text = comment.trim_start_matches('#').trim_start();
    let rules = text.strip_prefix(prefix).unwrap_or_default();
    let rules = rules.split(" -- ").next().unwrap_or_default();
    rules.split(',').map(str::trim).filter(|rule| !rule.is_empty())
}

fn names(pattern: &str, rule: &str) -> bool {
    let (pack, name) = rule.split_once('/').unwrap_or(("", rule));
    pattern == rule || pattern == name || pattern.strip_suffix("/*") == Some(pack)
}
