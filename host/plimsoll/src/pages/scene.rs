//! A case, ready to be linted, as often as wanted.
//!
//! Input: a case of a rule. Output: its report, as the program would make it with this one rule on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use plimsoll_dockerfile::Platform;

use super::Complaint;
use super::facts::Facts;
use super::page::{BlockKind, Case, Page};
use super::world::{World, where_to_write};
use crate::config::{self, Config, Files, Flags};
use crate::document::Surroundings;
use crate::finding::ProblemKind;
use crate::lint::{
    Ask, FileReport, Input, Instances, Job, JobLock, Misconfigured, Outcome, Ruleset, SlowChecks, Source, run, run_in,
};
use crate::lock::view::view;
use crate::lock::{self, Lock, Locked, Parsed};
use crate::plugin::Plugin;
use crate::question::{BuildContext, Question, SkipReason};
use crate::resolve::Resolve;
use crate::schedule::Terms;

/// 2026-01-01T00:00:00Z in seconds since 1970: what counts as now.
const NOW: Duration = Duration::from_secs(1_767_225_600);

/// A rule, and the plugins that it is found among.
#[derive(Clone, Copy)]
pub struct Candidate<'p> {
    /// The plugins.
    pub plugins: &'p Arc<[Plugin]>,
    /// The one that has the rule.
    pub plugin: usize,
    /// The rule's index there.
    pub rule: usize,
}

impl Candidate<'_> {
    /// The rule's full name.
    pub fn name(&self) -> &Arc<str> {
        &self.plugins[self.plugin].names[self.rule]
    }

    /// Its name without that of the plugin.
    pub fn own_name(&self) -> &str {
        self.name().split_once('/').map_or(self.name(), |(_, name)| name)
    }
}

/// A case, ready to be linted.
pub struct Scene {
    job: Job,
    /// Who answers; nobody where slow checks are off.
    world: Option<Arc<World>>,
    rule: Arc<str>,
    is_about_lock: bool,
    /// What it looks at.
    text: String,
    path: PathBuf,
    line: usize,
}

impl Scene {
    /// Makes a case ready, with the facts of its page.
    ///
    /// # Errors
    /// When its facts or settings are not as they should be.
    pub fn new(candidate: Candidate, page: &Page, case: &Case) -> Result<Self, Complaint> {
        let line = case.line(BlockKind::Facts);
        let facts = case.text(BlockKind::Facts).map(Facts::parse).transpose();
        let facts = facts.map_err(|wrong| page.complain(line + wrong.line, wrong.message))?;
        let world = facts.map(World::new).transpose().map_err(|message| page.complain(line, message))?;
        Self::with(candidate, page, case, world.map(Arc::new))
    }

