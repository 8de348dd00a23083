//! A file under way: what is known of it, what it waits for, what it came to.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use plimsoll_dockerfile::Span;

use super::judge::Round;
use super::ledger::Ledger;
use super::merge::{self, Outcome, Outcomes, Verdict};
use super::suppress::Suppressions;
use super::{Ask, FileReport, Job, Ruleset, SLOW_CHECKS_OFF};
use crate::config::Pool;
use crate::document::{Document, Meaning};
use crate::finding::{Finding, Problem, ProblemKind, Severity, Skipped};
use crate::limits::PLATFORMS_MAX;
use crate::plugin::{Answered, Failure, Log, Planned, Plugin, Rule, Settings, Subject};
use crate::question::{self, BuildContext, Question, SkipReason};
use crate::schedule::Session;

/// What is said of a question that is not asked because of the file's own errors.
pub(super) const HAS_ERRORS: &str = "the file has errors already";

/// A file under way.
#[derive(Default)]
pub(super) struct Work {
    pub(super) report: FileReport,
    pub(super) content: Option<Content>,
    /// Fast findings with plugin and rule.
    pub(super) fast: Vec<(usize, u32, Finding)>,
    /// Those that comments wave through.
    pub(super) fast_waved: Vec<(usize, u32, Finding)>,
    /// What became of the comments, once all is known.
    pub(super) ledger: Option<Ledger>,
    /// Requests that wait for their answer, in the order of planning.
    pub(super) pending: Vec<Pending>,
    /// Requests without an answer, each with its place in the order of planning.
    skipped: Vec<(usize, Skipped)>,
    /// What the answers so far came to.
    pub(super) verdicts: Vec<Verdict>,
    /// Findings of `on-success` that the user will see, answer by answer.
    late: Vec<Vec<Finding>>,
    /// Those that comments wave through.
    late_waved: Vec<Vec<Finding>>,
    /// Whether there is an error among them that keeps the file from asking further.
    has_late_error: bool,
}

/// What is known of a file that could be read, until nothing is pending.
pub(super) struct Content {
    pub(super) document: Arc<Document>,
    pub(super) meaning: Arc<Meaning>,
    pub(super) context: Arc<BuildContext>,
    /// The same for plugins that may ask for some paths of it only.
    pub(super) narrow_context: Arc<BuildContext>,
    pub(super) suppressions: Suppressions,
    pub(super) ruleset: usize,
    /// What the build is told, as index into [`Job::surroundings`].
    pub(super) surroundings: usize,
    /// What each plugin is told of its rules, where the file has a say in it.
    pub(super) narrowed: Vec<Option<Arc<Settings>>>,
    /// What counts as now.
    pub(super) now: SystemTime,
    /// Requests planned so far, by plugin.
    pub(super) planned: Vec<usize>,
    /// Rules whose questions nobody asks, since the whole file goes without them.
    pub(super) unasked: HashSet<Arc<str>>,
}

/// A request that waits for its answer.
pub(super) struct Pending {
    pub(super) plugin: usize,
    pub(super) request: Planned,
    /// The answers it followed from, the nearest first.
    pub(super) follows: Vec<Arc<Answered>>,
    /// Its place in the order of planning.
    pub(super) number: usize,
}

impl Pending {
    /// A request that nobody waits for yet.
    pub(super) fn new(plugin: usize, request: Planned, follows: Vec<Arc<Answered>>) -> Self {
        Self { plugin, request, follows, number: 0 }
    }

    /// The question, and how long it may take.
    pub(super) fn asked(&self) -> (&Question, Option<Duration>) {
        let budget = self.request.budget_ms.map(|budget| Duration::from_millis(budget.into()));
        (&self.request.question, budget)
    }

    /// What the request came to.
    pub(super) fn verdict(&self, outcome: Outcome) -> Verdict {
        Verdict { plugin: self.plugin, rule: self.request.rule, scope: self.request.scope, outcome }
    }
}

