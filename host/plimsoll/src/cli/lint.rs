//! `plimsoll lint`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{env, io, thread};

use anyhow::{Context as _, anyhow, ensure};
use clap::{Args, ValueEnum};
use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::{ClientConfig, Environment, Paths, Statistics};

use super::consent::{self, Loaded, Wanted};
use super::inputs::{Given, Inputs, common_folder, inputs, is_linted};
use super::{CLEAN, FAILED, FOUND, bundled, complain, end_on_interrupt, print, progress, store, variables};
use crate::age::{self, SOURCE_DATE_EPOCH};
use crate::cache::{Cache, Trouble};
use crate::config::{
    self, Config, Digest, FailLevel, Files, Finder, Flags, Mode, RegistriesTable, Tool, Variables, ci,
};
use crate::document::Surroundings;
use crate::finding::{ProblemKind, Severity};
use crate::lint::{Ask, Job, Outcome, SlowChecks};
use crate::plugin::contract::Level;
use crate::plugin::{Host, Plugin, Unusable};
use crate::recording::{Header, Recording, Replay};
use crate::report::{self, Circumstances, Traffic};
use crate::resolve::{Console, Registry, World};
use crate::schedule::Terms;

/// Lint Dockerfiles
///
/// Exit status: 0 nothing found, 1 findings at or above the fail level, or a
/// file that does not parse, 2 wrong usage or configuration, a file that cannot
/// be read, or a plugin that failed; everything else is reported all the same.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll lint                            all Dockerfiles of this folder
  plimsoll lint --slow-checks=on services/ ask registries, in CI too
  plimsoll lint --explain-plan             what would be asked, of whom
  docker-gen | plimsoll lint - --stdin-filename api.Dockerfile")]
