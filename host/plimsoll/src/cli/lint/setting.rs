//! What holds for a whole run, before any file is looked at.
//!
//! Input: the command line, the files of configuration that it leads to, the
//! environment. Output: settled values, and who may be asked.

use std::path::PathBuf;

use anyhow::{anyhow, ensure};

use super::Arguments;
use crate::age::{self, SOURCE_DATE_EPOCH};
use crate::cli::complain;
use crate::cli::configured::Configured;
use crate::cli::extended::Pinned;
use crate::cli::inputs::Given;
use crate::cli::supply::Supply;
use crate::config::{Config, Digest, Flags, Mode, Source, Texts, Variables, ci};
use crate::lint::Ask;
use crate::lock::{self, Answers, LockFile, Parsed};
use crate::recording::Replay;

/// What holds for a whole run.
pub(in crate::cli) struct Setting {
    pub(in crate::cli) config: Config,
    pub(in crate::cli) configured: Configured,
    /// Where the lock is, and what it says.
    pub(in crate::cli) lock: LockFile,
    pub(in crate::cli) locked: Parsed,
    /// What is extended in registries, and the lock does not say so.
    pub(in crate::cli) extended: Vec<(Source, Digest)>,
    /// What is known of the content that it names.
    pub(in crate::cli) answers: Answers,
    /// A recording that answers.
    pub(in crate::cli) replay: Option<Replay>,
    /// Whose continuous integration this is, if slow checks are off for that.
    pub(in crate::cli) ci: Option<String>,
    pub(in crate::cli) is_ci: bool,
    pub(in crate::cli) ask: Ask,
    /// Whether what is linted was fetched, and is not there to be changed.
    pub(in crate::cli) is_fetched: bool,
}

impl Setting {
    /// Reads the files, and settles all values.
    ///
    /// # Errors
    /// When configuration or recording do not hold up.
    pub(in crate::cli) fn of(arguments: &Arguments, given: Given, variables: &Variables) -> anyhow::Result<Self> {
        let mut configured = Configured::read(given, &arguments.scope.choice, variables)?;
        let mut config = Config::settle(flags(arguments), variables, configured.files())?;
        let read = |path: &PathBuf| Replay::read(path, given.here).map_err(|error| anyhow!("--replay {error}"));
        let lock = LockFile::at(configured.lock_folder(given).join(lock::FILE_NAME));
        let locked = lock.read()?;
        let mut extended = Vec::new();
        if !configured.unread(&Texts::new()).is_empty() {
            let supply = Supply::new(&config, configured.files(), None).offline_if(arguments.replay.is_some());
            let pinned = Pinned { lock: &locked.lock, path: lock.path(), learns: arguments.learns.as_deref() };
            extended = pinned.extend(&mut configured, &supply, given.here)?;
            config = Config::settle(flags(arguments), variables, configured.files())?;
        }
        ensure!(
            !(config.lock.mode == lock::Mode::Update && (config.offline || config.slow_checks == Mode::Off)),
            "--lock update asks the world: leave out --offline and --slow-checks=off"
        );
        if config.lock.mode == lock::Mode::Update {
            config.slow_checks = Mode::On;
        }
        let answers = lock.answers()?;
        let replay = arguments.replay.as_ref().map(read).transpose()?;
        if let Some(replay) = &replay {
            // The recording knows who was asked; nobody will be.
            (config.slow_checks, config.offline) = (Mode::On, false);
            (config.pools.network.enabled, config.pools.context.enabled) = (true, true);
            config.pools.console.enabled = replay.header().console;
        }
        let detected = ci::detect(variables);
        let is_ci = detected.is_some();
        let ci = detected.filter(|_| config.slow_checks == Mode::Auto);
        let ask = match config.slow_checks {
            Mode::Off => Ask::Nothing,
            Mode::Auto if ci.is_some() => Ask::Local,
            Mode::Auto | Mode::On if config.offline => Ask::Offline,
            Mode::Auto | Mode::On => Ask::Everything,
        };
        let is_fetched = given.is_fetched;
        Ok(Self { config, configured, lock, locked, extended, answers, replay, ci, is_ci, ask, is_fetched })
    }
}

/// What counts as now: what the recording says, else the variable, else the clock.
pub(in crate::cli) fn now(arguments: &Arguments, setting: &Setting, variables: &Variables) -> std::time::SystemTime {
    if let Some(replay) = &setting.replay {
        return replay.header().now();
    }
    age::now(variables.get(SOURCE_DATE_EPOCH).map(String::as_str)).unwrap_or_else(|| {
        if !arguments.scope.quiet {
            complain(&format!("note: {SOURCE_DATE_EPOCH} is no number of seconds since 1970; the clock counts"));
        }
        std::time::SystemTime::now()
    })
}

pub(super) fn flags(arguments: &Arguments) -> Flags {
    Flags {
        fail_level: arguments.fail_level,
        target_platforms: arguments.scope.platform.clone().map(|platforms| platforms.0),
        slow_checks: arguments.scope.slow_checks,
        slow_checks_timeout: arguments.scope.slow_checks_timeout,
        slow_checks_console: arguments.scope.slow_checks_console,
        slow_checks_allow_hosts: arguments.scope.slow_checks_allow_hosts.clone(),
        slow_checks_tools: arguments.scope.slow_checks_tools.clone(),
        offline: arguments.scope.offline,
        lock: arguments.lock,
        formats: arguments.formats.clone(),
        statistics: arguments.statistics,
        cache_dir: arguments.scope.cache_dir.clone(),
        trust: arguments.scope.trust.clone(),
        trust_workspace: arguments.scope.trust_workspace,
        require_reason: arguments.suppressing.require_reason,
        no_inline: arguments.suppressing.no_inline,
        baseline: arguments.suppressing.baseline.clone(),
    }
}
