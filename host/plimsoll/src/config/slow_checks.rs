//! How slow checks run: `[slow-checks]` and its pools.
//!
//! Input: the tables of `plimsoll.toml` and variables `PLIMSOLL_SLOW_CHECKS_…`.
//! Output: settled [`Pools`]. Invariant: a file in the linted tree can switch
//! every pool off, and the console never on.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::file::{duration, mode, parsed};
use super::value::{parse_bool, parse_concurrency, parse_duration, parse_host, parse_timeout_mode};
use super::{ConfigError, Files, Mode, Variables, or_variable};
use crate::limits::{CONCURRENCY_MAX, HOST_CONCURRENCY, NETWORK_CONCURRENCY};
use crate::question::Question;

/// Questions of one kind, which wait for the same turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pool {
    /// What other machines answer.
    Network,
    /// What the files of a build context answer.
    Context,
    /// What tools on this machine answer.
    Console,
}

/// How one pool runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Whether its questions are asked at all.
    pub enabled: bool,
    /// How many are in flight at once.
    pub concurrency: usize,
    /// How long one of them may take, where that is less than the session's budget.
    pub timeout: Option<Duration>,
}

/// How all pools run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pools {
    /// [`Pool::Network`].
    pub network: PoolSettings,
    /// How many questions are in flight at once for one host.
    pub host_concurrency: usize,
    /// [`Pool::Context`].
    pub context: PoolSettings,
    /// [`Pool::Console`].
    pub console: PoolSettings,
}

/// What budgets count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeoutMode {
    /// Everything from the first question on: the session ends in time.
    #[default]
    IncludeQueue,
    /// The answering alone: each question has the whole budget once it is its turn.
    ExecutionOnly,
}

/// `[slow-checks]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SlowChecksTable {
    /// When they run.
    #[serde(deserialize_with = "mode")]
    pub mode: Option<Mode>,
    /// Whether a file with errors asks nothing.
    pub fail_fast: Option<bool>,
    /// The wall-clock budget of all of them together.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// What budgets count.
    #[serde(deserialize_with = "timeout_mode")]
    pub timeout_mode: Option<TimeoutMode>,
    /// How long an answer is known that may change.
    #[serde(deserialize_with = "duration")]
    pub cache_ttl: Option<Duration>,
    /// `[slow-checks.network]`.
    pub network: NetworkTable,
    /// `[slow-checks.context]`.
    pub context: PoolTable,
    /// `[slow-checks.console]`.
    pub console: PoolTable,
}

/// `[slow-checks.POOL]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PoolTable {
    /// Whether its questions are asked at all.
    pub enabled: Option<bool>,
    /// How many are in flight at once.
    #[serde(deserialize_with = "concurrency")]
    pub concurrency: Option<usize>,
    /// How long one of them may take.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
}

/// `[slow-checks.network]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct NetworkTable {
    /// Whether its questions are asked at all.
    pub enabled: Option<bool>,
    /// How many are in flight at once.
    #[serde(deserialize_with = "concurrency")]
    pub concurrency: Option<usize>,
    /// How many are in flight at once for one host.
    #[serde(deserialize_with = "concurrency")]
    pub host_concurrency: Option<usize>,
    /// How long one of them may take.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// `host` or `host:port` that may be this machine or in its network. It counts in
    /// the user's own file only.
    #[serde(deserialize_with = "hosts")]
    pub allow_hosts: Option<Vec<String>>,
}

impl NetworkTable {
    fn pool(&self) -> PoolTable {
        PoolTable { enabled: self.enabled, concurrency: self.concurrency, timeout: self.timeout }
    }
}

impl PoolTable {
    /// These values, else those.
    fn or(self, other: Self) -> Self {
        Self {
            enabled: self.enabled.or(other.enabled),
            concurrency: self.concurrency.or(other.concurrency),
            timeout: self.timeout.or(other.timeout),
        }
    }
}

impl Pool {
    /// The pool a question waits in. What is not known to stay on this machine counts as network.
    pub fn of(question: &Question) -> Self {
        Self::of_resolver(question.resolver())
    }

