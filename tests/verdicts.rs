//! What becomes of fast findings when answers come: a plugin of closures instead
//! of a component, and answers known beforehand.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll::config::Files;
use plimsoll::document::Surroundings;
use plimsoll::lint::{self, Ask, FileReport, Input, Job, Ruleset, SlowChecks, Source};
use plimsoll::plugin::contract::{
    Answered, Description, Finding, OptionError, Request, Scope, Severity, Span, Verdict, types::Rule,
};
use plimsoll::plugin::{Call, Code, Failure, Instance, Plugin};
use plimsoll::question::{self, Answer, Question, SkipReason};
use plimsoll::resolve::Recorded;
use plimsoll::schedule::Terms;
use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::Image;

/// Four stages: two chains, the second one on an image that is not there.
const FILE: &str = "FROM there:1 AS a\nFROM a AS b\nFROM gone:1 AS c\nFROM c AS d\n";
/// Where the stages begin.
const STAGES: [u32; 4] = [0, 18, 30, 48];

/// What a plugin with the rules `r/one` and `r/two` does.
#[derive(Clone, Copy)]
struct Script {
    check: fn() -> Vec<Finding>,
    plan: fn(&mut Call),
    on_success: fn(&mut Call, &Answered) -> Verdict,
}

impl Code for Script {
    fn instantiate(&self, _until: std::time::Instant) -> Result<Box<dyn Instance>, Failure> {
        Ok(Box::new(*self))
    }

    fn capabilities(&self) -> Vec<&'static str> {
        vec!["registry"]
    }
}

impl Instance for Script {
    fn describe(&mut self) -> Result<Description, Failure> {
        let rules = ["one", "two"].map(|name| Rule {
            name: name.to_owned(),
            summary: String::new(),
            severity: Severity::Warning,
            url: None,
            documentation: String::new(),
            options_schema: String::new(),
            fixable: false,
            opt_in: false,
            about: plimsoll::plugin::contract::About::Dockerfile,
        });
        Ok(Description { version: "1".to_owned(), rules: rules.into() })
    }

    fn validate_options(&mut self, _: u32, _: &str) -> Result<Vec<OptionError>, Failure> {
        Ok(Vec::new())
    }

    fn check(&mut self, _: &mut Call) -> Result<Vec<Finding>, Failure> {
        Ok((self.check)())
    }

    fn plan(&mut self, call: &mut Call) -> Result<(), Failure> {
        (self.plan)(call);
        Ok(())
    }

    fn on_success(&mut self, call: &mut Call, answered: &Answered) -> Result<Verdict, Failure> {
        Ok((self.on_success)(call, answered))
    }

    fn is_spent(&self) -> bool {
        false
    }
}

fn finding(rule: u32, stage: usize, message: &str) -> Finding {
    let span = Span { start: STAGES[stage], end: STAGES[stage] + 4 };
    Finding {
        rule,
        message: message.to_owned(),
        span,
        severity: None,
        url: None,
        related: vec![],
        lock_entry: None,
        fixes: vec![],
    }
}

/// A fast finding of rule one in each stage.
fn everywhere() -> Vec<Finding> {
    (0..4).map(|stage| finding(0, stage, "fast")).collect()
}

fn ask(call: &mut Call, rule: u32, scope: Scope, reference: &str) {
    let request = Request { rule, scope, state: vec![], budget_ms: None };
    call.plan_image(request, reference, "linux/amd64").unwrap().unwrap();
}

fn run(script: Script, off: &[u32]) -> FileReport {
    run_with(script, off, |_| {})
}

