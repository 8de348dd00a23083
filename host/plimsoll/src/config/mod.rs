//! What the user configured: `plimsoll.toml`, environment, flags.
//!
//! Input: the nearest `plimsoll.toml` up the tree, the user's own, variables
//! `PLIMSOLL_…`, and what the command line gave. Output: settled values, and who
//! said them ([`settle`]). Invariant: the tree's file, which a stranger may have
//! written, makes no program run, opens no way into this machine's network and has
//! no file written, and neither does what it extends. An unknown key is an error
//! that says where it stands and what was perhaps meant.

pub mod ci;
mod digest;
mod edit;
mod extend;
mod file;
mod grants;
mod lock;
mod output;
mod pattern;
mod plugins;
mod schema;
mod settle;
mod shown;
mod slow_checks;
mod source;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use digest::Digest;
pub use edit::Edit;
pub use extend::{Extended, Finder, Reach, Texts, checkout, read_all, unread};
pub use file::{
    FILE_NAME, File, FileOrigin, Files, HIDDEN_FILE_NAME, LintTable, RegistriesTable, RuleTable, SeverityOrOff, Whose,
    read,
};
pub use grants::Grants;
pub use lock::{LockConfig, LockMode, LockTable, parse_lock_mode};
pub use output::{Format, OutputConfig, OutputTable, Target, parse_target};
pub use pattern::{fits, fits_rule};
use plimsoll_dockerfile::Platform;
pub use plugins::{LimitsTable, Place, PluginTable, Trust, TrustTable, TrustTables};
pub use schema::{SchemaRule, schema};
use settle::{Name, Settling};
pub use settle::{Origin, Settled};
use shown::{show_plugins, show_selection};
use slow_checks::settle_tools;
pub use slow_checks::{
    ConsoleTable, NetworkTable, Pool, PoolSettings, PoolTable, Pools, SlowChecksTable, TimeoutMode, Tools,
};
pub use source::Source;
use thiserror::Error;
pub use value::{
    Tool, parse_bool, parse_duration, parse_fail_level, parse_host, parse_mode, parse_platforms, parse_tool,
    show_duration, similar, to_json,
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
    /// All of these as people read them, with who said them.
    pub settled: Vec<Settled>,
}

/// The environment, as far as configuration reads it.
pub type Variables = BTreeMap<String, String>;

