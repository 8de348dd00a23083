//! What the file itself says of rules: which go without saying, which count as
//! errors, which run that otherwise would not.
//!
//! - `# plimsoll ignore=RULE[,RULE] until=2027-01-31 -- reason`, in the comments above an
//!   instruction or between its lines: for that instruction, up to that day.
//! - `# plimsoll ignore-start=RULE[,RULE]`: up to `# plimsoll ignore-end[=RULE]`, else to the end of the file.
//! - `# plimsoll global ignore=RULE[,RULE]`, anywhere: for the file.
//! - `# hadolint ignore=CODE[,CODE]` and `# hadolint global ignore=`: likewise, for the
//!   rules that mean what the codes mean.
//! - `# check=skip=…;error=…;experimental=…`, for BuildKit's own checks and as
//!   BuildKit reads it: as a parser directive for the file, above an instruction
//!   for that one. The build argument `BUILDKIT_DOCKERFILE_CHECK` goes before
//!   the directive.
//!
//! A rule is `pack/Rule`, `Rule`, a pattern with `*` for either, or a code of ShellCheck. Where several
//! comments cover a finding, the nearest does: above the instruction, then the block that begins last, then the file's.

mod comment;
mod entries;
mod hadolint;
mod insert;
mod meant;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::tree::Keyword;
use time::Date;

pub(super) use self::entries::{End, Entries, Form, Told};
pub use self::hadolint::CODES as HADOLINT_CODES;
pub use self::insert::{Inserted, insert};
use self::meant::number;
use super::check_options::{CheckOptions, Rules};
use crate::document::Document;
use crate::finding::{Finding, Problem, Suppression};
use crate::limits::SUPPRESSIONS_MAX;
use crate::plugin::{Plugin, Rule};

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
    /// Rules named by comments that wave findings through.
    pub(super) entries: Entries,
    /// Options of BuildKit's checks for the whole file.
    checks: CheckOptions,
    /// Those for one instruction, in the order of the file.
    placed: Vec<Placed>,
}

#[derive(Debug)]
struct Placed {
    place: Span,
    keyword: Keyword,
    line: u32,
    checks: CheckOptions,
}

impl Suppressions {
    /// Reads what a file says, on a day. What BuildKit would refuse comes back as a problem. Where comments wave
    /// nothing through, those about what is an error or an experiment still count.
    pub(super) fn of(
        document: &Document,
        build_args: &[(String, String)],
        plugins: &[Plugin],
        today: Date,
        ignores_comments: bool,
    ) -> (Self, Option<Problem>) {
        let (mut checks, problem) = match CheckOptions::of_file(document, build_args) {
            Ok(checks) => (checks, None),
            Err(problem) => (CheckOptions::default(), Some(problem)),
        };
        let mut placed = placed(document);
        if ignores_comments {
            // What the build is told from outside is no comment.
            if !CheckOptions::is_told(build_args) {
                checks.skip = Rules::None;
            }
            placed.iter_mut().for_each(|placed| placed.checks.skip = Rules::None);
            return (Self { checks, placed, ..Self::default() }, problem);
        }
        (Self { entries: Entries::of(document, plugins, today), checks, placed }, problem)
    }

    /// Whether the file says nothing of which rules run.
    pub(super) fn leave_all(&self) -> bool {
        let mut options = self.placed.iter().map(|placed| &placed.checks).chain([&self.checks]);
        self.checks.skip.is_empty() && options.all(|checks| checks.experimental.is_empty())
    }

    /// Whether the whole file goes without a check, so that it need not run.
    pub(super) fn excludes(&self, rule: &Rule) -> bool {
        !rule.is_opt_in && check_name(&rule.name).is_some_and(|name| self.checks.skip.contain(name))
    }

    /// Whether the file asks for a rule that runs only where it is asked for, at
    /// least for one instruction.
    pub(super) fn asks_for(&self, rule: &Rule) -> bool {
        self.asking(&rule.name).next().is_some()
    }