    pub(super) fn with(
        candidate: Candidate,
        page: &Page,
        case: &Case,
        world: Option<Arc<World>>,
    ) -> Result<Self, Complaint> {
        let wrong = |error: String| page.complain(case.line(BlockKind::Settings), error);
        let Candidate { plugins, plugin, rule } = candidate;
        let file = settings(page, case)?;
        let strange = file.rules.keys().find(|name| !plugins.iter().any(|plugin| has_prefix(name, &plugin.name)));
        if let Some(name) = strange {
            let prefix = &plugins[plugin].name;
            return Err(wrong(format!("the settings speak of {name}; the rules here begin with {prefix}/")));
        }
        let files = Files { tree: Some(&file), ..Files::default() };
        let target_platforms = file.lint.target_platforms.is_none().then(default_platforms);
        let flags = Flags { target_platforms, ..Flags::default() };
        let config = Config::settle(flags, &BTreeMap::new(), files).map_err(|error| wrong(error.to_string()))?;
        let mut ruleset = Ruleset::new(plugins, files).map_err(|error| of_settings(page, case, &error))?;
        // The page is about one rule, not about comments.
        ruleset.own.clear();
        let (of_files, of_lock) = (ruleset.settings.iter_mut().enumerate(), ruleset.of_lock.iter_mut().enumerate());
        for (index, settings) in of_files.chain(of_lock) {
            let is_wanted = |enabled: &u32| index == plugin && usize::try_from(*enabled) == Ok(rule);
            Arc::make_mut(settings).enabled.retain(is_wanted);
        }
        let mut terms = Terms::within(config.timeout);
        terms.pools.console.enabled = world.as_ref().is_some_and(|world| world.has_tools());
        let lock = locked(page, case)?;
        let is_about_lock = plugins[plugin].rules[rule].is_about_lock;
        let root = world.as_ref().map(|world| world.root()).unwrap_or_default();
        let job = Job {
            inputs: vec![Input {
                shown: "Dockerfile".to_owned(),
                source: Source::Bytes(case.dockerfile.text.clone().into_bytes()),
                ruleset: 0,
                context: Arc::new(BuildContext { root, ..BuildContext::default() }),
            }],
            plugins: plugins.clone(),
            unusable: Vec::new(),
            rulesets: vec![ruleset],
            surroundings: config.target_platforms.into_iter().map(Surroundings::of_platform).collect(),
            slow_checks: SlowChecks {
                ask: if world.is_some() { Ask::Everything } else { Ask::Nothing },
                fail_fast: config.fail_fast,
                terms,
            },
            resolver: resolver(world.as_ref(), &lock.lock),
            lock: (!lock.lock.is_empty()).then(|| job_lock(case, lock)),
            now: SystemTime::UNIX_EPOCH + NOW,
            threads: 1,
        };
        let about = if is_about_lock { case.text(BlockKind::Lock) } else { None };
        let text = about.unwrap_or(&case.dockerfile.text).to_owned();
        let rule = candidate.name().clone();
        Ok(Self { job, world, rule, is_about_lock, text, path: page.path.clone(), line: case.dockerfile.line })
    }

    /// A file without a page, under a rule that is on whether it has to be asked for or not.
    pub(super) fn of_file(candidate: Candidate, name: &str, bytes: Vec<u8>) -> Result<Self, Complaint> {
        let page = Page { path: PathBuf::from(name), text: String::new(), cases: Vec::new() };
        let mut scene = Self::with(candidate, &page, &Case::default(), None)?;
        scene.job.inputs[0].source = Source::Bytes(bytes);
        let ruleset = &mut scene.job.rulesets[0];
        let settings = Arc::make_mut(&mut ruleset.settings[candidate.plugin]);
        settings.enabled = u32::try_from(candidate.rule).into_iter().collect();
        ruleset.opted_in.insert(scene.rule.clone());
        Ok(scene)
    }

    /// Whether the rule does not run at all.
    fn is_off(&self) -> bool {
        self.job.rulesets.iter().flat_map(|ruleset| &ruleset.settings).all(|settings| settings.enabled.is_empty())
    }

    /// The full name of the rule.
    pub(super) fn rule(&self) -> &Arc<str> {
        &self.rule
    }

    /// The page.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the rule looks at: the Dockerfile, or the lock.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Something wrong with the case.
    pub(super) fn complain(&self, message: String) -> Complaint {
        Complaint { path: self.path.clone(), line: self.line, message }
    }

    /// Has somebody else answer, tools included.
    pub(super) fn ask(&mut self, resolver: Arc<dyn Resolve>, timeout: Duration) {
        self.job.resolver = resolver;
        self.job.slow_checks.terms.pools.console.enabled = true;
        self.job.slow_checks.terms.timeout = timeout;
    }

    /// What the rule makes of it in fresh instances.
    pub(super) fn lint(&self) -> FileReport {
        self.report(run(&self.job))
    }

    /// What the rule makes of it in instances that may have served other files.
    pub(super) fn lint_in(&self, instances: &Instances) -> FileReport {
        self.report(run_in(&self.job, instances))
    }

    /// The report of what the rule looks at.
    fn report(&self, outcome: Outcome) -> FileReport {
        outcome.files.into_iter().find(|file| file.is_lock == self.is_about_lock).unwrap_or_default()
    }

    /// Why a report says nothing of the rule; it may be that facts are missing.
    ///
    /// # Errors
    /// When there is such a reason.
    pub(super) fn judge(&self, report: &FileReport) -> Result<(), String> {
        judge_failures(report)?;
        let Some(world) = &self.world else { return Ok(()) };
        let asked = report.planned.iter().map(|(_, question)| self.asked(question));
        let unknown = asked.into_iter().flatten().find(|question| !world.knows(question));
        if let Some(question) = unknown {
            return Err(format!(
                "the facts do not answer the question for {question}; --record asks and writes the answer down, or write it \
                 yourself as {}",
                where_to_write(&question)
            ));
        }
        Ok(())
    }

