//! `plimsoll rules`.

use std::fmt::Write as _;

use clap::Args;

use super::known::{self, Named};
use super::{CLEAN, print};
use crate::lint::own_rules;
use crate::report::printable;

/// List the rules, their severities and what they ask of a Dockerfile
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    named: Named,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let (_host, plugins) = known::plugins(&arguments.named)?;
    let rules: Vec<_> = plugins.iter().flat_map(|plugin| &plugin.rules).chain(own_rules()).collect();
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in rules {
        // One that runs only where it is asked for is off until then.
        let severity = if rule.is_opt_in { "off" } else { rule.severity.name() };
        let _ = writeln!(text, "{:width$}  {severity:7}  {}", rule.name, printable(&rule.summary));
    }
    print(&text)?;
    Ok(CLEAN)
}
