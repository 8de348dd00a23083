//! `plimsoll lint`: arguments → what holds for the run → job → outcome → what is
//! said of it.

mod deliver;
mod fix;
mod job;
mod learned;
mod say;
mod setting;
mod settings;
mod suppressing;
mod watch;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use plimsoll_dockerfile::{Platform, Reference};

use super::choice::Choice;
use super::chosen::changes;
use super::inputs::Given;
use super::repository::{self, Fetched};
use super::{CLEAN, complain, end_on_interrupt, variables};
use crate::changes::Changes;
use crate::clone::Address;
use crate::config::{self, Digest, FailLevel, Mode, Target, Tool, Variables};
use crate::lint::Outcome;
use crate::recording::{Header, Recording};
use crate::{age, lock};
pub(super) use job::environment;
pub(super) use job::{Plugins, Prepared};
pub(super) use say::notes;
pub(super) use setting::Setting;
use suppressing::Suppressing;

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
  plimsoll lint --diff                     what --fix would change
  plimsoll lint --changed=main             what differs from main; --staged: what would be committed
  plimsoll lint --watch                    again after each change
  plimsoll lint git+https://git.example/team/app.git#main:services/api
  docker-gen | plimsoll lint - --stdin-filename api.Dockerfile")]
#[command(group = clap::ArgGroup::new("fixing").args(["fix", "diff"]))]
pub(super) struct Arguments {
    /// Files, folders, - for standard input, or a repository: git+https://HOST/PATH#REF:FOLDER
    #[arg(default_value = ".")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    occasion: Occasion,
    /// What to call standard input in reports
    #[arg(long, value_name = "FILE")]
    stdin_filename: Option<PathBuf>,
    /// How to report, once for each: text, concise, json, json-lines, sarif, github, gitlab, checkstyle, junit,
    /// rdjson, markdown, html; with =FILE to a file [default: text]
    #[arg(long = "format", value_name = "FORMAT[=FILE]", value_parser = config::parse_target)]
    formats: Vec<Target>,
    /// Count findings by rule
    #[arg(long)]
    statistics: bool,
    /// Findings do not make the run fail
    #[arg(long)]
    exit_zero: bool,
    /// Warnings make the run fail only when there are more
    #[arg(long, value_name = "N")]
    max_warnings: Option<usize>,
    /// Severity from which on findings make the run fail: error, warning, info, style, none [default: warning]
    #[arg(long, value_name = "LEVEL", value_parser = config::parse_fail_level)]
    fail_level: Option<FailLevel>,
    /// Fail with status 1 if a slow check was skipped
    #[arg(long)]
    fail_on_skipped: bool,
    /// How plimsoll.lock counts: strict, auto, update [default: auto]
    #[arg(long, value_name = "MODE", value_parser = config::parse_lock_mode, conflicts_with = "replay")]
    lock: Option<lock::Mode>,
    /// Write what came of each question to a file, to find the same without network
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Take the answers from a file that --record wrote; nobody is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["slow_checks", "explain_plan"])]
    replay: Option<PathBuf>,
    /// Apply the fixes after which the same runs in the image, and report what is left
    #[arg(long, conflicts_with_all = ["diff", "explain_plan", "staged"])]
    fix: bool,
    /// Count those fixes in too that may change what runs
    #[arg(long)]
    unsafe_fixes: bool,
    /// Show as a patch what --fix would change, and change nothing; status 1 if that is something
    #[arg(long, conflicts_with_all = ["formats", "statistics", "explain_plan", "record", "exit_zero", "max_warnings"])]
    diff: bool,
    /// Say on standard error what --fix did, or with --diff would do
    #[arg(long, requires = "fixing")]
    show_fixes: bool,
    /// Show what would be asked, and ask nothing
    #[arg(long, conflicts_with = "formats")]
    explain_plan: bool,
    #[command(flatten)]
    suppressing: Suppressing,
    /// Show what is configured, by whom, and the rules that run on each file; lint nothing
    #[arg(long, conflicts_with_all = ["explain_plan", "fix", "diff", "suppress", "record", "watch"])]
    show_settings: bool,
    /// Whether the lock is to know what is extended in registries: what it does not say is asked, and what is called so anew.
    #[arg(skip)]
    pub(super) learns: Option<Vec<String>>,
    /// More on standard error; twice for the messages of plugins
    #[arg(short, long, conflicts_with = "quiet", action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Which of the files, and how often.
