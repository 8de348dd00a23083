//! What the files of a run refer to, by themselves and by the questions of rules.
//!
//! Input: the scope of a run, and how the lock counts in it. Output: uses, each with
//! its key and place, and what came of their questions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

use anyhow::{Context as _, ensure};

use crate::cli::inputs::{Given, meanings};
use crate::cli::lint::{Arguments, Prepared, Scope, Setting};
use crate::cli::{complain, variables};
use crate::config;
use crate::lint::{Ask, Outcome};
use crate::lock::select::repository;
use crate::lock::uses::{LegacyPin, legacy_pins, uses};
use crate::lock::{Answers, Key, Lock, LockFile, Mode, Policy, keys};
use crate::plugin::check_name;
use crate::question::{Failure, Question};
use crate::schedule::{self, Session};

/// A place that refers to something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The file, as reports show it.
    pub(super) file: String,
    /// The line, from 1; none for a rule's question.
    pub(super) line: Option<u32>,
    /// The instruction, or the rule that asks.
    pub(super) what: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line} {}", self.file, self.what),
            None => write!(f, "{} {}", self.file, self.what),
        }
    }
}

/// What was found.
pub(super) struct Survey {
    pub(super) setting: Setting,
    pub(super) prepared: Prepared,
    /// The lock as it was read.
    pub(super) lock: Lock,
    /// By key, who refers to it.
    pub(super) places: BTreeMap<Key, BTreeSet<Place>>,
    /// The questions behind the keys.
    pub(super) questions: HashMap<Question, Key>,
    /// By key, when it may move as a comment in a file has it.
    pub(super) wishes: BTreeMap<Key, Policy>,
    /// Keys whose names stand in variables somewhere.
    variable: BTreeSet<Key>,
    /// Whether a file could not be read.
    pub(super) has_unread: bool,
    /// Digests in files, with the file.
    pub(super) legacy: Vec<(String, LegacyPin)>,
    /// What came of the questions.
    pub(super) settled: HashMap<Question, schedule::Outcome>,
    /// Whether all that can be asked is known: no question of a rule went unanswered.
    pub(super) is_whole: bool,
    /// Whether all files under the lock's folder were looked at.
    pub(super) covers_all: bool,
    outcome: Outcome,
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
        let variables = variables();
        let here = env::current_dir().context("the working directory is gone")?;
        let arguments = Arguments::unreported(paths, scope, Some(Mode::Complete));
        let (paths, context) = (&arguments.paths, &arguments.scope.context);
        for path in paths {
            ensure!(path.as_os_str() != "-", "-: name files or folders, since the lock says of which files it is");
        }
        let given = Given { paths, stdin_filename: None, context: context.as_deref(), here: &here };
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
        let covers_all = covers(&paths.iter().map(|path| here.join(path)).collect::<Vec<_>>(), setting.lock.path());
        let mut prepared = Prepared::of(&arguments, given, &mut setting, &variables)?;
        // What was true ten minutes ago is not what is to be written down.
        prepared.job.slow_checks.terms.cache = None;
        prepared.job.slow_checks.terms.records = true;

        let outcome = crate::lint::run(&prepared.job);
        let mut survey = Self {
            settled: outcome.settled.iter().cloned().collect(),
            is_whole: outcome.files.iter().all(|file| file.skipped.is_empty()),
            setting,
            prepared,
            lock,
            places: BTreeMap::new(),
            questions: HashMap::new(),
            wishes: BTreeMap::new(),
            variable: BTreeSet::new(),
            has_unread: false,
            legacy: Vec::new(),
            covers_all,
            outcome,
        };
        survey.gather();
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