impl Config {
    /// Settles every value.
    ///
    /// # Errors
    /// When a variable or a key of the file has a value that means nothing.
    pub fn settle(flags: Flags, variables: &Variables, files: Files) -> Result<Self, ConfigError> {
        let mut settling = Settling::new(variables, files);
        let settle = &mut settling;
        let name = Name::new("lint.fail-level", "--fail-level", "PLIMSOLL_FAIL_LEVEL");
        let of = |_, file: &File| file.lint.fail_level;
        let default = FailLevel::At(Severity::Warning);
        let fail_level = settle.pick_or(&name, flags.fail_level, parse_fail_level, of, default)?;
        let target_platforms = target_platforms(settle, flags.target_platforms)?;
        show_selection(settle);
        let name = Name::new("slow-checks.mode", "--slow-checks", "PLIMSOLL_SLOW_CHECKS");
        let of = |_, file: &File| file.slow_checks.mode;
        let slow_checks = settle.pick_or(&name, flags.slow_checks, parse_mode, of, Mode::Auto)?;
        let name = Name::new("slow-checks.fail-fast", "", "PLIMSOLL_SLOW_CHECKS_FAIL_FAST");
        let of = |_, file: &File| file.slow_checks.fail_fast;
        let fail_fast = settle.pick_or(&name, None, parse_bool, of, true)?;
        let name = Name::new("slow-checks.timeout", "--slow-checks-timeout", "PLIMSOLL_SLOW_CHECKS_TIMEOUT");
        let of = |_, file: &File| file.slow_checks.timeout;
        let timeout = settle.pick_or(&name, flags.slow_checks_timeout, parse_duration, of, TIMEOUT_DEFAULT)?;
        let name = Name::new("slow-checks.timeout-mode", "", "PLIMSOLL_SLOW_CHECKS_TIMEOUT_MODE");
        let of = |_, file: &File| file.slow_checks.timeout_mode;
        let timeout_mode = settle.pick_or(&name, None, parse_timeout_mode, of, TimeoutMode::default())?;
        let cache_ttl = cache_ttl(settle)?;
        let pools = Pools::settle(settle, flags.slow_checks_console)?;
        let name = Name::new(
            "slow-checks.network.allow-hosts",
            "--slow-checks-allow-host",
            "PLIMSOLL_SLOW_CHECKS_NETWORK_ALLOW_HOSTS",
        );
        let allow_hosts = Some(flags.slow_checks_allow_hosts).filter(|hosts| !hosts.is_empty());
        let of = |whose, file: &File| file.slow_checks.network.allow_hosts.clone().filter(|_| whose == Whose::User);
        let allow_hosts = settle.pick_or(&name, allow_hosts, parse_hosts, of, Vec::new())?;
        let tools = settle_tools(settle, flags.slow_checks_tools)?;
        let name = Name::new("offline", "--offline", "PLIMSOLL_OFFLINE");
        let offline = settle.pick_or(&name, flags.offline.then_some(true), parse_bool, |_, _: &File| None, false)?;
        let (registries, tree_registries) = registries(settle)?;
        let lock = LockConfig::settle(settle, flags.lock)?;
        let output = OutputConfig::settle(settle, flags.formats, flags.statistics)?;
        let trust = Trust::settle(settle, flags.trust, flags.trust_workspace)?;
        let name = Name::new("lint.require-reason", "--require-reason", "PLIMSOLL_REQUIRE_REASON");
        let of = |_, file: &File| file.lint.require_reason;
        let flag = flags.require_reason.then_some(true);
        let require_reason = settle.pick_or(&name, flag, parse_bool, of, false)?;
        let name = Name::new("no-inline", "--no-inline", "PLIMSOLL_NO_INLINE");
        let no_inline =
            settle.pick_or(&name, flags.no_inline.then_some(true), parse_bool, |_, _: &File| None, false)?;
        let baseline = baseline(settle, flags.baseline)?;
        let cache_dir = settled_cache_dir(settle, flags.cache_dir);
        show_plugins(settle);
        Ok(Self {
            folder: files.tree.filter(|file| file.origin == FileOrigin::Found).map(|file| file.folder.clone()),
            fail_level,
            target_platforms,
            slow_checks,
            fail_fast,
            timeout,
            timeout_mode,
            pools,
            allow_hosts,
            tools,
            offline,
            cache_dir,
            cache_ttl,
            registries,
            tree_registries,
            lock,
            output,
            trust,
            refused: files.trees().flat_map(|file| refused(file, &pools)).chain(settling.misspelt()).collect(),
            require_reason,
            no_inline,
            baseline,
            settled: settling.settled,
        })
    }
}

/// The platforms to build for: after all of ours, Docker's own variable counts.
fn target_platforms(settling: &mut Settling, flag: Option<Vec<Platform>>) -> Result<Vec<Platform>, ConfigError> {
    const DOCKERS: &str = "DOCKER_DEFAULT_PLATFORM";
    let name = Name::new("lint.target-platform", "--platform", "PLIMSOLL_TARGET_PLATFORM");
    let of = |_, file: &File| file.lint.target_platforms.clone();
    if let Some(platforms) = settling.pick(&name, flag, parse_platforms, of)? {
        return Ok(platforms);
    }
    let of_docker = settling.variable(DOCKERS, parse_platforms)?;
    let origin = if of_docker.is_some() { Origin::Variable(DOCKERS.to_owned()) } else { Origin::Default };
    let platforms = of_docker.unwrap_or_else(|| vec![Platform::host()]);
    settling.settle(name.key, &platforms, origin);
    Ok(platforms)
}

fn settled_cache_dir(settling: &mut Settling, flag: Option<PathBuf>) -> Option<PathBuf> {
    let variable = settling.variables.get(CACHE_DIR).filter(|value| !value.is_empty());
    let origin = match (&flag, variable) {
        (Some(_), _) => Origin::Flag("--cache-dir".to_owned()),
        (None, Some(_)) => Origin::Variable(CACHE_DIR.to_owned()),
        (None, None) => Origin::Default,
    };
    let folder = cache_dir(flag, settling.variables)?;
    settling.settle("cache-dir", &folder, origin);
    Some(folder)
}