#[derive(Args, Default)]
pub(super) struct Occasion {
    /// Lint only what has changed since a revision, or without one since the branch began; files new to git count
    #[arg(long, value_name = "REV", num_args = 0..=1, default_missing_value = "", conflicts_with = "staged")]
    changed: Option<String>,
    /// Lint only what is staged for the next commit, as it is staged
    #[arg(long, conflicts_with = "watch")]
    staged: bool,
    /// Lint again after each change, until Ctrl-C
    #[arg(long, conflicts_with_all = ["record", "stdin_filename"])]
    watch: bool,
}

/// What a run is about, whatever comes of it.
#[derive(Args)]
pub(super) struct Scope {
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
    pub(super) context: Option<PathBuf>,
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
    /// Threads that lint [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    #[command(flatten)]
    pub(super) choice: Choice,
    /// No notes on standard error
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl Arguments {
    /// A run that reports nothing, for commands that say something else of it.
    pub(super) fn unreported(paths: Vec<PathBuf>, scope: Scope, lock: Option<lock::Mode>) -> Self {
        Self {
            paths,
            scope,
            occasion: Occasion::default(),
            stdin_filename: None,
            formats: Vec::new(),
            statistics: false,
            exit_zero: false,
            max_warnings: None,
            show_settings: false,
            learns: None,
            fail_level: None,
            fail_on_skipped: false,
            lock,
            record: None,
            replay: None,
            fix: false,
            unsafe_fixes: false,
            diff: false,
            show_fixes: false,
            explain_plan: false,
            suppressing: Suppressing::default(),
            verbose: 0,
        }
    }
}

impl Scope {
    /// Whether it says which plugins run.
    pub(super) fn names_plugins(&self) -> bool {
        !self.plugins.is_empty() || !self.trust.is_empty() || self.trust_workspace
    }
}

/// The value of `--platform`, of which the last counts as a whole.
#[derive(Clone)]
struct Platforms(Vec<Platform>);

pub(super) fn run(arguments: &Arguments, is_styled: bool) -> anyhow::Result<u8> {
    end_on_interrupt()?;
    let variables = variables();
    if arguments.occasion.watch {
        return watch::run(arguments, &variables, is_styled);
    }
    Ok(once(arguments, &variables, is_styled)?.status)
}

const NO_FILES: &str = "note: there is no Dockerfile: names such as Dockerfile, Dockerfile.dev, app.Dockerfile and \
    Containerfile are looked for, but not where git ignores them; name a file, and it is linted whatever it is called";

/// What a run came to.
struct Ran {
    status: u8,
    /// The lock, whether or not there is one.
    lock: PathBuf,
}

fn once(arguments: &Arguments, variables: &Variables, is_styled: bool) -> anyhow::Result<Ran> {
    let here = env::current_dir().context("the working directory is gone")?;
    if let Some(context) = &arguments.scope.context {
        ensure!(context.is_dir(), "--context {}: there is no such folder", context.display());
    }
    let fetched = repository::address(&arguments.paths)?;
    let fetched = fetched.map(|address| fetch(address, arguments, variables)).transpose()?;
    let (paths, here) = match &fetched {
        Some(Fetched { checkout, .. }) => (vec![checkout.place.clone()], checkout.root.clone()),
        None => (arguments.paths.clone(), here),
    };
    let changes = changes(arguments.occasion.changed.as_deref(), arguments.occasion.staged, &paths, &here)?;
    let given = Given {
        paths: &paths,
        stdin_filename: arguments.stdin_filename.as_deref(),
        context: arguments.scope.context.as_deref(),
        here: &here,
        is_fetched: fetched.is_some(),
        changes: changes.as_ref(),
    };
    let mut setting = Setting::of(arguments, given, variables)?;
    arguments.suppressing.check(&setting)?;
    let prepared = Prepared::of(arguments, given, &mut setting, variables)?;
    let of = |status| Ok(Ran { status, lock: setting.lock.path().to_owned() });
    if arguments.show_settings {
        return of(settings::show(&setting, &prepared, &arguments.scope.plugins)?);
    }
    deliver::check(arguments, &setting, &prepared.job, &here)?;
    if arguments.unsafe_fixes && !arguments.fix && !arguments.diff && !arguments.scope.quiet {
        complain("note: --unsafe-fixes says which fixes count: add --fix to apply them, or --diff to see them");
    }
    let mut outcome = crate::lint::run(&prepared.job);
    if arguments.diff {
        return of(fix::show(arguments, &setting, &prepared.job, &outcome, &here)?);
    }
    let unwritten = match arguments.fix {
        true => fix::apply(arguments, &setting, &prepared.job, &mut outcome, &here)?,
        false => CLEAN,
    };
    if let Some(bytes) = prepared.left_out.as_ref().filter(|_| arguments.fix) {
        fix::give_back(bytes)?;
    }
    if arguments.replay.is_none() {
        learned::forget_what_is_renewed(&setting, &mut outcome);
    }
    arguments.suppressing.hide_known(&setting, &prepared, &mut outcome, given)?;
    if arguments.suppressing.suppress {
        return of(arguments.suppressing.insert(&setting, &prepared, &outcome, given)?.max(unwritten));
    }
    if prepared.job.inputs.is_empty() && !arguments.scope.quiet {
        complain(&no_files(&prepared, arguments.scope.choice.force_exclude, changes.as_ref()));
    }
    // Whoever reads the report may stop reading.
    let said = say::say(arguments, &setting, &prepared, &outcome, fetched.as_ref(), is_styled);
    // What a recording says was true another day.
    if arguments.replay.is_none() {
        learned::settle(
            &setting,
            &*prepared.job.resolver,
            &outcome,
            &age::text(prepared.job.now),
            arguments.scope.quiet,
        )?;
    }
    if let Some(path) = &arguments.record {
        record(path, &setting, &prepared, &outcome, &here)?;
    }
    of(said?.max(unwritten))
}

/// Why nothing is linted.
fn no_files(prepared: &Prepared, is_strict: bool, changes: Option<&Changes>) -> String {
    let hint = if is_strict { "without --force-exclude" } else { "all the same" };
    match (prepared.excluded, changes) {
        (0, None) => NO_FILES.to_owned(),
        (0, Some(changes)) => format!("note: no Dockerfile differs from {}", changes.since_what()),
        (count, _) => format!(
            "note: nothing is linted: exclude, under [lint] or as --exclude, leaves out all files there are ({count}); \
             a file that is named is linted {hint}"
        ),
    }
}

fn record(path: &Path, setting: &Setting, prepared: &Prepared, outcome: &Outcome, here: &Path) -> anyhow::Result<()> {
    let mut recording = Recording::new(Header::new(prepared.job.now, setting.config.pools.console.enabled), here);
    for (question, outcome) in &outcome.settled {
        recording.add(question, outcome.as_deref());
    }
    recording.write(path).with_context(|| format!("--record {}", path.display()))
}

fn fetch(address: Address, arguments: &Arguments, variables: &Variables) -> anyhow::Result<Fetched> {
    ensure!(arguments.scope.context.is_none(), "{address}: leave out --context: the repository is the context");
    ensure!(arguments.stdin_filename.is_none(), "{address}: leave out --stdin-filename: no file is read from there");
    let Occasion { changed, staged, watch } = &arguments.occasion;
    ensure!(
        changed.is_none() && !staged && !watch,
        "{address}: leave out --changed, --staged and --watch: they are for a checkout"
    );
    ensure!(arguments.replay.is_none(), "{address}: --replay asks nobody: lint a checkout with it");
    Fetched::of(address, setting::flags(arguments), variables)
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
