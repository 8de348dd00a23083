//! The way of a Dockerfile through the host: bytes → tree → model → check →
//! settle → plan → schedule → resolve → on-success → merge.
//!
//! Input: [`Job`]. Output: [`Outcome`], one [`FileReport`] a file in the order
//! of the inputs. Invariant: neither threads nor the order of answers show in
//! the outcome, and what goes wrong with one file or plugin stays there.

mod check_options;
mod difference;
mod draft;
mod early;
mod instances;
mod judge;
mod lock;
mod ledger;
mod merge;
mod own;
mod parallel;
mod references;
mod ruleset;
mod run;
mod selection;
mod suppress;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use check_options::{CheckOptions, Rules};
pub use difference::{Difference, differences};
pub use draft::problems;
pub use instances::Instances;
pub use lock::JobLock;
pub use own::{MISSING_REASON, all_rules, rules as own_rules};
use plimsoll_dockerfile::Span;
pub use references::{Place, References, meanings};
pub use ruleset::Misconfigured;
pub use run::{run, run_in};
pub use selection::{Decision, Reason, Said};
pub use suppress::{HADOLINT_CODES, Inserted, insert, rule_of_hadolint};

use crate::document::{self, LockView, Surroundings};
use crate::finding::{Finding, Problem, ProblemKind, Severity, Skipped, Suppression};
use crate::plugin::contract::Level;
use crate::plugin::{Plugin, Settings, Unusable};
use crate::question::{BuildContext, Question, SkipReason};
use crate::resolve::Resolve;
use crate::schedule::{self, Terms};

/// What is said of a question that the mode keeps from being asked.
pub const SLOW_CHECKS_OFF: &str = "slow checks are off";

/// Everything one run depends on.
pub struct Job {
    /// The files, in the order of the report.
    pub inputs: Vec<Input>,
    /// The plugins.
    pub plugins: Arc<[Plugin]>,
    /// Plugins that were asked for and cannot be used: every file misses them.
    pub unusable: Vec<Unusable>,
    /// What holds for the rules; inputs point here.
    pub rulesets: Vec<Ruleset>,
    /// What a build would be told, for each platform to build for; at least one.
    pub surroundings: Vec<Surroundings>,
    /// Whether and how the world is asked.
    pub slow_checks: SlowChecks,
    /// The lock, where there is one.
    pub lock: Option<JobLock>,
    /// Who answers.
    pub resolver: Arc<dyn Resolve>,
    /// What counts as now for the whole run: how old images are hangs on it.
    pub now: SystemTime,
    /// How many threads lint.
    pub threads: usize,
}

/// One file to lint.
#[derive(Clone)]
pub struct Input {
    /// What reports call it.
    pub shown: String,
    /// Where its bytes come from.
    pub source: Source,
    /// Its rules' configuration, as index into [`Job::rulesets`].
    pub ruleset: usize,
    /// Where the files of its build come from.
    pub context: Arc<BuildContext>,
}

/// Where bytes come from.
#[derive(Clone)]
pub enum Source {
    /// A file of this path.
    Path(PathBuf),
    /// Bytes at hand, such as those of standard input.
    Bytes(Vec<u8>),
    /// The lock, for the rules about it.
    Lock(Arc<LockView>),
    /// Nowhere: what is wrong is known already.
    Broken(Problem),
}

/// The configuration of rules that holds for some files.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    /// By plugin: which rules run on Dockerfiles, with which options.
    pub settings: Vec<Arc<Settings>>,
    /// The same of rules about the lock.
    pub of_lock: Vec<Arc<Settings>>,
    /// Severities that differ from the rules' own.
    pub severities: HashMap<Arc<str>, Severity>,
    /// Rules that run only where they are asked for.
    pub opt_in: HashSet<Arc<str>>,
    /// Those of them that the configuration asks for.
    pub opted_in: HashSet<Arc<str>>,
    /// The host's own rules that are on.
    pub own: BTreeSet<&'static str>,
    /// Whether comments in files wave nothing through.
    pub ignores_comments: bool,
    /// Rules that the configuration switches off, so that no comment wakes them.
    pub switched_off: HashSet<Arc<str>>,
    /// By plugin and rule, whether it runs and why, lock or not.
    pub decisions: Vec<Vec<Decision>>,
}

/// Whether and how the world is asked.
#[derive(Clone)]
pub struct SlowChecks {
    /// Which questions are asked.
    pub ask: Ask,
    /// Whether a file with errors asks nothing.
    pub fail_fast: bool,
    /// How they are asked.
    pub terms: Terms,
}

/// Which questions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// All.
    Everything,
    /// Those that this machine answers: the run may not use the network.
    Offline,
    /// Those that the files on this machine answer: they can neither be slow nor
    /// change from one run to the next.
    Local,
    /// None.
    Nothing,
}