pub(super) struct Arguments {
    /// Files, folders, or - for standard input
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// What to call standard input in reports
    #[arg(long, value_name = "FILE")]
    stdin_filename: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Platform to build for, such as linux/arm64; of several, with `,` between them, what is found for any
    #[arg(long, value_name = "PLATFORM[,PLATFORM]", value_parser = platforms)]
    platform: Option<Platforms>,
    /// Set a build argument; without a value, that of the environment variable
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    build_args: Vec<String>,
    /// Stage to build
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// Folder of the build context [default: the file's folder]
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Named build context, which takes the place of an image or stage of that name
    #[arg(long = "build-context", value_name = "NAME=VALUE", value_parser = build_context)]
    build_contexts: Vec<(String, String)>,
    /// Component with further rules; their prefix is NAME, else the file's name
    #[arg(long = "plugin", value_name = "[NAME=]FILE")]
    plugins: Vec<String>,
    /// Digest of a component that the linted tree's plimsoll.toml may have run, with what it asks for
    #[arg(long, value_name = "sha256:…", value_delimiter = ',')]
    trust: Vec<Digest>,
    /// Let all components run that the linted tree's plimsoll.toml asks for, with what it asks for
    #[arg(long)]
    trust_workspace: bool,
    /// Severity from which on findings make the run fail: error, warning, info, style, none [default: warning]
    #[arg(long, value_name = "LEVEL", value_parser = config::parse_fail_level)]
    fail_level: Option<FailLevel>,
    /// Fail with status 1 if a slow check was skipped
    #[arg(long)]
    fail_on_skipped: bool,
    /// Whether rules may ask: auto, on, off; auto asks nobody outside in CI [default: auto]
    #[arg(long, value_name = "MODE", value_parser = config::parse_mode)]
    slow_checks: Option<Mode>,
    /// Time that all slow checks may take together [default: 20s]
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
    slow_checks_timeout: Option<Duration>,
    /// Whether rules may have tools of this machine run: on, off [default: off]
    #[arg(long, value_name = "SWITCH", value_parser = config::parse_bool)]
    slow_checks_console: Option<bool>,
    /// Program that rules may have run by a name, with --slow-checks-console=on [default: shellcheck, from the PATH]
    #[arg(long = "slow-checks-tool", value_name = "NAME=PROGRAM", value_parser = config::parse_tool)]
    slow_checks_tools: Vec<Tool>,
    /// Host that rules may ask although it is this machine or in its network
    #[arg(long = "slow-checks-allow-host", value_name = "HOST[:PORT]", value_parser = config::parse_host)]
    slow_checks_allow_hosts: Vec<String>,
    /// Ask nobody outside of this machine; what earlier runs know counts
    #[arg(long)]
    offline: bool,
    /// Folder for answers that later runs will know [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Write what came of each question to a file, to find the same without network
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Take the answers from a file that --record wrote; nobody is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["slow_checks", "explain_plan"])]
    replay: Option<PathBuf>,
    /// Show what would be asked, and ask nothing
    #[arg(long, conflicts_with = "format")]
    explain_plan: bool,
    /// Threads that lint [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// No notes on standard error
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// More on standard error; twice for the messages of plugins
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// The value of `--platform`, of which the last counts as a whole.
#[derive(Clone)]
struct Platforms(Vec<Platform>);

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: Arguments, is_styled: bool) -> anyhow::Result<u8> {
    end_on_interrupt()?;
    let variables = variables();
    let here = env::current_dir().context("the working directory is gone")?;
    if let Some(context) = &arguments.context {
        ensure!(context.is_dir(), "--context {}: there is no such folder", context.display());
    }
    let given = Given {
        paths: &arguments.paths,
        stdin_filename: arguments.stdin_filename.as_deref(),
        context: arguments.context.as_deref(),
        here: &here,
    };
    let mut finder = Finder::default();
    let tree = finder.nearest(&common_folder(given)).as_deref().map(config::read).transpose()?;
    let user_path = config::user_file(&variables).filter(|path| path.is_file());
    let (linted, own) = user_path.into_iter().partition::<Vec<_>, _>(|path| is_linted(path, given, tree.as_ref()));
    let user = own.first().map(|path| config::read(path)).transpose()?;
    let files = Files { tree: tree.as_ref(), user: user.as_ref() };
    let flags = Flags {
        fail_level: arguments.fail_level,
        target_platforms: arguments.platform.clone().map(|platforms| platforms.0),
        slow_checks: arguments.slow_checks,
        slow_checks_timeout: arguments.slow_checks_timeout,
        slow_checks_console: arguments.slow_checks_console,
        slow_checks_allow_hosts: arguments.slow_checks_allow_hosts.clone(),
        slow_checks_tools: arguments.slow_checks_tools.clone(),
        offline: arguments.offline,
        cache_dir: arguments.cache_dir.clone(),
        trust: arguments.trust.clone(),
        trust_workspace: arguments.trust_workspace,
    };
    let mut config = Config::settle(flags, &variables, files)?;
    let read = |path: &PathBuf| Replay::read(path, &here).map_err(|error| anyhow!("--replay {error}"));
    let replay = arguments.replay.as_ref().map(read).transpose()?;
    if let Some(replay) = &replay {
        // The recording knows who was asked; nobody will be.
        (config.slow_checks, config.offline) = (Mode::On, false);
        (config.pools.network.enabled, config.pools.context.enabled) = (true, true);
        config.pools.console.enabled = replay.header().console;
    }
    let detected = ci::detect(&variables);
    let watch = progress::watch(arguments.quiet, detected.is_some());
    let ci = detected.filter(|_| config.slow_checks == Mode::Auto);
    let ask = match config.slow_checks {
        Mode::Off => Ask::Nothing,
        Mode::Auto if ci.is_some() => Ask::Local,
        Mode::Auto | Mode::On if config.offline => Ask::Offline,
        Mode::Auto | Mode::On => Ask::Everything,
    };
    let cache = config.cache_dir.clone().filter(|_| replay.is_none());
    let cache = cache.map(|folder| Arc::new(Cache::new(folder, config.cache_ttl)));

    let now = match &replay {
        Some(replay) => Some(replay.header().now()),
        None => age::now(variables.get(SOURCE_DATE_EPOCH).map(String::as_str)),
    };
    if now.is_none() && !arguments.quiet {
        complain(&format!("note: {SOURCE_DATE_EPOCH} is no number of seconds since 1970; the clock counts"));
    }

    let (host, mut plugins) = bundled(store(config.cache_dir.as_deref(), &variables))?;
    if !config.pools.console.enabled {
        wait_to_be_asked_for(&mut plugins);
    }
    let Loaded { plugins: others, unusable, notes: of_plugins } =
        consent::load(&host, &Wanted { named: &arguments.plugins, files, trust: &config.trust })?;
    plugins.extend(others);
    let registry = Arc::new(Registry::new(ClientConfig::new(environment(&config))));
    let Inputs { inputs, rulesets, mut notes } = inputs(given, &config, files, finder, &plugins)?;
    let build_args = build_args(&arguments.build_args, &variables);
    let surroundings = |platform: &Platform| Surroundings {
        build_args: build_args.clone(),
        target_platform: platform.clone(),
        target: arguments.target.clone(),
        contexts: arguments.build_contexts.clone(),
    };
    let job = Job {
        inputs,
        plugins: plugins.into(),
        unusable,
        rulesets,
        surroundings: config.target_platforms.iter().map(surroundings).collect(),
        slow_checks: SlowChecks {
            ask: if arguments.explain_plan { Ask::Nothing } else { ask },
            fail_fast: config.fail_fast,
            terms: Terms {
                timeout: config.timeout,
                timeout_mode: config.timeout_mode,
                pools: config.pools,
                cache: cache.clone(),
                watch,
                records: arguments.record.is_some(),
            },
        },
        resolver: match replay {
            Some(replay) => Arc::new(replay),
            None => Arc::new(World {
                console: Console::new(config.tools.clone()),
                ..World::new(registry.clone(), config.allow_hosts.iter().cloned())
            }),
        },
        now: now.unwrap_or_else(SystemTime::now),
        threads: arguments.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from),
    };
    let outcome = crate::lint::run(&job);
    if let Some(path) = &arguments.record {
        let mut recording = Recording::new(Header::new(job.now, config.pools.console.enabled), &here);
        for (question, outcome) in &outcome.settled {
            recording.add(question, outcome.as_deref());
        }
        recording.write(path).with_context(|| format!("--record {}", path.display()))?;
    }

    if arguments.explain_plan {
        if matches!(ask, Ask::Nothing | Ask::Offline) && !arguments.quiet {
            let why = if ask == Ask::Offline { "--offline" } else { "slow checks are off" };
            complain(&format!("note: this is what --slow-checks=on would ask ({why})"));
        }
        if let Some(ci) = ci.filter(|_| !arguments.quiet) {
            complain(&format!("note: registries are asked with --slow-checks=on only (CI detected: {ci})"));
        }
        return explain_plan(&job, &outcome);
    }
    match arguments.format {
        Format::Text => print(&report::text(&outcome, is_styled, terminal_width()))?,
        Format::Json => print(&report::json(&outcome, config.slow_checks.name()))?,
    }
    if !arguments.quiet {
        let circumstances = Circumstances { ci, timeout: config.timeout, is_replay: arguments.replay.is_some() };
        report::notes(&outcome, &circumstances).iter().for_each(|note| complain(&format!("note: {note}")));
        let unread = |path: &PathBuf| format!("{}: not read, since it lies in what is linted", path.display());
        notes.extend(of_plugins.into_iter().chain(linted.iter().map(unread)).chain(config.refused.iter().cloned()));
        notes.iter().for_each(|note| complain(&format!("note: {note}")));
        report_more(&arguments, &outcome, &host, &registry);
        if let Some(cache) = cache {
            report_trouble(&arguments, &cache);
        }
    }
    for Unusable { name, message } in &job.unusable {
        complain(&format!("error: plugin {name} cannot be used: {message}"));
    }
    Ok(status(&job, &outcome, config.fail_level, arguments.fail_on_skipped))
}

