//! The host's own rules: about the comments that wave findings through.
//!
//! Input: the [`Ledger`] of a file. Output: findings like those of any rule, with fixes. Invariant: that
//! a comment is not needed is said only where every rule that it names has looked at the file, and got its answers.

mod removal;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use plimsoll_dockerfile::Span;

use self::removal::Removal;
use super::ledger::Ledger;
use super::ruleset::similar_rule;
use super::suppress::{Form, rule_of_hadolint};
use super::{FileReport, Job, Ruleset, merge};
use crate::finding::{Finding, Fix, ProblemKind, Severity, Suppression};
use crate::limits::{FINDINGS_MAX, SUPPRESSIONS_MAX};
use crate::plugin::{Plugin, Rule};

const BROKEN: &str = "plimsoll/broken-suppression";
const EXPIRED: &str = "plimsoll/expired-suppression";
/// Off unless asked for.
pub const MISSING_REASON: &str = "plimsoll/missing-reason";
const UNKNOWN: &str = "plimsoll/unknown-rule";
const UNUSED: &str = "plimsoll/unused-suppression";

/// Bytes of a name that may be another mistyped.
const NAME_BYTES_MAX: usize = 100;

/// The host's own rules, by name.
pub fn rules() -> &'static [Rule] {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let rule = |name: &'static str, severity, summary: &str, page: &str| Rule {
            name: name.into(),
            summary: summary.to_owned(),
            severity,
            url: None,
            documentation: page.to_owned(),
            options_schema: String::new(),
            is_fixable: name != MISSING_REASON,
            is_opt_in: name == MISSING_REASON,
            is_about_lock: false,
        };
        vec![
            rule(
                BROKEN,
                Severity::Warning,
                "Comments that wave findings through should say which, and blocks of them should end",
                include_str!("broken-suppression.md"),
            ),
            rule(
                EXPIRED,
                Severity::Warning,
                "Findings should be mended by the day up to which a comment waves them through",
                include_str!("expired-suppression.md"),
            ),
            rule(
                MISSING_REASON,
                Severity::Warning,
                "Comments that wave findings through should say why",
                include_str!("missing-reason.md"),
            ),
            rule(
                UNKNOWN,
                Severity::Warning,
                "Comments should name rules that there are",
                include_str!("unknown-rule.md"),
            ),
            rule(
                UNUSED,
                Severity::Info,
                "Comments should wave something through, or go",
                include_str!("unused-suppression.md"),
            ),
        ]
    });
    &RULES
}

/// All rules, each with its plugin; the last are the host's own.
pub fn all_rules(plugins: &[Plugin]) -> impl Iterator<Item = (Option<&Plugin>, &Rule)> {
    let of_plugins = plugins.iter().flat_map(|plugin| plugin.rules.iter().map(move |rule| (Some(plugin), rule)));
    of_plugins.chain(rules().iter().map(|rule| (None, rule)))
}

/// What they are called.
pub(super) fn names<'n>() -> impl Iterator<Item = &'n str> + Clone {
    [BROKEN, EXPIRED, MISSING_REASON, UNKNOWN, UNUSED].into_iter()
}

/// Adds what there is to say of a file's comments.
pub(super) fn tell(job: &Job, ruleset: &Ruleset, report: &mut FileReport, ledger: &Ledger) {
    let Some(source) = report.source.clone() else { return };
    let teller =
        Teller { ruleset, plugins: &job.plugins, ledger, removal: Removal::new(source.bytes(), &ledger.entries) };
    let mut said = Said::default();
    teller.tell_of_comments(&mut said);
    teller.tell_of_unknown(report, &mut said);
    teller.tell_of_unused(report, &mut said);
    let (waved, seen): (Vec<_>, Vec<_>) =
        said.findings.into_iter().partition(|finding| ledger.entries.covering(finding).is_some());
    let why = |finding: Finding| {
        let entry = ledger.entries.covering(&finding)?;
        Some((finding, ledger.entries.suppression(entry)))
    };
    let waved: Vec<(Finding, Suppression)> = waved.into_iter().filter_map(why).collect();
    report.suppressed.extend(waved);
    if !seen.is_empty() {
        report.findings = merge::join(vec![std::mem::take(&mut report.findings), seen]);
    }
}

