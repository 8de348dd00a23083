//! `plimsoll rules`.

use std::fmt::Write as _;

use clap::Args;

use super::{CLEAN, bundled, print};

/// List the rules, their severities and what they ask of a Dockerfile
#[derive(Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> anyhow::Result<u8> {
    let (_host, plugins) = bundled(None)?;
    let rules: Vec<_> = plugins.iter().flat_map(|plugin| &plugin.rules).collect();
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in rules {
        // One that runs only where it is asked for is off until then.
        let severity = if rule.is_opt_in { "off" } else { rule.severity.name() };
        let _ = writeln!(text, "{:width$}  {severity:7}  {}", rule.name, rule.summary);
    }
    print(&text)?;
    Ok(CLEAN)
}
