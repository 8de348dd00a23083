//! What the user configured: `plimsoll.toml`, environment, flags.
//!
//! Input: the nearest `plimsoll.toml` up the tree, the user's own, variables
//! `PLIMSOLL_…`, and what the command line gave. Output: settled values.
//! Precedence: flag over environment over the tree's file over the user's over
//! default. Invariant: the tree's file, which a stranger may have written, makes
//! no program run, opens no way into this machine's network and has no file written. An unknown key
//! is an error that says where it stands and what was perhaps meant.

pub mod ci;
mod digest;
mod edit;
mod file;
mod grants;
mod lock;
mod output;
mod pattern;
mod plugins;
mod slow_checks;
mod source;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use digest::Digest;
pub use edit::Edit;
pub use file::{FILE_NAME, File, Files, Finder, RegistriesTable, RuleTable, SeverityOrOff, read};
pub use grants::Grants;
pub use lock::{LockConfig, LockMode, LockTable, parse_lock_mode};
pub use output::{Format, OutputConfig, OutputTable, Target, parse_target};
pub use pattern::fits;
use plimsoll_dockerfile::Platform;
pub use plugins::{LimitsTable, Place, PluginTable, Trust, TrustTable, TrustTables};
use slow_checks::settle_tools;
pub use slow_checks::{
    ConsoleTable, NetworkTable, Pool, PoolSettings, PoolTable, Pools, SlowChecksTable, TimeoutMode, Tools,
};
pub use source::Source;
use thiserror::Error;
pub use value::{
    Tool, parse_bool, parse_duration, parse_fail_level, parse_host, parse_mode, parse_platforms, parse_tool,
    show_duration, similar,
};
use value::{parse_hosts, parse_path, parse_timeout_mode};

use crate::finding::Severity;

/// The budget of slow checks where nothing else is said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(20);

/// How long the cache knows what may change, such as what a tag means, where
/// nothing else is said.
pub const CACHE_TTL_DEFAULT: Duration = Duration::from_secs(10 * 60);

/// Configuration that does not hold up. Exit status 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// When slow checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On, but off where CI is detected.
    Auto,
    /// Always.
    On,
    /// Never; what is known is answered all the same.
    Off,
}

impl Mode {
    /// The name in flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Values that flags may set; what is none comes from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--fail-level`.
    pub fail_level: Option<FailLevel>,
    /// `--platform`.
    pub target_platforms: Option<Vec<Platform>>,
    /// `--slow-checks`.
    pub slow_checks: Option<Mode>,
    /// `--slow-checks-timeout`.
    pub slow_checks_timeout: Option<Duration>,
    /// `--slow-checks-console`.
    pub slow_checks_console: Option<bool>,
    /// `--slow-checks-allow-host`; without it, what is said elsewhere counts.
    pub slow_checks_allow_hosts: Vec<String>,
    /// `--slow-checks-tool`.
    pub slow_checks_tools: Vec<Tool>,
    /// `--offline`; without it, the variable counts.
    pub offline: bool,
    /// `--cache-dir`.
    pub cache_dir: Option<PathBuf>,
    /// `--lock`.
    pub lock: Option<LockMode>,
    /// `--format`; without it, what is said elsewhere counts.
    pub formats: Vec<Target>,
    /// `--statistics`; without it, what is said elsewhere counts.
    pub statistics: bool,
    /// `--trust`.
    pub trust: Vec<Digest>,
    /// `--trust-workspace`; without it, the variable counts.
    pub trust_workspace: bool,
    /// `--require-reason`; without it, what is said elsewhere counts.
    pub require_reason: bool,
    /// `--no-inline`; without it, the variable counts.
    pub no_inline: bool,
    /// `--baseline`.
    pub baseline: Option<PathBuf>,
}

/// From which severity on findings make the run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailLevel {
    /// From this one on.
    At(Severity),
    /// Never.
    Never,
}

impl FailLevel {
    /// Whether a finding of this severity makes the run fail.
    pub fn is_reached_by(self, severity: Severity) -> bool {
        matches!(self, Self::At(level) if severity <= level)
    }
}

