//! How slow checks run: `[slow-checks]` and its pools.
//!
//! Input: the tables of `plimsoll.toml` and variables `PLIMSOLL_SLOW_CHECKS_…`.
//! Output: settled [`Pools`]. Invariant: a file in the linted tree can switch
//! every pool off, and the console never on.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::file::{duration, mode, parsed};
use super::settle::{Name, Origin, Settling};
use super::value::{
    Tool, check_tool, parse_bool, parse_concurrency, parse_duration, parse_host, parse_timeout_mode, parse_tools,
};
use super::{ConfigError, File, Mode, Whose, schema};
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

impl TimeoutMode {
    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::IncludeQueue => "include-queue",
            Self::ExecutionOnly => "execution-only",
        }
    }
}

/// `[slow-checks]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SlowChecksTable {
    /// When they run.
    #[serde(deserialize_with = "mode")]
    #[schemars(with = "schema::ModeText")]
    pub mode: Option<Mode>,
    /// Whether a file with errors asks nothing.
    pub fail_fast: Option<bool>,
    /// The wall-clock budget of all of them together.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "schema::DurationText")]
    pub timeout: Option<Duration>,
    /// What budgets count.
    #[serde(deserialize_with = "timeout_mode")]
    #[schemars(with = "schema::TimeoutModeText")]
    pub timeout_mode: Option<TimeoutMode>,
    /// How long an answer is known that may change.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "schema::DurationText")]
    pub cache_ttl: Option<Duration>,
    /// `[slow-checks.network]`.
    pub network: NetworkTable,
    /// `[slow-checks.context]`.
    pub context: PoolTable,
    /// `[slow-checks.console]`.
    pub console: ConsoleTable,
}

/// `[slow-checks.POOL]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PoolTable {
    /// Whether its questions are asked at all.
    pub enabled: Option<bool>,
    /// How many are in flight at once.
    #[serde(deserialize_with = "concurrency")]
    #[schemars(with = "schema::ConcurrencyNumber")]
    pub concurrency: Option<usize>,
    /// How long one of them may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "schema::DurationText")]
    pub timeout: Option<Duration>,
}

/// `[slow-checks.network]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct NetworkTable {
    /// Whether its questions are asked at all.
    pub enabled: Option<bool>,
    /// How many are in flight at once.
    #[serde(deserialize_with = "concurrency")]
    #[schemars(with = "schema::ConcurrencyNumber")]
    pub concurrency: Option<usize>,
    /// How many are in flight at once for one host.
    #[serde(deserialize_with = "concurrency")]
    #[schemars(with = "schema::ConcurrencyNumber")]
    pub host_concurrency: Option<usize>,
    /// How long one of them may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "schema::DurationText")]
    pub timeout: Option<Duration>,
    /// `host` or `host:port` that may be this machine or in its network. It counts in
    /// the user's own file only.
    #[serde(deserialize_with = "hosts")]
    #[schemars(with = "Vec<String>")]
    pub allow_hosts: Option<Vec<String>>,
}

/// `[slow-checks.console]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ConsoleTable {
    /// Whether its questions are asked at all. A file in the tree can only say no.
    pub enabled: Option<bool>,
    /// How many are in flight at once.
    #[serde(deserialize_with = "concurrency")]
    #[schemars(with = "schema::ConcurrencyNumber")]
    pub concurrency: Option<usize>,
    /// How long one of them may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "schema::DurationText")]
    pub timeout: Option<Duration>,
    /// The programs that rules may have run, by the names they have for rules. It
    /// counts in the user's own file only.
    #[serde(deserialize_with = "tools")]
    #[schemars(with = "BTreeMap<schema::ToolName, schema::OneOrMore<String>>")]
    pub tools: Option<Tools>,
}

/// Programs with their first arguments, by name.
pub type Tools = BTreeMap<String, Vec<String>>;