/// What is said so far.
#[derive(Default)]
struct Said {
    findings: Vec<Finding>,
    /// How much of it, by rule.
    counts: HashMap<&'static str, usize>,
}

struct Teller<'t> {
    ruleset: &'t Ruleset,
    plugins: &'t [Plugin],
    ledger: &'t Ledger,
    removal: Removal<'t>,
}

impl Teller<'_> {
    /// What is wrong with comments by themselves.
    fn tell_of_comments(&self, said: &mut Said) {
        if let Some(span) = self.ledger.entries.too_many {
            let message = format!("Comments name more than {SUPPRESSIONS_MAX} rules; from here on they do not count");
            self.say(said, BROKEN, span, || (message, None));
        }
        for told in self.ledger.entries.told.iter().filter(|told| told.is_own) {
            let mut say = |rule, span, message: &str, goes: bool| {
                self.say(said, rule, span, || {
                    (message.to_owned(), goes.then(|| self.removal.of_comment(told)).flatten())
                });
            };
            match told.form {
                Form::Whole => {}
                Form::Empty => say(BROKEN, told.span, "The comment names no rule: write ignore=RULE", true),
                Form::Astray => {
                    say(BROKEN, told.span, "No instruction follows that this comment could be about", true);
                }
                Form::Open => {
                    let message = "The block does not end, and holds to the end of the file: \
                                   write # plimsoll ignore-end, or global ignore at the top";
                    say(BROKEN, told.span, message, false);
                }
                Form::Stray => say(BROKEN, told.span, "Nothing that this could end has begun", true),
                Form::Unread => {
                    let message = "The comment means nothing: write # plimsoll ignore=RULE, global ignore=RULE, \
                                   ignore-start=RULE or ignore-end";
                    say(BROKEN, told.span, message, false);
                }
            }
            if let Some(odd) = told.odd.filter(|_| told.form != Form::Unread) {
                let message = "This means nothing here: rules have , between them, a day is written until=2027-01-31, \
                               and -- stands in front of a reason";
                say(BROKEN, odd, message, false);
            }
            match told.until {
                Some((span, None)) => {
                    say(BROKEN, span, "This is no day such as 2027-01-31, so the comment does not count", false);
                }
                Some((span, Some(day))) if told.is_over => {
                    let message = format!("The comment counted up to {day}, and does so no more");
                    say(EXPIRED, span, &message, true);
                }
                _ => {}
            }
            if told.needs_reason {
                say(
                    MISSING_REASON,
                    told.span,
                    "The comment does not say why: write -- and the reason behind it",
                    false,
                );
            }
            if let Some(first) = told.stray.first() {
                let message = "Nothing that this name could end has begun";
                self.say(said, BROKEN, *first, || (message.to_owned(), self.removal.of_names(told, &told.stray)));
            }
        }
    }

    /// Names that no rule has. What plugins have that this run does not load, it does not know.
    fn tell_of_unknown(&self, report: &FileReport, said: &mut Said) {
        let entries = &self.ledger.entries;
        let is_missing = report.problems.iter().any(|problem| problem.kind == ProblemKind::PluginUnusable);
        for entry in entries.all.iter().filter(|entry| entry.is_own && !entry.is_known).take(FINDINGS_MAX) {
            let (meant, says) = self.meant(&entry.name);
            let pack = entry.name.split_once('/').map(|(pack, _)| pack);
            let is_loaded = pack.is_some_and(|pack| self.plugins.iter().any(|plugin| plugin.name == pack));
            let may_be_elsewhere = if pack.is_some() { !is_loaded } else { is_missing };
            if meant.is_none() && may_be_elsewhere {
                continue;
            }
            let told = &entries.told[entry.comment];
            let hint = meant.map_or(String::new(), |meant| says.replace("{}", meant));
            let fix = || match meant {
                Some(meant) => Some(Fix {
                    message: format!("Name {meant}"),
                    // It may wave through what was seen so far.
                    is_safe: false,
                    edits: vec![(entry.span, meant.to_owned())],
                    renews_entry: false,
                }),
                None => self.removal.of_names(told, &[entry.span]).map(|fix| Fix { is_safe: false, ..fix }),
            };
            let message = format!("There is no rule {}{hint}", entry.name);
            self.say(said, UNKNOWN, entry.span, || (message, fix()));
        }
    }

    /// The rule that was perhaps meant.
    fn meant(&self, name: &str) -> (Option<&str>, &'static str) {
        if let Some(rule) = rule_of_hadolint(name) {
            return (Some(rule), "; what hadolint calls so is {} here");
        }
        let rules = self.plugins.iter().flat_map(|plugin| plugin.names.iter()).map(|rule| &**rule).chain(names());
        if name.len() > NAME_BYTES_MAX {
            return (None, "");
        }
        (similar_rule(name, rules), "; did you mean {}?")
    }

    /// Names that wave nothing through, as far as that is certain.
    fn tell_of_unused(&self, report: &FileReport, said: &mut Said) {
        // What is wrong with the file or a plugin may have kept rules from finding what is there.
        if !report.problems.is_empty() || !self.ruleset.own.contains(UNUSED) {
            return;
        }
        let (entries, rules) = (&self.ledger.entries, self.ledger.entries.rules_of());
        let unanswered: HashSet<&Arc<str>> = report.skipped.iter().map(|skipped| &skipped.rule).collect();
        let has_looked = |rule: &Arc<str>| {
            self.ledger.ran.contains(rule) && !self.ledger.unasked.contains(rule) && !unanswered.contains(rule)
        };
        let is_unused = |index: usize| {
            let entry = &entries.all[index];
            let told = &entries.told[entry.comment];
            let is_whole = entry.is_own && entry.counts && matches!(told.form, Form::Whole | Form::Open);
            let meant = rules.get(&index).is_some_and(|meant| meant.iter().all(|rule| has_looked(rule)));
            is_whole && !self.ledger.used.contains(&index) && meant && self.ledger.has_seen(index)
        };
        let mut unused = (0..entries.all.len()).filter(|index| is_unused(*index)).peekable();
        while let Some(first) = unused.next() {
            let comment = entries.all[first].comment;
            let mut together = vec![first];
            while let Some(next) = unused.next_if(|next| entries.all[*next].comment == comment) {
                together.push(next);
            }
            let told = &entries.told[comment];
            let spans: Vec<Span> = together.iter().map(|index| entries.all[*index].span).collect();
            let named: Vec<&str> = together.iter().map(|index| entries.all[*index].name.as_str()).collect();
            let message = match named.as_slice() {
                [name] => format!("Nothing of {name} is found here that the comment could wave through"),
                [names @ .., last] => {
                    format!(
                        "Nothing of {} or {last} is found here that the comment could wave through",
                        names.join(", ")
                    )
                }
                [] => continue,
            };
            let span = if told.names.len() == spans.len() { told.span } else { spans[0] };
            self.say(said, UNUSED, span, || (message, self.removal.of_names(told, &spans)));
        }
    }

    /// Says something, unless the rule is off or has said enough.
    fn say(&self, said: &mut Said, name: &'static str, span: Span, what: impl FnOnce() -> (String, Option<Fix>)) {
        let count = said.counts.entry(name).or_default();
        if !self.ruleset.own.contains(name) || *count == FINDINGS_MAX {
            return;
        }
        *count += 1;
        let (message, fix) = what();
        let rule = rules().iter().find(|rule| *rule.name == *name).expect("it is one of them");
        let severity = self.ruleset.severities.get(name).copied().unwrap_or(rule.severity);
        let fixes = fix.into_iter().collect();
        said.findings.push(Finding {
            rule: rule.name.clone(),
            severity,
            message,
            url: None,
            span,
            related: Vec::new(),
            lock: None,
            fixes,
        });
    }
}