/// Everything that holds for a whole run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the file it came from, if any: reports show paths relative to it.
    pub folder: Option<PathBuf>,
    /// From which severity on findings make the run fail.
    pub fail_level: FailLevel,
    /// The platforms to build for, at least one.
    pub target_platforms: Vec<Platform>,
    /// When slow checks run.
    pub slow_checks: Mode,
    /// Whether a file with errors asks nothing.
    pub fail_fast: bool,
    /// The wall-clock budget of all slow checks together.
    pub timeout: Duration,
    /// What budgets count.
    pub timeout_mode: TimeoutMode,
    /// How questions of each kind are asked.
    pub pools: Pools,
    /// `host` or `host:port` that rules may ask although it is this machine or in its network.
    pub allow_hosts: Vec<String>,
    /// The programs that rules may have run.
    pub tools: Tools,
    /// Whether nobody outside of this machine is asked.
    pub offline: bool,
    /// Where answers are kept; none where there is no place for them.
    pub cache_dir: Option<PathBuf>,
    /// How long an answer is known that may change.
    pub cache_ttl: Duration,
    /// Where the configuration of registries is, if not at its usual place.
    pub registries: RegistriesTable,
    /// Those of these places that the tree's file chose: what they hold makes no program run.
    pub tree_registries: Vec<PathBuf>,
    /// How the lock counts.
    pub lock: LockConfig,
    /// How the run reports.
    pub output: OutputConfig,
    /// Whose components run without being named in the user's own file.
    pub trust: Trust,
    /// What the tree's file asks for and does not get.
    pub refused: Vec<String>,
    /// Whether comments that wave findings through have to say why.
    pub require_reason: bool,
    /// Whether such comments count for nothing.
    pub no_inline: bool,
    /// The file of findings that are known, and the folder that it may not lie out of where a file names it.
    pub baseline: Option<(PathBuf, Option<PathBuf>)>,
}

/// The environment, as far as configuration reads it.
pub type Variables = BTreeMap<String, String>;

impl Config {
    /// Settles every value.
    ///
    /// # Errors
    /// When a variable or a key of the file has a value that means nothing.
    pub fn settle(flags: Flags, variables: &Variables, files: Files) -> Result<Self, ConfigError> {
        let platforms = flags.target_platforms;
        let platforms = or_variable(platforms, variables, "PLIMSOLL_TARGET_PLATFORM", parse_platforms)?;
        let platforms = platforms.or(files.first(|file| file.lint.target_platforms.clone()));
        let platforms = or_variable(platforms, variables, "DOCKER_DEFAULT_PLATFORM", parse_platforms)?;
        let pools = Pools::settle(flags.slow_checks_console, variables, files)?;
        let allow_hosts = Some(flags.slow_checks_allow_hosts).filter(|hosts| !hosts.is_empty());
        let (registries, tree_registries) = registries(variables, files)?;
        Ok(Self {
            folder: files.tree.map(|file| file.folder.clone()),
            fail_level: or_variable(flags.fail_level, variables, "PLIMSOLL_FAIL_LEVEL", parse_fail_level)?
                .or(files.first(|file| file.lint.fail_level))
                .unwrap_or(FailLevel::At(Severity::Warning)),
            target_platforms: platforms.unwrap_or_else(|| vec![Platform::host()]),
            slow_checks: or_variable(flags.slow_checks, variables, "PLIMSOLL_SLOW_CHECKS", parse_mode)?
                .or(files.first(|file| file.slow_checks.mode))
                .unwrap_or(Mode::Auto),
            fail_fast: or_variable(None, variables, "PLIMSOLL_SLOW_CHECKS_FAIL_FAST", parse_bool)?
                .or(files.first(|file| file.slow_checks.fail_fast))
                .unwrap_or(true),
            timeout: or_variable(flags.slow_checks_timeout, variables, "PLIMSOLL_SLOW_CHECKS_TIMEOUT", parse_duration)?
                .or(files.first(|file| file.slow_checks.timeout))
                .unwrap_or(TIMEOUT_DEFAULT),
            timeout_mode: or_variable(None, variables, "PLIMSOLL_SLOW_CHECKS_TIMEOUT_MODE", parse_timeout_mode)?
                .or(files.first(|file| file.slow_checks.timeout_mode))
                .unwrap_or_default(),
            pools,
            allow_hosts: or_variable(allow_hosts, variables, "PLIMSOLL_SLOW_CHECKS_NETWORK_ALLOW_HOSTS", parse_hosts)?
                .or(files.user.and_then(|file| file.slow_checks.network.allow_hosts.clone()))
                .unwrap_or_default(),
            tools: settle_tools(flags.slow_checks_tools, variables, files)?,
            offline: or_variable(flags.offline.then_some(true), variables, "PLIMSOLL_OFFLINE", parse_bool)?
                .unwrap_or(false),
            cache_dir: cache_dir(flags.cache_dir, variables),
            cache_ttl: cache_ttl(variables, files)?,
            registries,
            tree_registries,
            lock: LockConfig::settle(flags.lock, variables, files)?,
            output: OutputConfig::settle(flags.formats, flags.statistics, variables, files)?,
            trust: Trust::settle(flags.trust, flags.trust_workspace, variables)?,
            refused: files.tree.map_or_else(Vec::new, |file| refused(file, &pools)),
            require_reason: or_variable(
                flags.require_reason.then_some(true),
                variables,
                "PLIMSOLL_REQUIRE_REASON",
                parse_bool,
            )?
            .or(files.first(|file| file.lint.require_reason))
            .unwrap_or(false),
            no_inline: or_variable(flags.no_inline.then_some(true), variables, "PLIMSOLL_NO_INLINE", parse_bool)?
                .unwrap_or(false),
            baseline: or_variable(flags.baseline, variables, "PLIMSOLL_BASELINE", parse_path)?
                .map(|path| (path, None))
                .or(files
                    .first(|file| Some((file.folder.join(file.lint.baseline.as_ref()?), Some(file.folder.clone()))))),
        })
    }
}