impl Content {
    /// What a plugin sees, under some meaning of the document. Settings that all files share change hands once
    /// a call and no more: all threads count at the same place who holds them.
    pub(super) fn subject(&self, job: &Job, plugin: usize, meaning: Arc<Meaning>) -> Subject {
        let configured = &job.rulesets[self.ruleset].settings;
        let has_whole_context = job.plugins[plugin].grants.has_whole_context();
        let context = if has_whole_context { &self.context } else { &self.narrow_context };
        let (document, context) = (self.document.clone(), context.clone());
        let id = document.id() * PLATFORMS_MAX as u64 + self.surroundings as u64;
        let settings = self.narrowed[plugin].as_ref().unwrap_or(&configured[plugin]).clone();
        Subject { id, document, meaning, settings, context, now: self.now }
    }

    /// Rules that run, and that the file itself goes without as a whole.
    fn spared(&self, job: &Job) -> Vec<Arc<str>> {
        let excluded =
            self.narrowed(job).flat_map(|(configured, narrowed, plugin)| missing(configured, narrowed, plugin));
        excluded.chain(self.unasked.iter().cloned()).collect()
    }

    /// Rules that run only because the file itself asks for them, each with the places where it does.
    fn woken(&self, job: &Job) -> Vec<(Arc<str>, Span)> {
        let woken = self.narrowed(job).flat_map(|(configured, narrowed, plugin)| missing(narrowed, configured, plugin));
        let places = |rule: Arc<str>| {
            let places: Vec<Span> = self.suppressions.asking(&rule).collect();
            places.into_iter().map(move |place| (rule.clone(), place))
        };
        woken.flat_map(places).collect()
    }

    /// What is configured of plugins, and what the file makes of it where it has a say.
    fn narrowed<'c>(&'c self, job: &'c Job) -> impl Iterator<Item = (&'c Settings, &'c Settings, &'c Plugin)> {
        let configured = job.rulesets[self.ruleset].settings.iter().zip(&self.narrowed).zip(&*job.plugins);
        configured.filter_map(|((configured, narrowed), plugin)| Some((&**configured, &**narrowed.as_ref()?, plugin)))
    }
}

/// The rules that run by one and not by the other.
fn missing<'c>(one: &'c Settings, other: &'c Settings, plugin: &'c Plugin) -> impl Iterator<Item = Arc<str>> + 'c {
    let gone = one.enabled.iter().filter(|rule| other.enabled.binary_search(rule).is_err());
    gone.map(|rule| plugin.names[*rule as usize].clone())
}

/// What a plugin is told of its rules where the file has a say in it: those that the
/// whole file goes without do not run, those that it asks for do.
pub(super) fn narrowed(
    plugin: &Plugin,
    configured: &Arc<Settings>,
    ruleset: &Ruleset,
    suppressions: &Suppressions,
) -> Option<Arc<Settings>> {
    // Most files say nothing, and there may be many plugins.
    if suppressions.leave_all() {
        return None;
    }
    let is_enabled = |index: &u32| configured.enabled.binary_search(index).is_ok();
    let runs = |(index, rule): (u32, &Rule)| {
        let may_wake = || rule.is_opt_in && !ruleset.switched_off.contains(&rule.name);
        let is_wanted = is_enabled(&index) || may_wake() && suppressions.asks_for(rule);
        (is_wanted && !suppressions.excludes(rule)).then_some(index)
    };
    let enabled: Vec<u32> = (0..).zip(&plugin.rules).filter_map(runs).collect();
    (enabled != configured.enabled).then(|| Arc::new(Settings { enabled, ..(**configured).clone() }))
}

impl Work {
    /// A file of which nothing is known yet.
    pub(super) fn new(path: String) -> Self {
        Self { report: FileReport { path, ..FileReport::default() }, ..Self::default() }
    }

    /// Adds a request that waits for its answer.
    pub(super) fn wait(&mut self, job: &Job, mut pending: Pending) {
        pending.number = self.report.planned.len();
        let rule = job.plugins[pending.plugin].names[pending.request.rule as usize].clone();
        self.report.planned.push((rule, pending.request.question.clone()));
        if let Some(content) = &mut self.content {
            content.planned[pending.plugin] += pending.request.cost();
        }
        self.pending.push(pending);
    }