    fn of_resolver(resolver: &str) -> Self {
        match resolver {
            "context" => Self::Context,
            "console" => Self::Console,
            _ => Self::Network,
        }
    }

    /// The name in configuration and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Context => "context",
            Self::Console => "console",
        }
    }

    /// What is said of its questions while it is switched off.
    pub fn how_to_enable(self) -> &'static str {
        match self {
            Self::Network => "the network is switched off; see enabled under [slow-checks.network]",
            Self::Context => "the build context is switched off; see enabled under [slow-checks.context]",
            Self::Console => "tools run only with --slow-checks-console=on",
        }
    }
}

impl Default for Pools {
    fn default() -> Self {
        let pool = |enabled, concurrency| PoolSettings { enabled, concurrency, timeout: None };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            network: pool(true, NETWORK_CONCURRENCY),
            host_concurrency: HOST_CONCURRENCY,
            context: pool(true, cores.min(CONCURRENCY_MAX)),
            console: pool(false, 1),
        }
    }
}

impl Pools {
    /// The settings of one pool.
    pub fn of(&self, pool: Pool) -> &PoolSettings {
        match pool {
            Pool::Network => &self.network,
            Pool::Context => &self.context,
            Pool::Console => &self.console,
        }
    }

    /// Settles all pools; `console` is what the flag said.
    pub(super) fn settle(console: Option<bool>, variables: &Variables, files: Files) -> Result<Self, ConfigError> {
        let table = |pool: fn(&SlowChecksTable) -> PoolTable| {
            let of = |file: Option<&super::File>| file.map(|file| pool(&file.slow_checks)).unwrap_or_default();
            (of(files.tree), of(files.user))
        };
        let defaults = Self::default();
        let settle = |pool, flag, (tree, user): (PoolTable, PoolTable), default| {
            settle(pool, flag, variables, tree.or(user), default)
        };
        let (mut tree_console, user_console) = table(|table| table.console);
        // Whether tools run is for the user to say, never for a file in the tree.
        tree_console.enabled = tree_console.enabled.filter(|enabled| !enabled);
        let name = "PLIMSOLL_SLOW_CHECKS_NETWORK_HOST_CONCURRENCY";
        Ok(Self {
            network: settle(Pool::Network, None, table(|table| table.network.pool()), defaults.network)?,
            host_concurrency: or_variable(None, variables, name, parse_concurrency)?
                .or(files.first(|file| file.slow_checks.network.host_concurrency))
                .unwrap_or(defaults.host_concurrency),
            context: settle(Pool::Context, None, table(|table| table.context), defaults.context)?,
            console: settle(Pool::Console, console, (tree_console, user_console), defaults.console)?,
        })
    }
}

fn settle(
    pool: Pool,
    flag: Option<bool>,
    variables: &Variables,
    table: PoolTable,
    default: PoolSettings,
) -> Result<PoolSettings, ConfigError> {
    let name = format!("PLIMSOLL_SLOW_CHECKS_{}", pool.name().to_uppercase());
    Ok(PoolSettings {
        enabled: or_variable(flag, variables, &name, parse_bool)?.or(table.enabled).unwrap_or(default.enabled),
        concurrency: or_variable(None, variables, &format!("{name}_CONCURRENCY"), parse_concurrency)?
            .or(table.concurrency)
            .unwrap_or(default.concurrency),
        timeout: or_variable(None, variables, &format!("{name}_TIMEOUT"), parse_duration)?
            .or(table.timeout)
            .or(default.timeout),
    })
}

fn timeout_mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeoutMode>, D::Error> {
    parsed(deserializer, parse_timeout_mode)
}