/// The file of known findings; one that a file names lies in that file's folder.
fn baseline(settling: &mut Settling, flag: Option<PathBuf>) -> Result<Option<(PathBuf, Option<PathBuf>)>, ConfigError> {
    let name = Name::new("lint.baseline", "--baseline", "PLIMSOLL_BASELINE");
    let of = |_, file: &File| Some(file.folder.join(file.lint.baseline.as_ref()?));
    let path = settling.pick(&name, flag, parse_path, of)?;
    let within = settling.of_files(|_, file| file.lint.baseline.is_some().then(|| file.folder.clone()));
    let is_of_file = matches!(settling.settled.last(), Some(Settled { origin: Origin::File(_), .. }));
    Ok(path.map(|path| (path, within.filter(|_| is_of_file).map(|(folder, _)| folder))))
}

/// The variable that says where the cache is.
const CACHE_DIR: &str = "PLIMSOLL_CACHE_DIR";

/// The folder of the cache: what the flag or `PLIMSOLL_CACHE_DIR` says, else
/// `plimsoll` among the user's caches. A file in the tree has no say: who could
/// put the cache where he wrote it could answer for every registry.
pub fn cache_dir(flag: Option<PathBuf>, variables: &Variables) -> Option<PathBuf> {
    let path = |name: &str| variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // As the XDG specification has it, a relative path there counts as none.
    let xdg = || path("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let caches = || xdg().or_else(|| path("HOME").map(|home| home.join(".cache")));
    flag.or_else(|| path(CACHE_DIR)).or_else(|| caches().map(|caches| caches.join("plimsoll")))
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
fn cache_ttl(settling: &mut Settling) -> Result<Duration, ConfigError> {
    let name = Name::new("slow-checks.cache-ttl", "", "PLIMSOLL_SLOW_CHECKS_CACHE_TTL");
    let of = |whose| move |said, file: &File| file.slow_checks.cache_ttl.filter(|_| said == whose);
    let own = settling.pick_or(&name, None, parse_duration, of(Whose::User), CACHE_TTL_DEFAULT)?;
    let origin = settling.settled.last().map(|settled| settled.origin.clone());
    let is_run_wide = match origin {
        Some(Origin::Variable(_)) => true,
        Some(Origin::File(place)) => place < settling.files.overrides.len(),
        _ => false,
    };
    match settling.of_files(of(Whose::Tree)) {
        Some((tree, origin)) if !is_run_wide && tree < own => {
            settling.settled.pop();
            settling.settle(name.key, &tree, origin);
            Ok(tree)
        }
        _ => Ok(own),
    }
}

/// The user's own file: `plimsoll/plimsoll.toml` in `XDG_CONFIG_HOME`, else in
/// `.config` of the home folder. It need not exist.
pub fn user_file(variables: &Variables) -> Option<PathBuf> {
    let folder = |name: &str| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let configs = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    configs.map(|configs| configs.join("plimsoll").join(FILE_NAME))
}

/// The places, and those of them that the tree's file chose.
fn registries(settling: &mut Settling) -> Result<(RegistriesTable, Vec<PathBuf>), ConfigError> {
    let mut of_tree = Vec::new();
    let mut settle = |key, variable, path: fn(&RegistriesTable) -> &Option<PathBuf>| {
        let name = Name::new(key, "", variable);
        let place = |file: &File| path(&file.registries).as_ref().map(|path| file.folder.join(path));
        // Other than elsewhere the user's own goes first: it may block registries.
        let of_user = |whose, file: &File| place(file).filter(|_| whose == Whose::User);
        if let Some(path) = settling.pick(&name, None, parse_path, of_user)? {
            return Ok(Some(path));
        }
        let found = settling.of_files(|_, file| place(file));
        if let Some((path, origin)) = &found {
            settling.settle(key, path, origin.clone());
            of_tree.push(path.clone());
        }
        Ok::<_, ConfigError>(found.map(|(path, _)| path))
    };
    let table = RegistriesTable {
        config: settle("registries.config", "PLIMSOLL_REGISTRIES_CONFIG", |table| &table.config)?,
        drop_ins: settle("registries.drop-ins", "PLIMSOLL_REGISTRIES_DROP_INS", |table| &table.drop_ins)?,
        credentials: settle("registries.credentials", "PLIMSOLL_REGISTRIES_CREDENTIALS", |table| &table.credentials)?,
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
