//! What the file itself says of rules: which go without saying, which count as
//! errors, which run that otherwise would not.
//!
//! - `# plimsoll ignore=RULE[,RULE] -- reason`, in the comments above an
//!   instruction: for that instruction.
//! - `# plimsoll global ignore=RULE[,RULE] -- reason`, anywhere: for the file.
//! - `# check=skip=…;error=…;experimental=…`, for BuildKit's own checks and as
//!   BuildKit reads it: as a parser directive for the file, above an instruction
//!   for that one. The build argument `BUILDKIT_DOCKERFILE_CHECK` goes before
//!   the directive.
//!
//! A rule is `pack/Rule`, `Rule`, or `pack/*`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::tree::Keyword;

use super::check_options::CheckOptions;
use crate::document::Document;
use crate::finding::{Finding, Problem};
use crate::limits::SUPPRESSIONS_MAX;
use crate::plugin::Rule;

/// The pack whose rules `check` is about.
const CHECKS: &str = "buildkit/";

/// Checks that BuildKit makes before or beside the instructions, where a
/// comment above one of them has no say.
const NOT_OF_ONE_INSTRUCTION: &[&str] = &[
    "ConsistentInstructionCasing",
    "DuplicateStageName",
    "InvalidBaseImagePlatform",
    "InvalidDefaultArgInFrom",
    "NoEmptyContinuation",
    "ReservedStageName",
];

/// Checks of what runs in a stage. Where one points at a FROM, it speaks of a
/// trigger of ONBUILD, and the comment above the FROM has no say.
const OF_STEPS: &[&str] = &[
    "CopyIgnoredFile",
    "ExposeInvalidFormat",
    "ExposeProtoCasing",
    "JSONArgsRecommended",
    "LegacyKeyValueFormat",
    "MultipleInstructionsDisallowed",
    "SecretsUsedInArgOrEnv",
    "UndefinedVar",
    "WorkdirRelativePath",
];

/// What one file says of rules.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    /// Rules that the whole file goes without.
    file: BTreeSet<String>,
    /// Options of BuildKit's checks for the whole file.
    checks: CheckOptions,
    /// What is said of one instruction, in the order of the file.
    placed: Vec<Suppression>,
}

#[derive(Debug)]
struct Suppression {
    place: Span,
    keyword: Keyword,
    /// Rules that it goes without.
    rules: Vec<String>,
    checks: CheckOptions,
}

impl Suppressions {
    /// Reads what a file says. What BuildKit would refuse comes back as a problem.
    pub(super) fn of(document: &Document, build_args: &[(String, String)]) -> (Self, Option<Problem>) {
        let (source, tree) = (document.source(), document.tree());
        let text_of = |span: Span| String::from_utf8_lossy(span.of(source));
        let mut file = BTreeSet::new();
        for comment in &tree.comments {
            file.extend(rules_after(&text_of(comment.text), "plimsoll global ignore"));
        }
        let (checks, problem) = match CheckOptions::of_file(document, build_args) {
            Ok(checks) => (checks, None),
            Err(problem) => (CheckOptions::default(), Some(problem)),
        };
        let mut placed = Vec::new();
        for instruction in tree.instructions.iter().filter(|instruction| !instruction.comments.is_empty()) {
            let comments: Vec<_> = tree.comments_of(instruction).iter().map(|comment| text_of(comment.text)).collect();
            let rules: Vec<String> =
                comments.iter().flat_map(|comment| rules_after(comment, "plimsoll ignore")).collect();
            let checks = CheckOptions::of_comments(comments.iter().map(AsRef::as_ref));
            if placed.len() < SUPPRESSIONS_MAX && (!rules.is_empty() || checks.is_some()) {
                let (place, keyword) = (instruction.span, instruction.keyword);
                placed.push(Suppression { place, keyword, rules, checks: checks.unwrap_or_default() });
            }
        }
        (Self { file, checks, placed }, problem)
    }

    /// Whether the file says nothing of which rules run.
    pub(super) fn leave_all(&self) -> bool {
        let mut options = self.placed.iter().map(|placed| &placed.checks).chain([&self.checks]);
        self.file.is_empty() && self.checks.skip.is_empty() && options.all(|checks| checks.experimental.is_empty())
    }

    /// Whether the whole file goes without a rule, so that it need not run.
    pub(super) fn excludes(&self, rule: &Rule) -> bool {
        let is_skipped = !rule.is_opt_in && check_name(&rule.name).is_some_and(|name| self.checks.skip.contain(name));
        is_skipped || !self.file.is_empty() && names_of(&rule.name).iter().any(|name| self.file.contains(name.as_ref()))
    }

    /// Whether the file asks for a rule that runs only where it is asked for, at
    /// least for one instruction.
    pub(super) fn asks_for(&self, rule: &Rule) -> bool {
        let mut options = self.placed.iter().map(|placed| &placed.checks).chain([&self.checks]);
        check_name(&rule.name).is_some_and(|name| options.any(|checks| checks.experimental.contain(name)))
    }

    /// Whether a finding of a rule that the file asked for stands where it did.
    pub(super) fn admits(&self, finding: &Finding) -> bool {
        let Some(name) = check_name(&finding.rule) else { return false };
        let mut options = self.at(finding).map(|placed| &placed.checks).chain([&self.checks]);
        options.any(|checks| checks.experimental.contain(name))
    }

    /// Whether the file makes a finding of this rule stop the build.
    pub(super) fn makes_error(&self, rule: &str) -> bool {
        self.checks.is_error && check_name(rule).is_some()
    }

    /// Whether a comment above its instruction waves a finding through. Rules that
    /// the whole file goes without do not come so far.
    pub(super) fn covers(&self, finding: &Finding, is_opt_in: bool) -> bool {
        let check = check_name(&finding.rule).filter(|name| !is_opt_in && !NOT_OF_ONE_INSTRUCTION.contains(name));
        let is_skipped = check.is_some_and(|name| {
            let is_trigger = |placed: &Suppression| placed.keyword == Keyword::From && OF_STEPS.contains(&name);
            match name {
                // BuildKit reports the first of two, and reads what stands above the second.
                "MultipleInstructionsDisallowed" => finding
                    .related
                    .first()
                    .is_some_and(|(second, _)| self.around(*second).any(|placed| placed.checks.skip.contain(name))),
                _ => self.at(finding).any(|placed| !is_trigger(placed) && placed.checks.skip.contain(name)),
            }
        });
        let names = names_of(&finding.rule);
        is_skipped || self.at(finding).flat_map(|placed| &placed.rules).any(|rule| names.contains(&Cow::Borrowed(rule)))
    }

    fn at(&self, finding: &Finding) -> impl Iterator<Item = &Suppression> {
        self.around(finding.span)
    }

    /// What is said of the instruction that a place is in.
    fn around(&self, place: Span) -> impl Iterator<Item = &Suppression> {
        let before = &self.placed[..self.placed.partition_point(|suppression| suppression.place.start <= place.start)];
        before.iter().rev().take_while(move |suppression| suppression.place.contains(place.start))
    }
}

/// What BuildKit calls a rule, if it is one of its own.
fn check_name(rule: &str) -> Option<&str> {
    rule.strip_prefix(CHECKS)
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

/// What a rule may be called in a comment: `pack/Rule`, `Rule`, `pack/*`.
fn names_of(rule: &str) -> [Cow<'_, str>; 3] {
    let (pack, name) = rule.split_once('/').unwrap_or(("", rule));
    [rule.into(), name.into(), format!("{pack}/*").into()]
}

#[cfg(test)]
mod tests {
    use super::rules_after;

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
}