    /// Takes what a round of answers came to.
    pub(super) fn take(&mut self, job: &Job, round: Round) {
        self.pending.clear();
        round.pending.into_iter().for_each(|pending| self.wait(job, pending));
        self.skipped.extend(round.skipped);
        self.verdicts.extend(round.verdicts);
        self.late.extend(round.findings);
        self.late_waved.extend(round.waved);
        self.has_late_error |= round.has_error;
        for problem in round.problems {
            if !self.report.problems.contains(&problem) {
                self.report.problems.push(problem);
            }
        }
        for (plugin, failures, log) in round.said {
            note(&mut self.report, &job.plugins[plugin], failures, log);
        }
    }

    /// Whether something is pending, and an earlier run's answers to all of it
    /// are known.
    pub(super) fn is_answered(&self, session: &Session) -> bool {
        !self.pending.is_empty() && self.pending.iter().all(|pending| session.recalls(&pending.request.question))
    }

    /// Leaves nothing pending where the world is not to be asked and the answer
    /// is not known. If nothing is, merges, and lets go of all that the report
    /// does not need.
    pub(super) fn advance(&mut self, job: &Job, session: &Session) {
        let is_over = job.slow_checks.fail_fast && self.has_error();
        for pending in std::mem::take(&mut self.pending) {
            let question = &pending.request.question;
            let Plugin { name, grants, .. } = &job.plugins[pending.plugin];
            let denied = grants.why_denied(question);
            let denied = denied.map(|why| failure(SkipReason::Denied, &format!("plugin {name}: {why}")));
            // What an earlier run knows is answered in every mode.
            let barred = denied.or_else(|| if session.recalls(question) { None } else { why_not_asked(job, question) });
            let over = || is_over.then(|| failure(SkipReason::FailFast, HAS_ERRORS));
            match barred.or_else(over) {
                Some(failure) => {
                    self.skipped.push((pending.number, skipped(job, &pending, &failure)));
                    self.verdicts.push(pending.verdict(Outcome::Failed));
                }
                None => self.pending.push(pending),
            }
        }
        if !self.pending.is_empty() {
            return;
        }
        let Some(content) = self.content.take() else { return };
        self.skipped.sort_by_key(|(number, _)| *number);
        self.report.skipped.extend(self.skipped.drain(..).map(|(_, skipped)| skipped));
        let outcomes = Outcomes::new(&content.meaning, &self.verdicts);
        let (fast, late) = (std::mem::take(&mut self.fast), std::mem::take(&mut self.late));
        self.report.findings = merged(&outcomes, fast, late);
        let (fast, late) = (std::mem::take(&mut self.fast_waved), std::mem::take(&mut self.late_waved));
        (self.report.spared, self.report.woken) = (content.spared(job), content.woken(job));
        let mut ledger = Ledger::of(job, &content);
        // A guess that an answer took back is one that other runs may come to.
        let waved = fast.iter().map(|(_, _, finding)| finding).chain(late.iter().flatten());
        waved.for_each(|finding| ledger.note(&content.suppressions, finding));
        let opt_in = &job.rulesets[content.ruleset].opt_in;
        let why = |finding: Finding| {
            let why = content.suppressions.suppression(&finding, opt_in.contains(&finding.rule))?;
            Some((finding, why))
        };
        self.report.suppressed = merged(&outcomes, fast, late).into_iter().filter_map(why).collect();
        self.ledger = ledger.with(content.suppressions.entries);
    }

    /// Whether there is an error that keeps the file from asking further.
    fn has_error(&self) -> bool {
        let mut fast = self.fast.iter().map(|(_, _, finding)| finding);
        self.has_late_error || self.report.has_error() || fast.any(|finding| finding.severity == Severity::Error)
    }
}