fn concurrency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let number = i64::deserialize(deserializer)?;
    parse_concurrency(&number.to_string()).map(Some).map_err(serde::de::Error::custom)
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let hosts = Vec::<String>::deserialize(deserializer)?;
    hosts.iter().map(|host| parse_host(host)).collect::<Result<_, _>>().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::*;

    fn settled(console: Option<bool>, variables: &[(&str, &str)], toml: &str) -> Result<Pools, String> {
        both(console, variables, toml, "")
    }

    fn both(console: Option<bool>, variables: &[(&str, &str)], tree: &str, user: &str) -> Result<Pools, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let file = |toml: &str| {
            let slow_checks = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
            Ok::<_, String>(File { slow_checks, ..File::default() })
        };
        let (tree, user) = (file(tree)?, file(user)?);
        let files = Files { tree: Some(&tree), user: Some(&user) };
        Pools::settle(console, &variables, files).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_go_before_the_file() {
        let toml = "[network]\nconcurrency = 2\nhost-concurrency = 1\ntimeout = \"3s\"\n[context]\nenabled = false\n";
        let pools = settled(None, &[], toml).unwrap();
        assert_eq!((pools.network.concurrency, pools.host_concurrency), (2, 1));
        assert_eq!(pools.network.timeout, Some(Duration::from_secs(3)));
        assert!(pools.network.enabled && !pools.context.enabled);

        let prefix = "PLIMSOLL_SLOW_CHECKS";
        let variable = |name: &str| format!("{prefix}_{name}");
        let names = ["NETWORK", "NETWORK_CONCURRENCY", "NETWORK_HOST_CONCURRENCY", "NETWORK_TIMEOUT", "CONTEXT"];
        let values = ["off", "5", "3", "70ms", "on"];
        let names = names.map(variable);
        let pairs: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
        let pools = settled(None, &pairs, toml).unwrap();
        assert_eq!((pools.network.concurrency, pools.host_concurrency), (5, 3));
        assert_eq!(pools.network.timeout, Some(Duration::from_millis(70)));
        assert!(!pools.network.enabled && pools.context.enabled);
    }

    #[test]
    fn no_file_switches_the_console_on() {
        let wanted = "[console]\nenabled = true\nconcurrency = 2\n";
        let console = |flag, variables: &[(&str, &str)], toml| settled(flag, variables, toml).unwrap().console;
        assert!(!console(None, &[], wanted).enabled);
        assert_eq!(console(None, &[], wanted).concurrency, 2);
        assert!(console(Some(true), &[], "").enabled);
        assert!(console(None, &[("PLIMSOLL_SLOW_CHECKS_CONSOLE", "on")], "").enabled);
        assert!(!console(Some(false), &[("PLIMSOLL_SLOW_CHECKS_CONSOLE", "on")], wanted).enabled);
        assert!(console(Some(true), &[], "[console]\nenabled = false\n").enabled, "flags go before the file");
    }

    #[test]
    fn the_users_own_file_comes_after_the_trees() {
        let user = "[console]\nenabled = true\nconcurrency = 3\n[network]\nhost-concurrency = 7\ntimeout = \"1s\"\n";
        let pools = both(None, &[], "[network]\ntimeout = \"2s\"\n", user).unwrap();
        assert!(pools.console.enabled, "whose tools run is for the user to say");
        assert_eq!((pools.console.concurrency, pools.host_concurrency), (3, 7));
        assert_eq!(pools.network.timeout, Some(Duration::from_secs(2)));
        assert!(!both(None, &[], "[console]\nenabled = false\n", user).unwrap().console.enabled);
    }

    #[test]
    fn numbers_are_bounded() {
        for toml in ["[network]\nconcurrency = 0", "[context]\nconcurrency = 65", "[console]\nconcurrency = -1"] {
            assert!(settled(None, &[], toml).unwrap_err().contains("is not a number from 1 to 64"), "{toml}");
        }
        let error = settled(None, &[("PLIMSOLL_SLOW_CHECKS_CONTEXT_CONCURRENCY", "many")], "").unwrap_err();
        assert!(error.starts_with("environment variable PLIMSOLL_SLOW_CHECKS_CONTEXT_CONCURRENCY: "), "{error}");
    }

    #[test]
    fn every_question_has_its_pool() {
        let pools = ["registry", "http", "git", "context", "console"].map(Pool::of_resolver);
        assert_eq!(pools, [Pool::Network, Pool::Network, Pool::Network, Pool::Context, Pool::Console]);
    }
}