/// Shows what would be asked. What kept a file or plugin from saying so is told.
fn explain_plan(job: &Job, outcome: &Outcome) -> anyhow::Result<u8> {
    print(&report::plan(outcome, job.slow_checks.fail_fast, &job.slow_checks.terms.pools))?;
    for file in &outcome.files {
        for problem in &file.problems {
            complain(&format!("{}: {}", file.path, problem.message));
        }
    }
    Ok(status(job, outcome, FailLevel::Never, false))
}

/// The width of the terminal, if standard output is one.
fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width.0.into())
}

/// What `-v` adds.
fn report_more(arguments: &Arguments, outcome: &Outcome, host: &Host, registry: &Registry) {
    for (plugin, level, message) in outcome.files.iter().flat_map(|file| &file.log) {
        let wanted = match level {
            Level::Warn => 0,
            Level::Info => 1,
            Level::Debug => 2,
        };
        if arguments.verbose >= wanted {
            complain(&format!("{plugin}: {message}"));
        }
    }
    if arguments.verbose == 0 {
        return;
    }
    let tally = &outcome.slow_checks;
    complain(&format!(
        "slow checks: {} planned, {} deduplicated, {} from cache, {} executed",
        tally.planned, tally.deduplicated, tally.from_cache, tally.executed
    ));
    let traffic = registry.statistics().into_iter().map(|(host, statistics)| {
        let Statistics { requests, probes, tokens, retries, bytes } = statistics;
        (host, Traffic { requests: requests + probes + tokens, retries, bytes })
    });
    report::hosts(outcome, &traffic.collect()).lines().for_each(complain);
    complain(&format!("components compiled by this process: {}", host.compiled()));
}