/// The folder of the cache: what the flag or `PLIMSOLL_CACHE_DIR` says, else
/// `plimsoll` among the user's caches. A file in the tree has no say: who could
/// put the cache where he wrote it could answer for every registry.
pub fn cache_dir(flag: Option<PathBuf>, variables: &Variables) -> Option<PathBuf> {
    let path = |name: &str| variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // As the XDG specification has it, a relative path there counts as none.
    let xdg = || path("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let caches = || xdg().or_else(|| path("HOME").map(|home| home.join(".cache")));
    flag.or_else(|| path("PLIMSOLL_CACHE_DIR")).or_else(|| caches().map(|caches| caches.join("plimsoll")))
}

/// The key with which the program knows native code of its own again: in the user's
/// state, away from the cache, which may have come from elsewhere.
pub fn store_key(variables: &Variables) -> Option<PathBuf> {
    let folder = |name: &str| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let states = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")));
    states.map(|states| states.join("plimsoll").join("store-key"))
}

/// How long what may change is known. The tree's file can only shorten it: whoever
/// wrote that may have written answers too.
fn cache_ttl(variables: &Variables, files: Files) -> Result<Duration, ConfigError> {
    if let Some(ttl) = or_variable(None, variables, "PLIMSOLL_SLOW_CHECKS_CACHE_TTL", parse_duration)? {
        return Ok(ttl);
    }
    let own = files.user.and_then(|file| file.slow_checks.cache_ttl).unwrap_or(CACHE_TTL_DEFAULT);
    Ok(files.tree.and_then(|file| file.slow_checks.cache_ttl).map_or(own, |tree| tree.min(own)))
}

/// The user's own file: `plimsoll/plimsoll.toml` in `XDG_CONFIG_HOME`, else in
/// `.config` of the home folder. It need not exist.
pub fn user_file(variables: &Variables) -> Option<PathBuf> {
    let folder = |name: &str| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let configs = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    configs.map(|configs| configs.join("plimsoll").join(FILE_NAME))
}

/// The places, and those of them that the tree's file chose.
fn registries(variables: &Variables, files: Files) -> Result<(RegistriesTable, Vec<PathBuf>), ConfigError> {
    let mut of_tree = Vec::new();
    let mut settle = |name, path: fn(&RegistriesTable) -> &Option<PathBuf>| {
        let place = |file: &File| path(&file.registries).as_ref().map(|path| file.folder.join(path));
        if let Some(path) = or_variable(None, variables, name, parse_path)? {
            return Ok(Some(path));
        }
        // Other than elsewhere the user's own goes first: it may block registries.
        if let Some(path) = files.user.and_then(place) {
            return Ok(Some(path));
        }
        let tree = files.tree.and_then(place);
        of_tree.extend(tree.clone());
        Ok::<_, ConfigError>(tree)
    };
    let table = RegistriesTable {
        config: settle("PLIMSOLL_REGISTRIES_CONFIG", |table| &table.config)?,
        drop_ins: settle("PLIMSOLL_REGISTRIES_DROP_INS", |table| &table.drop_ins)?,
        credentials: settle("PLIMSOLL_REGISTRIES_CREDENTIALS", |table| &table.credentials)?,
    };
    Ok((table, of_tree))
}

fn refused(tree: &File, pools: &Pools) -> Vec<String> {
    let SlowChecksTable { console, network, .. } = &tree.slow_checks;
    let asks_for_tools = console.enabled == Some(true) && !pools.console.enabled;
    let tools =
        "enabled = true under [slow-checks.console] counts for nothing; use --slow-checks-console=on to let tools run";
    let asks_for_hosts = network.allow_hosts.as_ref().is_some_and(|hosts| !hosts.is_empty());
    let hosts =
        "allow-hosts under [slow-checks.network] counts in the user's own file only; or use --slow-checks-allow-host";
    let names_tools = console.tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let named = "tools under [slow-checks.console] count in the user's own file only; or use --slow-checks-tool";
    let trust = "[trust] counts in the user's own file only; or use --trust";
    let files = "files in format under [output] count in the user's own file only; or use --format";
    let asked = [
        (asks_for_tools, tools),
        (names_tools, named),
        (asks_for_hosts, hosts),
        (!tree.trust.is_empty(), trust),
        (tree.output.names_files(), files),
    ];
    let asked = asked.into_iter().filter(|(asks, _)| *asks);
    asked.map(|(_, what)| format!("{}: {what}", tree.path.display())).collect()
}

/// The value if there is one, else that of the variable, which is not read
/// otherwise.
fn or_variable<T>(
    value: Option<T>,
    variables: &Variables,
    name: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    match (value, variables.get(name).map(String::as_str)) {
        (Some(value), _) => Ok(Some(value)),
        (None, None | Some("")) => Ok(None),
        (None, Some(text)) => {
            parse(text).map(Some).map_err(|error| ConfigError(format!("environment variable {name}: {error}")))
        }
    }
}
