//! Findings that the file itself waves through.
//!
//! - `# plimsoll ignore=RULE[,RULE] -- reason`, in the comments above an
//!   instruction: for that instruction.
//! - `# plimsoll global ignore=RULE[,RULE] -- reason`, anywhere: for the file.
//! - `# check=skip=RULE[,RULE]|all`, as BuildKit reads it, for its own checks:
//!   as a parser directive for the file, above an instruction for that one.
//!
//! A rule is `pack/Rule`, `Rule`, or `pack/*`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::tree::DirectiveKind;

use crate::document::Document;
use crate::finding::Finding;
use crate::limits::SUPPRESSIONS_MAX;

/// Checks that BuildKit makes before or beside the instructions, where a
/// comment above one of them has no say.
const NOT_OF_ONE_INSTRUCTION: &[&str] = &[
    "buildkit/ConsistentInstructionCasing",
    "buildkit/DuplicateStageName",
    "buildkit/InvalidBaseImagePlatform",
    "buildkit/InvalidDefaultArgInFrom",
    "buildkit/NoEmptyContinuation",
    "buildkit/ReservedStageName",
];

/// The suppressions of one file.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    /// Rules for the whole file.
    file: BTreeSet<String>,
    /// Rules for one instruction, in the order of the file.
    placed: Vec<Suppression>,
}

#[derive(Debug)]
struct Suppression {
    place: Span,
    rule: String,
    is_check: bool,
}

impl Suppressions {
    pub(super) fn of(document: &Document) -> Self {
        let (source, tree) = (document.source(), document.tree());
        let text_of = |span: Span| String::from_utf8_lossy(span.of(source));
        let mut file = BTreeSet::new();
        for comment in &tree.comments {
            file.extend(rules_after(&text_of(comment.text), "plimsoll global ignore"));
        }
        for directive in tree.directives.iter().filter(|directive| directive.kind == DirectiveKind::Check) {
            file.extend(skipped(&text_of(directive.value)));
        }
        let mut placed = Vec::new();
        for instruction in tree.instructions.iter().filter(|instruction| !instruction.comments.is_empty()) {
            let place = instruction.span;
            let comments: Vec<_> = tree.comments_of(instruction).iter().map(|comment| text_of(comment.text)).collect();
            let rules = comments.iter().flat_map(|comment| rules_after(comment, "plimsoll ignore"));
            placed.extend(rules.map(|rule| Suppression { place, rule, is_check: false }));
            let check = comments.iter().find_map(|comment| check_value(comment));
            let rules = check.into_iter().flat_map(skipped);
            placed.extend(rules.map(|rule| Suppression { place, rule, is_check: true }));
        }
        placed.truncate(SUPPRESSIONS_MAX);
        Self { file, placed }
    }

    /// Whether the whole file goes without a rule, so that it need not run.
    pub(super) fn excludes(&self, rule: &str) -> bool {
        !self.file.is_empty() && names_of(rule).iter().any(|name| self.file.contains(name.as_ref()))
    }

    /// Whether a comment above its instruction waves a finding through. Rules that
    /// the whole file goes without do not come so far.
    pub(super) fn covers(&self, finding: &Finding) -> bool {
        let start = finding.span.start;
        let before = &self.placed[..self.placed.partition_point(|suppression| suppression.place.start <= start)];
        let mut here = before.iter().rev().take_while(|suppression| suppression.place.contains(start));
        here.any(|Suppression { rule, is_check, .. }| {
            let may = !(*is_check && NOT_OF_ONE_INSTRUCTION.contains(&&*finding.rule));
            may && names_of(&finding.rule).contains(&Cow::Borrowed(rule))
        })
    }
}

/// The rules that a comment such as `# plimsoll ignore=A,B -- reason` names
/// after its keyword. They end at the first blank that follows no comma.
fn rules_after(comment: &str, keyword: &str) -> Vec<String> {
    let text = comment.trim_start_matches('#').trim_start();
    let Some(text) = text.strip_prefix(keyword).and_then(|rest| rest.trim_start().strip_prefix('=')) else {
        return Vec::new();
    };
    let mut rules = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
        let (rule, after) = rest.split_at(end);
        if !rule.is_empty() {
            rules.push(rule.to_owned());
        }
        match after.trim_start().strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => return rules,
        }
    }
}

/// What follows `check=` in a comment; the key's case does not matter.
fn check_value(comment: &str) -> Option<&str> {
    let (key, value) = comment.strip_prefix('#').unwrap_or(comment).split_once('=')?;
    key.trim().eq_ignore_ascii_case("check").then_some(value.trim())
}

/// The rules that a value of `check=` skips, which ends at the first space. One
/// with an option that BuildKit does not know skips none; of equal options the
/// last counts.
fn skipped(value: &str) -> Vec<String> {
    let mut skipped = "";
    for option in value.split_whitespace().next().unwrap_or_default().split(';') {
        match option.split_once('=') {
            Some((key, rules)) if key.eq_ignore_ascii_case("skip") => skipped = rules,
            Some((key, _)) if key.eq_ignore_ascii_case("error") || key.eq_ignore_ascii_case("experimental") => {}
            _ => return Vec::new(),
        }
    }
    let rules = skipped.split(',').map(str::trim).filter(|rule| !rule.is_empty());
    rules
        .map(|rule| match rule {
            "all" => "buildkit/*".to_owned(),
            rule => format!("buildkit/{rule}"),
        })
        .collect()
}

/// What a rule may be called in a comment: `pack/Rule`, `Rule`, `pack/*`.
fn names_of(rule: &str) -> [Cow<'_, str>; 3] {
    let (pack, name) = rule.split_once('/').unwrap_or(("", rule));
    [rule.into(), name.into(), format!("{pack}/*").into()]
}

#[cfg(test)]
mod tests {
    use super::{check_value, rules_after, skipped};

    #[test]
    fn comments_name_rules() {
        let check =
            |comment: &str, rules: &[&str]| assert_eq!(rules_after(comment, "plimsoll ignore"), rules, "{comment}");
        check("# plimsoll ignore=A,buildkit/B -- because", &["A", "buildkit/B"]);
        check("plimsoll ignore = A , B because", &["A", "B"]);
        check("plimsoll ignore=", &[]);
        check("plimsoll ignored=A", &[]);
        check("plimsoll global ignore=A", &[]);
    }

    #[test]
    fn check_is_read_as_buildkit_reads_it() {
        let check = |comment: &str, rules: &[&str]| {
            assert_eq!(check_value(comment).map(skipped).unwrap_or_default(), rules, "{comment}");
        };
        check("check=skip=A,B;error=true", &["buildkit/A", "buildkit/B"]);
        check("CHECK = skip=all", &["buildkit/*"]);
        check("check=skip=A, B", &["buildkit/A"]);
        check("check=skip=A;skip=B", &["buildkit/B"]);
        check("check=skip=A;bogus=1", &[]);
        check("# check=skip=A", &["buildkit/A"]);
        check("## check=skip=A", &[]);
    }
}
