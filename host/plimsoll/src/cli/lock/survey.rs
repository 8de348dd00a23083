//! What the files of a run refer to, by themselves and by the questions of rules.
//!
//! Input: the scope of a run, and how the lock counts in it. Output: uses, each with
//! its key and place, and what came of their questions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::cli::inputs::{Given, covers};
use crate::cli::lint::{Arguments, Prepared, Scope, Setting};
use crate::cli::repository::ensure_files;
use crate::cli::{complain, variables};
use crate::config;
use crate::lint::{Ask, Outcome, References};
use crate::lock::{Answers, Key, Lock, LockFile, Mode};
use crate::question::{Failure, Question};
use crate::schedule::{self, Session};

/// What was found.
pub(super) struct Survey {
    pub(super) setting: Setting,
    pub(super) prepared: Prepared,
    /// The lock as it was read.
    pub(super) lock: Lock,
    /// What the files refer to.
    pub(super) references: References,
    /// What came of the questions.
    pub(super) settled: HashMap<Question, schedule::Outcome>,
    /// Whether all files under the lock's folder were looked at.
    pub(super) covers_all: bool,
}

/// Who may be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Whoever knows what the lock does not.
    World,
    /// Nobody.
    Nobody,
}

impl Survey {
    /// Looks at all files, and asks for what `known` does not say of the lock.
    ///
    /// # Errors
    /// When configuration or lock do not hold up.
    pub(super) fn of(
        paths: Vec<PathBuf>,
        scope: Scope,
        asking: Asking,
        known: impl FnOnce(&Lock) -> Lock,
    ) -> anyhow::Result<Self> {
        Self::updating(paths, scope, asking, known, &[])
    }

    /// The same, where configuration of registries that is called so is asked anew too.
    ///
    /// # Errors
    /// When configuration or lock do not hold up.
    pub(super) fn updating(
        paths: Vec<PathBuf>,
        scope: Scope,
        asking: Asking,
        known: impl FnOnce(&Lock) -> Lock,
        anew: &[String],
    ) -> anyhow::Result<Self> {
        let variables = variables();
        let here = env::current_dir().context("the working directory is gone")?;
        let mut arguments = Arguments::unreported(paths, scope, Some(Mode::Complete));
        arguments.learns = (asking == Asking::World).then(|| anew.to_vec());
        let (paths, context) = (&arguments.paths, &arguments.scope.context);
        for path in paths {
            ensure_files(path)?;
            ensure!(path.as_os_str() != "-", "-: name files or folders, since the lock says of which files it is");
        }
        let given = Given {
            paths,
            stdin_filename: None,
            context: context.as_deref(),
            here: &here,
            is_fetched: false,
            changes: None,
        };
        let mut setting = Setting::of(&arguments, given, &variables)?;
        setting.ask = if asking == Asking::World { Ask::Everything } else { Ask::Nothing };
        ensure!(
            asking == Asking::Nobody || !setting.config.offline,
            "--offline: this asks what references mean; leave it out"
        );
        ensure!(
            asking == Asking::Nobody || setting.config.slow_checks != config::Mode::Off,
            "--slow-checks=off: this asks what references mean; leave it out"
        );
        // Files with errors are built after they are mended.
        setting.config.fail_fast = false;
        let lock = setting.locked.lock.clone();
        for (line, warning) in std::mem::take(&mut setting.locked.warnings) {
            complain(&format!("note: {}:{line}: {warning}", setting.lock.path().display()));
        }
        setting.locked.lock = known(&lock);
        if paths.is_empty() {
            // The entries themselves are in question, and so is what was carried with them.
            setting.answers = Answers::default();
        }
        let covers_all = covers(given, setting.lock.path());
        let mut prepared = Prepared::of(&arguments, given, &mut setting, &variables)?;
        // What was true ten minutes ago is not what is to be written down.
        prepared.job.slow_checks.terms.cache = None;
        prepared.job.slow_checks.terms.records = true;

        let outcome = crate::lint::run(&prepared.job);
        let mut survey = Self {
            settled: outcome.settled.iter().cloned().collect(),
            references: References::of(&outcome.files, &prepared.job.surroundings),
            setting,
            prepared,
            lock,
            covers_all,
        };
        survey.say_what_is_odd(&outcome);
        if asking == Asking::World {
            survey.ask();
        }
        Ok(survey)
    }