/// What a run came to.
#[derive(Default)]
pub struct Outcome {
    /// One report a file.
    pub files: Vec<FileReport>,
    /// How the questions fared.
    pub slow_checks: Tally,
    /// The same by host; those about files on this machine have none.
    pub hosts: BTreeMap<String, HostTally>,
    /// The questions that an earlier run's answers were known to.
    pub recalled: HashSet<Question>,
    /// What came of each question, if that was wanted: of those that nobody asked too, unless
    /// because of the file's own errors or for want of a grant.
    pub settled: Vec<(Question, schedule::Outcome)>,
}

/// What is said of one file.
#[derive(Default)]
pub struct FileReport {
    /// What reports call it.
    pub path: String,
    /// Whether it is the lock, and no Dockerfile.
    pub is_lock: bool,
    /// The file, if it could be read.
    pub source: Option<Arc<document::Source>>,
    /// What the rules found, by place.
    pub findings: Vec<Finding>,
    /// What they found and counts for nothing, by place.
    pub suppressed: Vec<(Finding, Suppression)>,
    /// What went wrong.
    pub problems: Vec<Problem>,
    /// What went unanswered, in the order of planning.
    pub skipped: Vec<Skipped>,
    /// Rules that run, and that the file itself goes without as a whole.
    pub spared: Vec<Arc<str>>,
    /// Rules that run only because the file itself asks for them, each with a place where it does.
    pub woken: Vec<(Arc<str>, Span)>,
    /// What was planned, answered or not: rule and question.
    pub planned: Vec<(Arc<str>, Question)>,
    /// What plugins had to say: plugin, loudness, message.
    pub log: Vec<(String, Level, String)>,
}

impl Job {
    /// A job like this one about other files, beside the same lock, at which no rule looks for itself.
    pub fn over(&self, inputs: Vec<Input>) -> Self {
        let rulesets = self.rulesets.iter().map(|ruleset| Ruleset { of_lock: Vec::new(), ..ruleset.clone() });
        Self {
            inputs,
            plugins: self.plugins.clone(),
            unusable: self.unusable.clone(),
            rulesets: rulesets.collect(),
            surroundings: self.surroundings.clone(),
            slow_checks: self.slow_checks.clone(),
            lock: self.lock.clone(),
            resolver: self.resolver.clone(),
            now: self.now,
            threads: self.threads,
        }
    }
}

impl Input {
    /// Why it cannot be read, as far as that is known already.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.source {
            Source::Broken(problem) => Some(problem),
            _ => None,
        }
    }
}

impl FileReport {
    /// Whether there is nothing to say of it.
    fn is_silent(&self) -> bool {
        self.findings.is_empty()
            && self.suppressed.is_empty()
            && self.problems.is_empty()
            && self.planned.is_empty()
            && self.log.is_empty()
    }

    /// Whether the user sees an error in this file.
    pub fn has_error(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
            || self.problems.iter().any(|problem| problem.kind == ProblemKind::Syntax)
    }
}

impl Outcome {
    /// Adds what another run came to.
    fn add(&mut self, other: Self) {
        let files = self.count(other);
        self.files.extend(files);
    }

    /// Counts anew what went unanswered, after files took the place of others.
    pub fn recount_skipped(&mut self) {
        self.slow_checks.skipped.clear();
        for skipped in self.files.iter().flat_map(|file| &file.skipped) {
            *self.slow_checks.skipped.entry(skipped.reason).or_default() += 1;
        }
    }

    /// Adds how the questions of another run fared, and hands back its files.
    pub fn count(&mut self, other: Self) -> Vec<FileReport> {
        let Self { files, slow_checks: tally, hosts, recalled, settled } = other;
        self.slow_checks.planned += tally.planned;
        self.slow_checks.deduplicated += tally.deduplicated;
        self.slow_checks.from_lock += tally.from_lock;
        self.slow_checks.from_cache += tally.from_cache;
        self.slow_checks.executed += tally.executed;
        for (reason, count) in tally.skipped {
            *self.slow_checks.skipped.entry(reason).or_default() += count;
        }
        for (host, tally) in hosts {
            let known = self.hosts.entry(host).or_default();
            known.questions += tally.questions;
            known.duplicates += tally.duplicates;
            known.from_cache += tally.from_cache;
            known.time += tally.time;
        }
        self.recalled.extend(recalled);
        self.settled.extend(settled);
        files
    }
}

/// Counts of questions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests of rules.
    pub planned: usize,
    /// Requests whose question another one had asked already.
    pub deduplicated: usize,
    /// Distinct questions that the lock had a say in.
    pub from_lock: usize,
    /// Distinct questions that an earlier run's answers were known to.
    pub from_cache: usize,
    /// Distinct questions that were asked of the world.
    pub executed: usize,
    /// Requests without an answer, by reason.
    pub skipped: BTreeMap<SkipReason, usize>,
}

/// Counts of the questions for one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostTally {
    /// Requests of rules.
    pub questions: usize,
    /// Those whose question another one had asked already.
    pub duplicates: usize,
    /// Distinct questions that an earlier run's answers were known to.
    pub from_cache: usize,
    /// How long answers were waited for.
    pub time: Duration,
}
