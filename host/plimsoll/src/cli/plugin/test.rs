//! `plimsoll plugin test`.
//!
//! Input: a plugin's folder. Output: a line for each rule, and what is wrong with its page.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use plimsoll_registry::ClientConfig;

use super::super::{CLEAN, FOUND, end_on_interrupt, lint, print, variables};
use super::tried::{Ready, Tried};
use crate::config::{self, Config, Flags, Tool};
use crate::pages::{Complaint, Recorder, Renewal, Tested, Wanted, test};
use crate::report::printable;
use crate::resolve::{Console, Registry, World};

/// Hold the rules of a plugin against their pages
///
/// Each dockerfile block of rules/RULE.md is a case: what the rule finds there must be what the findings block behind it says, with the answers
/// of its facts block, again and again, whatever was linted before.
///
/// Exit status: 0 all is as the pages say, 1 something is not, 2 the plugin cannot be tested.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin test                   build the plugin of this folder, and test it
  plimsoll plugin test --bless           write what the rules find into their pages
  plimsoll plugin test --record --bless  and first ask the world what the pages do not answer")]
pub(super) struct Arguments {
    #[command(flatten)]
    plugin: Tried,
    /// Write what the rules find into their pages
    #[arg(long)]
    bless: bool,
    /// Ask the world, and write its answers into the facts of the pages: those that are missing, or all
    #[arg(long, value_enum, value_name = "WHICH", num_args = 0..=1, require_equals = true, default_missing_value = "missing")]
    record: Option<Which>,
    /// With --record, whether rules may have tools of this machine run: on, off [default: off]
    #[arg(long, value_name = "SWITCH", value_parser = config::parse_bool)]
    slow_checks_console: Option<bool>,
    /// With --record, program that rules may have run by a name
    #[arg(long = "slow-checks-tool", value_name = "NAME=PROGRAM", value_parser = config::parse_tool)]
    slow_checks_tools: Vec<Tool>,
    /// With --record, host that rules may ask although it is this machine or in its network
    #[arg(long = "slow-checks-allow-host", value_name = "HOST[:PORT]", value_parser = config::parse_host)]
    slow_checks_allow_hosts: Vec<String>,
    /// With --record, time that the questions of one case may take together [default: 20s]
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
    slow_checks_timeout: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Missing,
    All,
}

impl Arguments {
    /// Those of a folder, all else as by default.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            plugin: Tried::of(folder),
            bless: false,
            record: None,
            slow_checks_console: None,
            slow_checks_tools: Vec::new(),
            slow_checks_allow_hosts: Vec::new(),
            slow_checks_timeout: None,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let flags = Flags {
        slow_checks_console: arguments.slow_checks_console,
        slow_checks_tools: arguments.slow_checks_tools.clone(),
        slow_checks_allow_hosts: arguments.slow_checks_allow_hosts.clone(),
        slow_checks_timeout: arguments.slow_checks_timeout,
        ..Flags::default()
    };
    let config = arguments.plugin.settle(flags, &variables())?;
    let recorder = arguments.record.map(|which| recorder(which, &config)).transpose()?;
    let wanted = Wanted { cases_min: 1, is_blessed: arguments.bless, recorder };
    let Ready { plugins, pages } = arguments.plugin.load(&config)?;
    let shown = || format!("{}", pages.display());
    let (tested, strays) = test(&plugins, 0, &pages, &wanted).with_context(shown)?;
    print(&text(&tested, &strays))?;
    let is_clean = strays.is_empty() && tested.iter().all(|rule| rule.complaints.is_empty());
    Ok(if is_clean { CLEAN } else { FOUND })
}

/// Who asks the world, as the user configured it.
fn recorder(which: Which, config: &Config) -> anyhow::Result<Recorder> {
    ensure!(!config.offline, "--record asks the world, and the configuration says to stay offline");
    end_on_interrupt()?;
    let registry = Arc::new(Registry::new(ClientConfig::new(lint::environment(config))));
    let world = World::new(registry, config.allow_hosts.iter().cloned());
    let may_run_tools = config.pools.console.enabled;
    let console = if may_run_tools { Console::new(config.tools.clone()) } else { Console::default() };
    let renewal = match which {
        Which::Missing => Renewal::Missing,
        Which::All => Renewal::All,
    };
    Ok(Recorder { live: Arc::new(World { console, ..world }), renewal, may_run_tools, timeout: config.timeout })
}

fn text(tested: &[Tested], strays: &[Complaint]) -> String {
    let width = tested.iter().map(|rule| rule.rule.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Tested { rule, cases, is_rewritten, complaints, .. } in tested {
        let cases = format!("{cases} case{}", if *cases == 1 { "" } else { "s" });
        let outcome = match (complaints.len(), is_rewritten) {
            (0, false) => "ok".to_owned(),
            (0, true) => "ok, page rewritten".to_owned(),
            (wrong, false) => format!("{wrong} wrong"),
            (wrong, true) => format!("{wrong} wrong, page rewritten"),
        };
        let _ = writeln!(text, "{rule:width$}  {cases:9}  {outcome}");
    }
    for complaint in tested.iter().flat_map(|rule| &rule.complaints).chain(strays) {
        text.push('\n');
        for line in complaint.to_string().lines() {
            let _ = writeln!(text, "{}", printable(line));
        }
    }
    text
}