    /// Where the file asks for a rule, by its name.
    pub(super) fn asking(&self, rule: &str) -> impl Iterator<Item = Span> {
        let name = check_name(rule);
        let whole = (Span::new(0, u32::MAX), &self.checks);
        let all = [whole].into_iter().chain(self.placed.iter().map(|placed| (placed.place, &placed.checks)));
        let asking = all.filter(move |(_, checks)| name.is_some_and(|name| checks.experimental.contain(name)));
        asking.map(|(place, _)| place)
    }

    /// Whether a finding of a rule that the file asked for stands where it did.
    pub(super) fn admits(&self, finding: &Finding) -> bool {
        let Some(name) = check_name(&finding.rule) else { return false };
        let mut options = self.around(finding.span).map(|placed| &placed.checks).chain([&self.checks]);
        options.any(|checks| checks.experimental.contain(name))
    }

    /// Whether the file makes a finding of this rule stop the build.
    pub(super) fn makes_error(&self, rule: &str) -> bool {
        self.checks.is_error && check_name(rule).is_some()
    }

    /// Whether a comment waves a finding through.
    pub(super) fn cover(&self, finding: &Finding, is_opt_in: bool) -> bool {
        self.entries.covering(finding).is_some() || self.skipping(finding, is_opt_in).is_some()
    }

    /// Which comment does so.
    pub(super) fn suppression(&self, finding: &Finding, is_opt_in: bool) -> Option<Suppression> {
        let of_entry = self.entries.covering(finding).map(|entry| self.entries.suppression(entry));
        let of_check = || Some(Suppression::Comment { line: self.skipping(finding, is_opt_in)?.line, reason: None });
        of_entry.or_else(of_check)
    }

    /// What BuildKit skips a finding by. Checks that the whole file goes without do not come so far.
    fn skipping(&self, finding: &Finding, is_opt_in: bool) -> Option<&Placed> {
        let name = check_name(&finding.rule).filter(|name| !is_opt_in && !NOT_OF_ONE_INSTRUCTION.contains(name))?;
        let is_trigger = |placed: &Placed| placed.keyword == Keyword::From && OF_STEPS.contains(&name);
        // BuildKit reports the first of two, and reads what stands above the second.
        let is_of_second = name == "MultipleInstructionsDisallowed";
        let place = if is_of_second { finding.related.first()?.0 } else { finding.span };
        let mut around = self.around(place);
        around.find(|placed| (is_of_second || !is_trigger(placed)) && placed.checks.skip.contain(name))
    }

    /// What is said of the instruction that a place is in.
    fn around(&self, place: Span) -> impl Iterator<Item = &Placed> {
        let before = &self.placed[..self.placed.partition_point(|placed| placed.place.start <= place.start)];
        before.iter().rev().take_while(move |placed| placed.place.contains(place.start))
    }
}

/// The rule here that a code of hadolint is about, which may stand behind a pack's name and in small letters.
pub fn rule_of_hadolint(code: &str) -> Option<&'static str> {
    let code = code.rsplit_once('/').map_or(code, |(_, bare)| bare);
    hadolint::rule(&code.to_ascii_uppercase()).map(|(rule, _)| rule)
}

/// Whether it is a code of ShellCheck, such as `SC2086`.
pub(super) fn is_code(text: &str) -> bool {
    number(text).is_some()
}

/// The options above instructions.
fn placed(document: &Document) -> Vec<Placed> {
    let (source, tree) = (document.source(), document.tree());
    let text_of = |span: Span| String::from_utf8_lossy(span.of(source));
    let mut placed = Vec::new();
    for instruction in tree.instructions.iter().filter(|instruction| !instruction.comments.is_empty()) {
        let comments = tree.comments_of(instruction);
        let Some(first) = comments.iter().find(|comment| CheckOptions::is_check(&text_of(comment.text))) else {
            continue;
        };
        let checks = CheckOptions::of_comments([text_of(first.text).as_ref()]);
        if let Some(checks) = checks.filter(|_| placed.len() < SUPPRESSIONS_MAX) {
            let line = document.lines().line_of(first.span.start);
            placed.push(Placed { place: instruction.span, keyword: instruction.keyword, line, checks });
        }
    }
    placed
}

/// What BuildKit calls a rule, if it is one of its own.
fn check_name(rule: &str) -> Option<&str> {
    rule.strip_prefix(CHECKS)
}