impl ConsoleTable {
    fn pool(&self) -> PoolTable {
        PoolTable { enabled: self.enabled, concurrency: self.concurrency, timeout: self.timeout }
    }
}

impl NetworkTable {
    fn pool(&self) -> PoolTable {
        PoolTable { enabled: self.enabled, concurrency: self.concurrency, timeout: self.timeout }
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
    pub(super) fn settle(settling: &mut Settling, console: Option<bool>) -> Result<Self, ConfigError> {
        let defaults = Self::default();
        let network = settle(settling, Pool::Network, None, |file| file.network.pool(), defaults.network)?;
        let name =
            Name::new("slow-checks.network.host-concurrency", "", "PLIMSOLL_SLOW_CHECKS_NETWORK_HOST_CONCURRENCY");
        let of = |_, file: &File| file.slow_checks.network.host_concurrency;
        let host_concurrency = settling.pick_or(&name, None, parse_concurrency, of, defaults.host_concurrency)?;
        let context = settle(settling, Pool::Context, None, |file| file.context, defaults.context)?;
        let console = settle(settling, Pool::Console, console, |file| file.console.pool(), defaults.console)?;
        Ok(Self { network, host_concurrency, context, console })
    }
}

fn settle(
    settling: &mut Settling,
    pool: Pool,
    flag: Option<bool>,
    table: fn(&SlowChecksTable) -> PoolTable,
    default: PoolSettings,
) -> Result<PoolSettings, ConfigError> {
    let variable = format!("PLIMSOLL_SLOW_CHECKS_{}", pool.name().to_uppercase());
    let key = |name: &str| format!("slow-checks.{}.{name}", pool.name());
    // Whether tools run is for the user to say, never for a file in the tree.
    let may_say = |whose, enabled: &bool| !enabled || pool != Pool::Console || whose == Whose::User;
    let enabled = |whose, file: &File| table(&file.slow_checks).enabled.filter(|enabled| may_say(whose, enabled));
    let concurrency = |_, file: &File| table(&file.slow_checks).concurrency;
    let timeout = |_, file: &File| table(&file.slow_checks).timeout;
    let (of_concurrency, of_timeout) = (format!("{variable}_CONCURRENCY"), format!("{variable}_TIMEOUT"));
    Ok(PoolSettings {
        enabled: settling.pick_or(
            &Name::new(&key("enabled"), "--slow-checks-console", &variable),
            flag,
            parse_bool,
            enabled,
            default.enabled,
        )?,
        concurrency: settling.pick_or(
            &Name::new(&key("concurrency"), "", &of_concurrency),
            None,
            parse_concurrency,
            concurrency,
            default.concurrency,
        )?,
        timeout: settling
            .pick(&Name::new(&key("timeout"), "", &of_timeout), None, parse_duration, timeout)?
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

/// The tools that rules may have run: of equal names that of the flags, then of what the user says elsewhere, the
/// nearest first.
pub(super) fn settle_tools(settling: &mut Settling, flags: Vec<Tool>) -> Result<Tools, ConfigError> {
    const KEY: &str = "slow-checks.console.tools";
    const VARIABLE: &str = "PLIMSOLL_SLOW_CHECKS_CONSOLE_TOOLS";
    let mut tools: Tools = TOOLS.into_iter().map(|name| (name.to_owned(), vec![name.to_owned()])).collect();
    let (files, is_flag) = (settling.files, !flags.is_empty());
    let of = |file: &File| file.slow_checks.console.tools.clone().into_iter().flatten();
    let own: Vec<&File> = files.users().skip(files.overrides.len()).collect();
    tools.extend(own.into_iter().rev().flat_map(of));
    let named = settling.variable(VARIABLE, parse_tools)?;
    let is_variable = named.is_some();
    let with_program = |(name, program): Tool| (name, vec![program]);
    tools.extend(named.into_iter().flatten().map(with_program));
    tools.extend(files.overrides.iter().rev().flat_map(of));
    tools.extend(flags.into_iter().map(with_program));
    let of_users =
        |whose, file: &File| file.slow_checks.console.tools.as_ref().filter(|_| whose == Whose::User).map(drop);
    let origin = match settling.of_files(of_users) {
        _ if is_flag => Origin::Flag("--slow-checks-tool".to_owned()),
        Some((_, Origin::File(place))) if place < files.overrides.len() => Origin::File(place),
        _ if is_variable => Origin::Variable(VARIABLE.to_owned()),
        found => found.map_or(Origin::Default, |(_, origin)| origin),
    };
    settling.settle(KEY, &tools, origin);
    Ok(tools)
}

/// Tools that need no configuration: they are looked for on the PATH.
const TOOLS: [&str; 1] = ["shellcheck"];

fn tools<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tools>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a program such as \"/usr/bin/shellcheck\", or a list of it and its first arguments"
    )]
    enum Words {
        Program(String),
        List(Vec<String>),
    }
    let tools = BTreeMap::<String, Words>::deserialize(deserializer)?.into_iter().map(|(name, words)| {
        let words = match words {
            Words::Program(program) => vec![program],
            Words::List(words) => words,
        };
        let program = words.first().map_or("", String::as_str);
        check_tool(&name, program).map_err(serde::de::Error::custom)?;
        Ok((name, words))
    });
    tools.collect::<Result<_, _>>().map(Some)
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let hosts = Vec::<String>::deserialize(deserializer)?;
    hosts.iter().map(|host| parse_host(host)).collect::<Result<_, _>>().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::super::Files;
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
        let files = Files { tree: Some(&tree), user: Some(&user), ..Files::default() };
        Pools::settle(&mut Settling::new(&variables, files), console).map_err(|error| error.to_string())
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
    fn only_the_user_names_tools() {
        let file = |toml: &str| File { slow_checks: toml::from_str(toml).unwrap(), ..File::default() };
        let tree = file("[console.tools]\nshellcheck = \"/tree/evil\"\nother = \"evil\"\n");
        let user =
            file("[console.tools]\nshellcheck = [\"/opt/sc\", \"-x\"]\na = \"/bin/a\"\nb = \"/bin/b\"\nc = \"c\"\n");
        let settled = |flags: &[(&str, &str)], variable: &str, user: Option<&File>| {
            let flags = flags.iter().map(|(name, program)| ((*name).to_owned(), (*program).to_owned())).collect();
            let variables = [("PLIMSOLL_SLOW_CHECKS_CONSOLE_TOOLS".to_owned(), variable.to_owned())].into();
            let tools = settle_tools(
                &mut Settling::new(&variables, Files { tree: Some(&tree), user, ..Files::default() }),
                flags,
            );
            let shown =
                tools.map(|tools| tools.iter().map(|(name, words)| format!("{name}={}", words.join(" "))).collect());
            shown.map_err(|error: ConfigError| error.to_string())
        };
        let check = |got: Result<Vec<String>, String>, expect: &[&str]| assert_eq!(got.unwrap(), expect);
        check(settled(&[], "", None), &["shellcheck=shellcheck"]);
        check(
            settled(&[("a", "/flag")], "a=/variable, b=/variable", Some(&user)),
            &["a=/flag", "b=/variable", "c=c", "shellcheck=/opt/sc -x"],
        );
        for (odd, expect) in [("a", "write NAME=PROGRAM"), ("a b=c", "no name of a tool"), ("a=./b", "absolute path")] {
            let error = settled(&[], odd, None).unwrap_err();
            assert!(error.contains(expect), "{error}");
        }
        for odd in ["a = \"b/c\"", "a = []", "a = [\"\"]", "\"a/b\" = \"c\"", "a = 1"] {
            assert!(toml::from_str::<SlowChecksTable>(&format!("[console.tools]\n{odd}\n")).is_err(), "{odd}");
        }
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