    /// The whole tree that the lock of the working directory is about; nobody is asked.
    ///
    /// # Errors
    /// As [`Survey::of`].
    pub(super) fn of_tree(scope: Scope) -> anyhow::Result<Self> {
        let folder = super::found()?.path().parent().map(Path::to_owned).unwrap_or_default();
        Self::of(vec![folder], scope, Asking::Nobody, Clone::clone)
    }

    /// No file at all, but whoever can say what became of the entries.
    ///
    /// # Errors
    /// As [`Survey::of`].
    pub(super) fn of_entries(scope: Scope) -> anyhow::Result<Self> {
        Self::of(Vec::new(), scope, Asking::World, |_| Lock::default())
    }

    fn say_what_is_odd(&self, outcome: &Outcome) {
        for file in &outcome.files {
            for problem in file.problems.iter().filter(|problem| problem.kind.is_not_checked()) {
                complain(&format!("error: {}: {}", file.path, problem.message));
            }
        }
        for (place, wish) in &self.references.odd_wishes {
            complain(&format!("note: {place}: # plimsoll lock={wish}: write pin or float"));
        }
    }

    /// Asks what no rule asked.
    fn ask(&mut self) {
        let mut open: Vec<Question> =
            self.references.questions.keys().filter(|question| !self.settled.contains_key(question)).cloned().collect();
        open.sort_by_cached_key(ToString::to_string);
        self.settled.extend(self.answers(&open));
    }

    /// What comes of some questions, put to whom the run asks.
    pub(super) fn answers(&self, questions: &[Question]) -> HashMap<Question, schedule::Outcome> {
        let job = &self.prepared.job;
        let mut session = Session::new(job.resolver.clone(), job.slow_checks.terms.clone());
        session.ask(questions.iter().map(|question| (question, None)), &mut ());
        let outcome = |question: &Question| Some((question.clone(), session.outcome(question)?));
        questions.iter().filter_map(outcome).collect()
    }

    /// Where the lock is.
    pub(super) fn file(&self) -> &LockFile {
        &self.setting.lock
    }

    /// Where entries stand in the lock, such as `plimsoll.lock:3`.
    ///
    /// # Errors
    /// When the lock can be read no more.
    pub(super) fn lines(&self) -> anyhow::Result<impl Fn(&Key) -> String> {
        let (path, lines) = (self.file().path().display().to_string(), Lock::lines(&self.file().text()?));
        Ok(move |key: &Key| format!("{path}:{}", lines.get(key).copied().unwrap_or_default()))
    }

    /// Where a key is referred to, by a line before a rule: such as `Dockerfile:3 FROM: `; nothing where it is not.
    pub(super) fn place(&self, key: &Key) -> String {
        let places = self.references.places.get(key).into_iter().flatten();
        let first = places.min_by_key(|place| (place.line.is_none(), *place));
        first.map(|place| format!("{place}: ")).unwrap_or_default()
    }

    /// What went unanswered of what the lock is about, by key.
    pub(super) fn failures(&self) -> BTreeMap<&Key, &Failure> {
        let failures = self.settled.iter().filter_map(|(question, outcome)| {
            Some((self.references.questions.get(question)?, outcome.as_ref().err()?))
        });
        failures.collect()
    }

    /// Entries that nothing refers to, if all files were looked at.
    pub(super) fn unused(&self) -> BTreeSet<Key> {
        match self.covers_all {
            true => self.references.unused(&self.lock, &self.prepared.job.plugins),
            false => BTreeSet::new(),
        }
    }
}
