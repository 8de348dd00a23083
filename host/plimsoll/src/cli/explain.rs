//! `plimsoll explain`.

use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;

use super::known::{self, Named};
use super::{CLEAN, print};
use crate::config::similar;
use crate::lint::own_rules;
use crate::plugin::Rule;
use crate::report::printable;

/// Show the page of a rule
#[derive(Args)]
#[command(after_help = "Example: plimsoll explain buildkit/UndefinedVar")]
pub(super) struct Arguments {
    /// The rule, with or without its pack
    rule: String,
    #[command(flatten)]
    named: Named,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let (_host, plugins) = known::plugins(&arguments.named)?;
    let rules: Vec<&Rule> = plugins.iter().flat_map(|plugin| &plugin.rules).chain(own_rules()).collect();
    let asked = arguments.rule.as_str();
    let is_asked = |name: &str| name.eq_ignore_ascii_case(asked);
    let Some(rule) = rules
        .iter()
        .find(|rule| is_asked(&rule.name) || rule.name.split_once('/').is_some_and(|(_, name)| is_asked(name)))
    else {
        let names = rules.iter().flat_map(|rule| [&*rule.name, rule.name.split_once('/').map_or("", |(_, name)| name)]);
        match similar(asked, names) {
            Some(name) => bail!("there is no rule {asked}; did you mean {name}?"),
            None => bail!("there is no rule {asked}; `plimsoll rules` lists them"),
        }
    };
    // Cases are there for the tests.
    let page = rule.documentation.split("\n## Cases").next().unwrap_or_default();
    let mut text = page.trim_end().lines().map(printable).collect::<Vec<_>>().join("\n");
    let _ = write!(text, "\n\nRule: {}\nSeverity: {}\n", rule.name, rule.severity);
    if let Some(url) = &rule.url {
        let _ = writeln!(text, "Page: {}", printable(url));
    }
    print(&text)?;
    Ok(CLEAN)
}
