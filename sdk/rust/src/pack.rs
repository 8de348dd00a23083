//! From the calls of the host to the rules of a pack.
//!
//! Input: the table that [`crate::pack!`] makes. Output: what the contract's
//! exports return. A panic's message and the rule reach the host before the
//! trap; where the host wants to know who fails otherwise, every rule is announced
//! before it runs. So a failure has a name and a reason.

use std::cell::Cell;
use std::sync::Once;

use crate::{
    Answered, Description, Document, Finding, OptionError, Outcome, Plan, Report, Rule, RuleDescription, Verdict, host,
};

/// One rule of a pack, without its type.
#[derive(Debug)]
pub struct Entry {
    describe: fn(&str) -> RuleDescription,
    documentation: &'static str,
    takes_options: bool,
    configure: fn(&str) -> Result<(), String>,
    check: fn(&Options, &Document, &mut Report),
    plan: fn(&Options, &Document, &Plan),
    on_success: fn(&Options, &Answered, &Document, &mut Report) -> Outcome,
}

/// The options of one rule for the current document, as text.
#[derive(Debug)]
pub struct Options(String);

/// The entry of a rule, with its page.
pub const fn entry<R: Rule>(documentation: &'static str) -> Entry {
    Entry {
        describe: |documentation| RuleDescription {
            name: R::NAME.to_owned(),
            summary: R::SUMMARY.to_owned(),
            severity: R::SEVERITY,
            url: R::URL.map(str::to_owned),
            documentation: documentation.to_owned(),
            options_schema: R::OPTIONS_SCHEMA.to_owned(),
            fixable: R::FIXABLE,
            opt_in: R::OPT_IN,
            about: R::ABOUT,
        },
        documentation,
        takes_options: !R::OPTIONS_SCHEMA.is_empty(),
        configure: |options| R::configure(options).map(drop),
        check: |options, document, report| rule::<R>(options).check(document, report),
        plan: |options, document, plan| rule::<R>(options).plan(document, plan),
        on_success: |options, answered, document, report| rule::<R>(options).on_success(answered, document, report),
    }
}

/// `plugin.describe`.
pub fn describe(version: &str, rules: &[Entry]) -> Description {
    Description {
        version: version.to_owned(),
        rules: rules.iter().map(|rule| (rule.describe)(rule.documentation)).collect(),
    }
}

/// `plugin.validate-options`.
pub fn validate_options(rules: &[Entry], rule: u32, options: &str) -> Vec<OptionError> {
    hook_panics();
    let entry = &rules[rule as usize];
    if !entry.takes_options && !matches!(options.trim(), "" | "{}") {
        return vec![OptionError { path: String::new(), message: "this rule takes no options".to_owned() }];
    }
    match (entry.configure)(options) {
        Ok(()) => Vec::new(),
        Err(message) => vec![OptionError { path: String::new(), message }],
    }
}

/// `fast.check`.
pub fn check(rules: &[Entry]) -> Vec<Finding> {
    Subject::current(rules).check(rules)
}

/// `fast.check` of a component that is then asked to plan.
pub fn check_before_plan(rules: &[Entry]) -> Vec<Finding> {
    let subject = Subject::current(rules);
    let findings = subject.check(rules);
    subject.keep();
    findings
}

/// `slow.plan`.
pub fn plan(rules: &[Entry]) {
    let subject = Subject::kept().unwrap_or_else(|| Subject::current(rules));
    subject.for_each_rule(rules, |index, rule, options| (rule.plan)(options, &subject.document, &Plan::new(index)));
}

/// `slow.on-success`.
pub fn on_success(rules: &[Entry], answered: &Answered) -> Verdict {
    hook_panics();
    host::enter(answered.rule);
    let rule = &rules[answered.rule as usize];
    let mut report = Report::new(answered.rule);
    let options = rule.options(answered.rule);
    match (rule.on_success)(&options, answered, &Document::current(), &mut report) {
        Outcome::Keep => Verdict::Keep,
        Outcome::Add => Verdict::Add(report.into_findings()),
        Outcome::Replace => Verdict::Replace(report.into_findings()),
    }
}

impl Entry {
    fn options(&self, index: u32) -> Options {
        Options(if self.takes_options { host::options(index) } else { String::new() })
    }
}

/// What a call is about: a document, and the rules that run.
struct Subject {
    document: Document,
    enabled: Vec<(u32, Options)>,
    announces: bool,
}

thread_local! {
    /// That of the last call of `check`, with the document's number.
    static LAST: Cell<Option<(u64, Box<Subject>)>> = const { Cell::new(None) };
    /// The rule that runs.
    static RUNNING: Cell<Option<u32>> = const { Cell::new(None) };
}

impl Subject {
    fn current(rules: &[Entry]) -> Box<Self> {
        hook_panics();
        let mut enabled = Vec::new();
        for (from, some) in (0..).step_by(u64::BITS as usize).zip(rules.chunks(u64::BITS as usize)) {
            let bits = host::enabled(from);
            let rules = (from..).zip(some).filter(|(index, _)| bits >> (index - from) & 1 == 1);
            enabled.extend(rules.map(|(index, rule)| (index, rule.options(index))));
        }
        // Of a rule alone the host knows that it runs.
        let announces = enabled.len() > 1 && host::announces();
        Box::new(Self { document: Document::current(), enabled, announces })
    }

    fn check(&self, rules: &[Entry]) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.for_each_rule(rules, |index, rule, options| {
            let mut report = Report::new(index);
            (rule.check)(options, &self.document, &mut report);
            findings.append(&mut report.into_findings());
        });
        findings
    }

    /// Keeps it, with all that was pulled of it, for a call about the same.
    fn keep(self: Box<Self>) {
        LAST.set(Some((host::document_id(), self)));
    }

    /// What was kept, if that is what this call is about.
    fn kept() -> Option<Box<Self>> {
        let (id, subject) = LAST.take()?;
        (id == host::document_id()).then_some(subject)
    }

    fn for_each_rule(&self, rules: &[Entry], mut body: impl FnMut(u32, &Entry, &Options)) {
        for (index, options) in &self.enabled {
            RUNNING.set(Some(*index));
            if self.announces {
                host::enter(*index);
            }
            body(*index, &rules[*index as usize], options);
        }
        RUNNING.set(None);
    }
}

fn rule<R: Rule>(options: &Options) -> R {
    R::configure(&options.0).unwrap_or_else(|message| panic!("options of {}: {message}", R::NAME))
}

/// Tells the host why a component is about to trap: on this target a panic
/// cannot be caught.
fn hook_panics() {
    if cfg!(target_arch = "wasm32") {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            std::panic::set_hook(Box::new(|info| {
                RUNNING.get().into_iter().for_each(host::enter);
                host::panicked(&info.to_string());
            }));
        });
    }
}