fn run_with(script: Script, off: &[u32], configure: impl FnOnce(&mut Job)) -> FileReport {
    let plugins: Arc<[Plugin]> =
        vec![Plugin::from_code("r", Box::new(script)).unwrap_or_else(|plugin| panic!("{}", plugin.message))].into();
    let mut ruleset = Ruleset::new(&plugins, Files::default()).unwrap();
    Arc::make_mut(&mut ruleset.settings[0]).enabled.retain(|rule| !off.contains(rule));
    let question = |name: &str| Question::Image {
        reference: Reference::parse(name).unwrap(),
        platform: Platform::parse("linux/amd64").unwrap(),
    };
    let image = Image {
        digest: String::new(),
        index_digest: None,
        platform: Platform::parse("linux/amd64").unwrap(),
        environment: vec![],
        working_dir: String::new(),
        user: String::new(),
        shell: vec![],
        labels: Default::default(),
        onbuild: vec![],
        entrypoint: vec![],
        cmd: vec![],
        created: None,
    };
    let gone = question::Failure { reason: SkipReason::NotFound, detail: "gone".to_owned() };
    let answer = Answer::Image(plimsoll_registry::Answer::Image(Box::new(image)));
    let answers = HashMap::from([(question("there:1"), Ok(answer)), (question("gone:1"), Err(gone))]);
    let mut job = Job {
        inputs: vec![Input {
            shown: "f".to_owned(),
            source: Source::Bytes(FILE.into()),
            ruleset: 0,
            context: Arc::default(),
        }],
        plugins,
        unusable: vec![],
        rulesets: vec![ruleset],
        surroundings: vec![Surroundings::of_platform(Platform::host())],
        slow_checks: SlowChecks { ask: Ask::Everything, fail_fast: true, terms: Terms::within(Duration::from_secs(5)) },
        lock: None,
        resolver: Arc::new(Recorded { answers, ..Recorded::default() }),
        now: std::time::SystemTime::UNIX_EPOCH,
        threads: 1,
    };
    configure(&mut job);
    lint::run(&job).files.remove(0)
}

/// The stage and message of each finding.
fn shown(report: &FileReport) -> Vec<String> {
    let stage = |start| STAGES.iter().position(|stage| *stage == start).unwrap();
    report.findings.iter().map(|finding| format!("{} {}", stage(finding.span.start), finding.message)).collect()
}

fn check(plan: fn(&mut Call), on_success: fn(&mut Call, &Answered) -> Verdict, expected: &[&str]) {
    let report = run(Script { check: everywhere, plan, on_success }, &[]);
    assert_eq!(shown(&report), expected);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}

#[test]
fn keep_and_add_leave_fast_findings() {
    let plan = |call: &mut Call| ask(call, 0, Scope::File, "there:1");
    check(plan, |_, _| Verdict::Keep, &["0 fast", "1 fast", "2 fast", "3 fast"]);
    let add = |_: &mut Call, _: &Answered| Verdict::Add(vec![finding(0, 1, "exact")]);
    check(plan, add, &["0 fast", "1 exact", "1 fast", "2 fast", "3 fast"]);
}

#[test]
fn replace_takes_what_is_in_its_scope() {
    let nothing = |_: &mut Call, _: &Answered| Verdict::Replace(vec![]);
    check(|call| ask(call, 0, Scope::File, "there:1"), nothing, &[]);
    check(|call| ask(call, 0, Scope::Stage(0), "there:1"), nothing, &["1 fast", "2 fast", "3 fast"]);
    check(|call| ask(call, 0, Scope::Derived(0), "there:1"), nothing, &["2 fast", "3 fast"]);
    check(|call| ask(call, 0, Scope::Derived(1), "there:1"), nothing, &["0 fast", "2 fast", "3 fast"]);
    // Another rule's answer is no business of this one.
    check(|call| ask(call, 1, Scope::File, "there:1"), nothing, &["0 fast", "1 fast", "2 fast", "3 fast"]);
}

#[test]
fn replacements_join_and_equal_findings_are_one() {
    let plan = |call: &mut Call| {
        ask(call, 0, Scope::File, "there:1");
        ask(call, 0, Scope::File, "there:1");
    };
    let replace = |_: &mut Call, answered: &Answered| {
        let own = if answered.id == 1 { "first" } else { "second" };
        Verdict::Replace(vec![finding(0, 0, own), finding(0, 1, "both")])
    };
    check(plan, replace, &["0 first", "0 second", "1 both"]);
}

