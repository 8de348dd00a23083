//! From what holds for a run to the job: plugins, files, and who answers.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use plimsoll_dockerfile::Platform;
use plimsoll_registry::{ClientConfig, Environment, Paths};

use super::Arguments;
use super::setting::{Setting, now};
use crate::cache::Cache;
use crate::cli::consent::{self, Loaded, Wanted};
use crate::cli::inputs::{Configuration, Given, Inputs, covers, inputs, rulesets};
use crate::cli::supply::Supply;
use crate::cli::{bundled_if, progress, store};
use crate::config::{Config, RegistriesTable, Variables};
use crate::document::Surroundings;
use crate::lint::{Ask, Job, JobLock, MISSING_REASON, SlowChecks};
use crate::lock::view::view;
use crate::lock::{self, Answers, Locked, Parsed};
use crate::plugin::{Host, Plugin};
use crate::question::BuildContext;
use crate::resolve::{Console, Registry, Resolve, World};
use crate::schedule::Terms;

/// A job, and what there will be to say of it.
pub(in crate::cli) struct Prepared {
    pub(in crate::cli) job: Job,
    pub(in crate::cli) host: Arc<Host>,
    pub(in crate::cli) registry: Arc<Registry>,
    pub(in crate::cli) cache: Option<Arc<Cache>>,
    /// What the user may want to know of the configuration.
    pub(in crate::cli) notes: Vec<String>,
    /// The configurations behind the job's rulesets.
    pub(in crate::cli) configurations: Vec<Configuration>,
    /// How many files the configuration leaves out.
    pub(in crate::cli) excluded: usize,
    /// Standard input, where it leaves that out.
    pub(in crate::cli) left_out: Option<Vec<u8>>,
}

/// The plugins of a run.
pub(in crate::cli) struct Plugins {
    pub(in crate::cli) host: Arc<Host>,
    pub(in crate::cli) loaded: Loaded,
}

impl Prepared {
    /// Loads plugins, and finds files.
    ///
    /// # Errors
    /// When the configuration of rules does not hold up.
    pub(in crate::cli) fn of(
        arguments: &Arguments,
        given: Given,
        setting: &mut Setting,
        variables: &Variables,
    ) -> anyhow::Result<Self> {
        let (config, files) = (&setting.config, setting.configured.files());
        let choice = &arguments.scope.choice;
        let store = store(config.cache_dir.as_deref(), variables);
        let (host, mut plugins, mut absent) = bundled_if(store, |pack| choice.may_select(pack))?;
        if !config.pools.console.enabled {
            Plugin::wait_for_tools(&mut plugins);
        }
        let supply = Supply::new(config, files, None).offline_if(setting.replay.is_some());
        let mut loaded = consent::load(
            &host,
            &Wanted {
                named: &arguments.scope.plugins,
                files,
                trust: &config.trust,
                supply: &supply,
                lock: &setting.locked.lock,
                lock_path: setting.lock.path().to_owned(),
                asks: setting.ask == Ask::Everything && config.pools.network.enabled && setting.replay.is_none(),
                choice,
            },
        )?;
        loaded.plugins.splice(0..0, plugins);
        loaded.absent.append(&mut absent);
        Self::with(Plugins { host, loaded }, |_| true, arguments, given, setting, variables)
    }