    /// What the world is asked where a rule asks this: what the lock names; nothing where it has the answer.
    fn asked(&self, question: &Question) -> Option<Question> {
        match self.job.resolver.is_held(question) {
            true => self.job.resolver.instead(question),
            false => Some(question.clone()),
        }
    }

    /// What the facts tell though nobody asks for it, and what to do about it.
    pub(super) fn idle(&self, report: &FileReport) -> Option<String> {
        let asked: Vec<Question> = report.planned.iter().filter_map(|(_, question)| self.asked(question)).collect();
        let idle = self.world.as_ref()?.idle(&asked.iter().collect())?;
        Some(match self.is_off() {
            true => format!("{idle}: the rule runs only where it is asked for, as by a severity in a settings block"),
            false => format!("{idle}: take it out of the facts"),
        })
    }
}

/// Why a report says nothing of the rule, whatever the facts.
///
/// # Errors
/// When there is such a reason.
pub(super) fn judge_failures(report: &FileReport) -> Result<(), String> {
    if let Some(failed) = report.problems.iter().find(|problem| problem.kind == ProblemKind::PluginFailure) {
        return Err(failed.message.clone());
    }
    if report.skipped.iter().any(|skipped| skipped.reason == SkipReason::FailFast) {
        let reasons = report.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>();
        let reasons = if reasons.is_empty() { "a finding is one".to_owned() } else { reasons.join("; ") };
        return Err(format!("the file has errors, so nothing is asked: {reasons}"));
    }
    Ok(())
}

/// The settings of a case, as if the page were nothing but them: so their lines are its lines.
fn settings(page: &Page, case: &Case) -> Result<config::File, Complaint> {
    let Some(block) = case.others.get(&BlockKind::Settings) else { return Ok(config::File::default()) };
    let text = "\n".repeat(block.line) + &block.text;
    let file: config::File = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        page.complain(block.line.max(before.matches('\n').count() + 1), format!("settings: {}", error.message()))
    })?;
    Ok(config::File { path: page.path.clone(), text, ..file })
}

/// What is wrong with settings, at the place of the first fault.
fn of_settings(page: &Page, case: &Case, error: &Misconfigured) -> Complaint {
    let place = error.faults.iter().find_map(|(place, _)| *place);
    let line = place.and_then(|place| usize::try_from(place.line).ok());
    let messages: Vec<&str> = error.faults.iter().map(|(_, message)| message.as_str()).collect();
    page.complain(line.unwrap_or_else(|| case.line(BlockKind::Settings)), messages.join("\n"))
}

/// The lock of a case.
fn locked(page: &Page, case: &Case) -> Result<Parsed, Complaint> {
    let line = case.line(BlockKind::Lock);
    Lock::parse(case.text(BlockKind::Lock).unwrap_or_default())
        .map_err(|wrong| page.complain(line + wrong.line, format!("lock: {}", wrong.message)))
}

fn job_lock(case: &Case, Parsed { lock, .. }: Parsed) -> JobLock {
    let text = case.text(BlockKind::Lock).unwrap_or_default().to_owned();
    let view = Arc::new(view(lock::FILE_NAME, text, &lock));
    JobLock { lock, view, ruleset: 0, context: Arc::default(), covers_all: true }
}

/// Who answers: the world, as far as the lock leaves questions to it.
fn resolver(world: Option<&Arc<World>>, lock: &Lock) -> Arc<dyn Resolve> {
    let told: Arc<dyn Resolve> = world.cloned().unwrap_or_default();
    match lock.is_empty() {
        true => told,
        false => {
            Arc::new(Locked::new(told, lock.clone(), Path::new(lock::FILE_NAME), lock::Mode::Auto, world.is_some()))
        }
    }
}

fn has_prefix(rule: &str, plugin: &str) -> bool {
    // What has none is refused by name, with the nearest rule.
    rule.split_once('/').is_none_or(|(prefix, _)| prefix == plugin)
}

fn default_platforms() -> Vec<Platform> {
    Platform::parse("linux/amd64").into_iter().collect()
}