#[test]
fn fast_findings_stand_beside_what_was_learnt_if_a_request_failed() {
    let plan = |call: &mut Call| {
        ask(call, 0, Scope::File, "there:1");
        ask(call, 0, Scope::Derived(2), "gone:1");
    };
    let replace = |_: &mut Call, _: &Answered| Verdict::Replace(vec![finding(0, 0, "exact"), finding(0, 2, "exact")]);
    check(plan, replace, &["0 exact", "2 exact", "2 fast", "3 fast"]);
}

#[test]
fn a_rule_speaks_for_itself_alone_and_only_if_it_is_on() {
    let plan = |call: &mut Call| ask(call, 0, Scope::File, "there:1");
    let both = |_: &mut Call, _: &Answered| Verdict::Replace(vec![finding(0, 0, "exact"), finding(1, 0, "not mine")]);
    let report = run(Script { check: everywhere, plan, on_success: both }, &[]);
    // What was refused may have been what mattered: the fast findings stand.
    assert_eq!(shown(&report), ["0 exact", "0 fast", "1 fast", "2 fast", "3 fast"]);
    assert!(report.problems[0].message.contains("rule r/two: it reported a finding of a rule that it was not asked"));

    let report = run(Script { check: everywhere, plan: |_| {}, on_success: |_, _| Verdict::Keep }, &[0]);
    assert_eq!(shown(&report), [""; 0]);
    assert!(report.problems[0].message.contains("rule r/one: it reported a finding of a rule that it was not asked"));

    let uninvited = |call: &mut Call| {
        let request = Request { rule: 0, scope: Scope::File, state: vec![], budget_ms: None };
        let error = call.plan_image(request, "there:1", "linux/amd64").unwrap_err();
        assert!(error.to_string().contains("rule r/one: registry.plan-image was called for a rule that"), "{error}");
    };
    let report = run(Script { check: Vec::new, plan: uninvited, on_success: |_, _| Verdict::Keep }, &[0]);
    assert!(report.planned.is_empty());
}

#[test]
fn what_cannot_be_parsed_is_the_rule_s_to_deal_with() {
    let plan = |call: &mut Call| {
        let request = || Request { rule: 0, scope: Scope::File, state: vec![], budget_ms: None };
        assert!(call.plan_image(request(), "NO:IMAGE:x", "linux/amd64").unwrap().is_err());
        assert!(call.plan_image(request(), "there:1", "a/b/c/d/e").unwrap().is_err());
        let scope = Scope::Stage(4);
        let error = call.plan_image(Request { scope, ..request() }, "there:1", "linux/amd64").unwrap_err();
        assert!(error.to_string().contains("the scope names stage 4; the file has 4"), "{error}");
        let state = vec![0; 1025];
        let error = call.plan_image(Request { state, ..request() }, "there:1", "linux/amd64").unwrap_err();
        assert!(error.to_string().contains("the state has 1025 bytes"), "{error}");
    };
    check(plan, |_, _| Verdict::Keep, &["0 fast", "1 fast", "2 fast", "3 fast"]);
}

#[test]
fn a_file_whose_errors_come_from_answers_asks_no_further() {
    fn answer(call: &mut Call, severity: Severity) -> Verdict {
        ask(call, 0, Scope::File, "gone:1");
        Verdict::Replace(vec![Finding { severity: Some(severity), ..finding(0, 1, "exact") }])
    }
    let check = |on_success: fn(&mut Call, &Answered) -> Verdict, fail_fast: bool, reason: SkipReason| {
        let plan = |call: &mut Call| ask(call, 0, Scope::File, "there:1");
        let script = Script { check: everywhere, plan, on_success };
        let report = run_with(script, &[], |job| job.slow_checks.fail_fast = fail_fast);
        let reasons: Vec<SkipReason> = report.skipped.iter().map(|skipped| skipped.reason).collect();
        assert_eq!(reasons, [reason]);
        // The answer that was not asked for might have mattered.
        assert_eq!(shown(&report), ["0 fast", "1 exact", "1 fast", "2 fast", "3 fast"]);
    };
    check(|call, _| answer(call, Severity::Warning), true, SkipReason::NotFound);
    check(|call, _| answer(call, Severity::Error), false, SkipReason::NotFound);
    check(|call, _| answer(call, Severity::Error), true, SkipReason::FailFast);
}