    /// The same, with these plugins, and what the configuration says of the rules that `counts` says.
    ///
    /// # Errors
    /// When the configuration of rules does not hold up.
    pub(in crate::cli) fn with(
        Plugins { host, loaded }: Plugins,
        counts: impl Fn(&str) -> bool,
        arguments: &Arguments,
        given: Given,
        setting: &mut Setting,
        variables: &Variables,
    ) -> anyhow::Result<Self> {
        let now = now(arguments, setting, variables);
        let finder = std::mem::take(&mut setting.configured.finder);
        let replay = setting.replay.take();
        let answers = std::mem::take(&mut setting.answers);
        let (config, files) = (&setting.config, setting.configured.files());
        let Loaded { plugins, unusable, mut notes, mut absent } = loaded;
        absent.extend(unusable.iter().map(|unusable| unusable.name.clone()));
        let is_strict = arguments.scope.choice.force_exclude;
        let Inputs { inputs, lock_shown, of_lock, configurations, notes: of_inputs, excluded, left_out } =
            inputs(given, setting.lock.path(), config, files, finder, workspace(variables), is_strict)?;
        let mut rulesets = rulesets(&configurations, files, &plugins, &absent, &counts)?;
        for ruleset in &mut rulesets {
            ruleset.ignores_comments = config.no_inline;
            if config.require_reason && counts(MISSING_REASON) {
                ruleset.turn_on(MISSING_REASON);
            }
        }
        arguments.suppressing.check_reason(&inputs, &rulesets)?;
        notes.splice(0..0, of_inputs);

        let registry = Arc::new(Registry::new(ClientConfig::new(environment(config))));
        let cache = config.cache_dir.clone().filter(|_| replay.is_none());
        let cache = cache.map(|folder| Arc::new(Cache::new(folder, config.cache_ttl)));
        let build_args = build_args(&arguments.scope.build_args, variables);
        let surroundings = |platform: &Platform| Surroundings {
            build_args: build_args.clone(),
            target_platform: platform.clone(),
            target: arguments.scope.target.clone(),
            contexts: arguments.scope.build_contexts.clone(),
        };
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let job = Job {
            inputs,
            plugins: plugins.into(),
            unusable,
            rulesets,
            surroundings: config.target_platforms.iter().map(surroundings).collect(),
            slow_checks: SlowChecks {
                ask: if arguments.explain_plan { Ask::Nothing } else { setting.ask },
                fail_fast: config.fail_fast,
                terms: Terms {
                    timeout: config.timeout,
                    timeout_mode: config.timeout_mode,
                    pools: config.pools,
                    cache: cache.clone(),
                    watch: progress::watch(arguments.scope.quiet, setting.is_ci),
                    records: arguments.record.is_some() || !setting.locked.lock.is_empty() || config.lock.write,
                },
            },
            lock: job_lock(setting, given, &lock_shown, of_lock),
            resolver: match replay {
                Some(replay) => Arc::new(replay),
                None => locked(setting, answers, world(config, registry.clone())),
            },
            now,
            threads: arguments.scope.threads.map_or_else(cores, usize::from),
        };
        Ok(Self { job, host, registry, cache, notes, configurations, excluded, left_out })
    }
}

/// The checkout that a workflow is about, where it has one.
fn workspace(variables: &Variables) -> Option<&Path> {
    ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().find_map(|name| variables.get(name)).map(Path::new)
}

fn world(config: &Config, registry: Arc<Registry>) -> Arc<dyn Resolve> {
    let console = Console::new(config.tools.clone());
    Arc::new(World { console, ..World::new(registry, config.allow_hosts.iter().cloned()) })
}

/// What rules see of the lock; nothing where it is itself what is asked about.
fn job_lock(setting: &Setting, given: Given, shown: &str, ruleset: usize) -> Option<JobLock> {
    let (file, Parsed { lock, text, .. }) = (&setting.lock, &setting.locked);
    if lock.is_empty() || setting.config.lock.mode == lock::Mode::Complete {
        return None;
    }
    let root = file.path().parent().map(Path::to_owned).unwrap_or_default();
    Some(JobLock {
        lock: lock.clone(),
        view: Arc::new(view(shown, text.clone(), lock)),
        ruleset,
        context: Arc::new(BuildContext { root, ..BuildContext::default() }),
        covers_all: covers(given, file.path()),
    })
}

/// The world as the lock has it, where there is one or has to be one.
fn locked(setting: &Setting, answers: Answers, world: Arc<dyn Resolve>) -> Arc<dyn Resolve> {
    let (lock, mode) = (&setting.locked.lock, setting.config.lock.mode);
    if lock.is_empty() && mode == lock::Mode::Auto {
        return world;
    }
    let asks = setting.ask == Ask::Everything;
    Arc::new(Locked::new(world, lock.clone(), setting.lock.path(), mode, asks).knowing(answers))
}

/// The part of this machine that registries depend on, as configured.
pub(in crate::cli) fn environment(config: &Config) -> Environment {
    let mut environment = Environment::of_process();
    let RegistriesTable { config: config_file, drop_ins, credentials } = config.registries.clone();
    environment.paths = Paths { registries_conf: config_file, drop_ins, credentials, ..environment.paths };
    environment.distrusted.clone_from(&config.tree_registries);
    environment
}

fn build_args(given: &[String], variables: &Variables) -> Vec<(String, String)> {
    let pair = |argument: &String| match argument.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => variables.get(argument).map(|value| (argument.clone(), value.clone())),
    };
    given.iter().filter_map(pair).collect()
}