/// What the cache has to say of itself. A folder that cannot be used is no news to whoever set it up so.
fn report_trouble(arguments: &Arguments, cache: &Cache) {
    let Trouble { damaged, folder } = cache.trouble();
    let place = cache.folder().display();
    if damaged > 0 {
        complain(&format!("note: {place}: answers that were damaged: {damaged}; they are asked for again"));
    }
    if let Some(trouble) = folder.filter(|_| arguments.verbose > 0) {
        complain(&format!("cache: {trouble}; use --cache-dir for another folder"));
    }
}

/// The part of this machine that registries depend on, as configured.
pub(super) fn environment(config: &Config) -> Environment {
    let mut environment = Environment::of_process();
    let RegistriesTable { config: config_file, drop_ins, credentials } = config.registries.clone();
    environment.paths = Paths { registries_conf: config_file, drop_ins, credentials, ..environment.paths };
    environment.distrusted.clone_from(&config.tree_registries);
    environment
}

fn status(job: &Job, outcome: &Outcome, fail_level: FailLevel, fail_on_skipped: bool) -> u8 {
    let mut problems = outcome.files.iter().flat_map(|file| &file.problems).map(|problem| problem.kind).peekable();
    let mut findings = outcome.files.iter().flat_map(|file| &file.findings);
    if !job.unusable.is_empty() || problems.clone().any(ProblemKind::is_not_checked) {
        FAILED
    } else if findings.any(|finding| fail_level.is_reached_by(finding.severity))
        || (problems.peek().is_some() && fail_level.is_reached_by(Severity::Error))
        || (fail_on_skipped && !outcome.slow_checks.skipped.is_empty())
    {
        FOUND
    } else {
        CLEAN
    }
}

/// Packs that need tools are for who lets them run; others are not told at every file that they did not.
fn wait_to_be_asked_for(plugins: &mut [Plugin]) {
    let needs_tools = |plugin: &&mut Plugin| plugin.capabilities.contains(&"console");
    for rule in plugins.iter_mut().filter(needs_tools).flat_map(|plugin| &mut plugin.rules) {
        rule.is_opt_in = true;
    }
}

fn build_args(given: &[String], variables: &Variables) -> Vec<(String, String)> {
    let pair = |argument: &String| match argument.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => variables.get(argument).map(|value| (argument.clone(), value.clone())),
    };
    given.iter().filter_map(pair).collect()
}

fn build_context(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as app=../app")?;
    if name.is_empty() || value.is_empty() {
        return Err("name and value may not be empty".to_owned());
    }
    let image = name.split("::").next().unwrap_or_default();
    if Reference::parse(image).is_err() {
        return Err(format!("{image:?} can be no name of a stage or an image"));
    }
    // What has no scheme, and is no repository, is a folder here.
    let is_elsewhere = value.contains("://") || value.starts_with("target:") || value.starts_with("git@");
    if !is_elsewhere && !Path::new(value).is_dir() {
        return Err(format!("there is no folder {value}"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn platforms(text: &str) -> Result<Platforms, String> {
    config::parse_platforms(text).map(Platforms)
}