    fn gather(&mut self) {
        for file in &self.outcome.files {
            for (rule, question) in &file.planned {
                let place = Place { file: file.path.clone(), line: None, what: rule.to_string() };
                note(&mut self.places, &mut self.questions, question, place);
            }
            for problem in file.problems.iter().filter(|problem| problem.kind.is_not_checked()) {
                self.has_unread = true;
                complain(&format!("error: {}: {}", file.path, problem.message));
            }
        }
        for file in &self.outcome.files {
            for (document, meaning) in meanings(file, &self.prepared.job.surroundings) {
                for used in uses(&document, &meaning) {
                    let place = Place { file: file.path.clone(), line: Some(used.line), what: used.what.to_owned() };
                    if used.is_variable {
                        self.variable.extend(keys::key(&used.question));
                    }
                    match (used.wish, keys::key(&used.question)) {
                        // Of several a pin counts.
                        (Some(Ok(policy)), Some(key)) => {
                            self.wishes.entry(key).and_modify(|known| *known = policy.min(*known)).or_insert(policy);
                        }
                        (Some(Err(name)), _) => {
                            complain(&format!("note: {place}: # plimsoll lock={name}: write pin or float"));
                        }
                        _ => {}
                    }
                    note(&mut self.places, &mut self.questions, &used.question, place);
                }
                let pins = legacy_pins(&document, &meaning).into_iter().map(|pin| (file.path.clone(), pin));
                self.legacy.extend(pins);
            }
        }
    }

    /// Asks what no rule asked.
    fn ask(&mut self) {
        let mut open: Vec<Question> =
            self.questions.keys().filter(|question| !self.settled.contains_key(question)).cloned().collect();
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
        let places = self.places.get(key).into_iter().flatten();
        let first = places.min_by_key(|place| (place.line.is_none(), *place));
        first.map(|place| format!("{place}: ")).unwrap_or_default()
    }

    /// What went unanswered of what the lock is about, by key.
    pub(super) fn failures(&self) -> BTreeMap<&Key, &Failure> {
        let failures = self
            .settled
            .iter()
            .filter_map(|(question, outcome)| Some((self.questions.get(question)?, outcome.as_ref().err()?)));
        failures.collect()
    }

    /// Entries that nothing refers to, of kinds that this program knows. Spared is what another run may need: other
    /// platforms of what is referred to, other values of what stands in a variable, and where plugins of others ask,
    /// other tags that answers may lead them to.
    pub(super) fn unused(&self) -> Vec<Key> {
        if !self.covers_all || self.has_unread {
            return Vec::new();
        }
        let first = |key: &Key| (key.module.clone(), key.arguments().into_iter().next());
        let mut named: BTreeSet<_> = self.places.keys().map(first).collect();
        named.extend(self.legacy.iter().filter_map(|(_, pin)| keys::key(&pin.question)).map(|key| first(&key)));
        let may_lead_on = self.prepared.job.plugins.iter().any(|plugin| {
            check_name(&plugin.name).is_ok() && plugin.capabilities.contains(&"registry") && !self.is_whole
        });
        let spared: BTreeSet<String> = match may_lead_on {
            true => self.places.keys().filter_map(repository).collect(),
            false => self.variable.iter().filter_map(repository).collect(),
        };
        let is_spared = |key: &Key| repository(key).is_some_and(|name| spared.contains(&name));
        let is_unused =
            |key: &&Key| key.is_known() && key.module != "plugins" && !named.contains(&first(key)) && !is_spared(key);
        self.lock.iter().map(|(key, _)| key).filter(is_unused).cloned().collect()
    }
}

fn note(
    places: &mut BTreeMap<Key, BTreeSet<Place>>,
    questions: &mut HashMap<Question, Key>,
    question: &Question,
    place: Place,
) {
    if let Some(key) = keys::key(question) {
        places.entry(key.clone()).or_default().insert(place);
        questions.insert(question.clone(), key);
    }
}

/// Whether the folder of the lock, and so all that it is about, was given.
fn covers(given: &[PathBuf], lock: &Path) -> bool {
    let canonical = |path: &Path| fs::canonicalize(path).ok();
    let folder = lock.parent().and_then(canonical);
    folder.is_some_and(|folder| given.iter().filter_map(|path| canonical(path)).any(|path| folder.starts_with(path)))
}