/// The findings that stand: those of checks that no answer took back, then those of answers.
fn merged(outcomes: &Outcomes, fast: Vec<(usize, u32, Finding)>, mut late: Vec<Vec<Finding>>) -> Vec<Finding> {
    let standing = fast.into_iter().filter(|(plugin, rule, finding)| !outcomes.supersede(*plugin, *rule, finding.span));
    let mut standing: Vec<Finding> = standing.map(|(_, _, finding)| finding).collect();
    merge::give_way(&mut standing, late.iter().flatten());
    late.insert(0, standing);
    merge::join(late)
}

/// Why the mode, or a recorded run, keeps a question from being asked.
pub(super) fn why_not_asked(job: &Job, question: &Question) -> Option<question::Failure> {
    let pool = Pool::of(question);
    let is_local = question.host().is_none();
    let is_enabled = job.slow_checks.terms.pools.of(pool).enabled;
    if let Some(recorded) = job.resolver.why_not_asked(question) {
        return Some(recorded);
    }
    match job.slow_checks.ask {
        // Which is so in every mode.
        _ if pool == Pool::Console && !is_enabled => Some(failure(SkipReason::Disabled, pool.how_to_enable())),
        Ask::Local if !is_local => Some(failure(SkipReason::Disabled, SLOW_CHECKS_OFF)),
        Ask::Nothing => Some(failure(SkipReason::Disabled, SLOW_CHECKS_OFF)),
        Ask::Offline if !is_local => Some(failure(SkipReason::Offline, "nobody outside is asked")),
        _ if is_enabled => None,
        _ => Some(failure(SkipReason::Disabled, pool.how_to_enable())),
    }
}

pub(super) fn failure(reason: SkipReason, detail: &str) -> question::Failure {
    question::Failure { reason, detail: detail.to_owned() }
}

/// A finding after configuration and comments have had their say.
pub(super) enum Settled {
    /// The user will see it.
    Seen(Finding),
    /// A comment waves it through.
    Waved(Finding),
}

/// The finding as the user will see it; nothing if nobody asked for its rule.
pub(super) fn settle(ruleset: &Ruleset, suppressions: &Suppressions, mut finding: Finding) -> Option<Settled> {
    let is_opt_in = ruleset.opt_in.contains(&finding.rule);
    let is_dormant = is_opt_in && !ruleset.opted_in.contains(&finding.rule);
    if is_dormant && !suppressions.admits(&finding) {
        return None;
    }
    match ruleset.severities.get(&finding.rule) {
        Some(severity) => finding.severity = *severity,
        None if suppressions.makes_error(&finding.rule) => finding.severity = Severity::Error,
        None => {}
    }
    let is_waved = suppressions.cover(&finding, is_opt_in);
    Some(if is_waved { Settled::Waved(finding) } else { Settled::Seen(finding) })
}

/// Puts what a plugin failed at and said into the report.
pub(super) fn note(report: &mut FileReport, plugin: &Plugin, failures: Vec<Failure>, log: Log) {
    for failure in failures {
        let rule = failure.rule.and_then(|rule| plugin.names.get(rule as usize));
        let who = rule
            .map_or_else(|| format!("plugin {}", plugin.name), |rule| format!("plugin {}, rule {rule}", plugin.name));
        let problem =
            Problem { kind: ProblemKind::PluginFailure, message: format!("{who}: {}", failure.message), line: None };
        if !report.problems.contains(&problem) {
            report.problems.push(problem);
        }
    }
    report.log.extend(log.into_iter().map(|(level, message)| (plugin.name.clone(), level, message)));
}

/// A request without an answer, as the report shows it.
pub(super) fn skipped(job: &Job, pending: &Pending, failure: &question::Failure) -> Skipped {
    let question = &pending.request.question;
    Skipped {
        rule: job.plugins[pending.plugin].names[pending.request.rule as usize].clone(),
        resolver: question.resolver(),
        question: question.to_string(),
        host: question.host().map(str::to_owned),
        reason: failure.reason,
        detail: failure.detail.clone(),
    }
}
