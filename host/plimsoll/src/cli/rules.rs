//! `plimsoll rules`.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::known::{self, Named};
use super::{CLEAN, Format, print};
use crate::lint::all_rules;
use crate::plugin::{Plugin, Rule};
use crate::report::printable;

/// The version of the list as JSON: keys may be added, never changed.
const VERSION: u32 = 1;

/// List the rules, their severities and what they ask of a Dockerfile
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll rules
  plimsoll rules --format json             all there is to know of each: options, fixes, capabilities, pages
  plimsoll rules --plugin acme.wasm        with the rules of a component")]
pub(super) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What there is to say of a rule.
#[derive(Serialize)]
pub(super) struct DescribedRule<'p> {
    pub(super) name: &'p str,
    severity: &'static str,
    pub(super) opt_in: bool,
    about: &'static str,
    fixable: bool,
    pub(super) summary: &'p str,
    url: Option<&'p str>,
    /// JSON Schema; null where the rule takes no options.
    pub(super) options: Option<serde_json::Value>,
    #[serde(skip)]
    pub(super) shown_severity: &'static str,
}

impl<'p> DescribedRule<'p> {
    pub(super) fn of(rule: &'p Rule) -> Self {
        Self {
            name: &rule.name,
            severity: rule.severity.name(),
            opt_in: rule.is_opt_in,
            about: if rule.is_about_lock { "lock" } else { "dockerfile" },
            fixable: rule.is_fixable,
            summary: &rule.summary,
            url: rule.url.as_deref(),
            options: options(&rule.options_schema),
            shown_severity: rule.shown_severity(),
        }
    }
}

/// The schema; one that is no JSON as the text it is.
fn options(schema: &str) -> Option<serde_json::Value> {
    (!schema.is_empty()).then(|| serde_json::from_str(schema).unwrap_or_else(|_| schema.into()))
}

/// A rule with what holds for its plugin.
#[derive(Serialize)]
struct Listed<'p> {
    #[serde(flatten)]
    rule: DescribedRule<'p>,
    plugin: &'p str,
    plugin_version: &'p str,
    capabilities: &'p [&'static str],
}

#[derive(Serialize)]
struct List<'p> {
    version: u32,
    rules: Vec<Listed<'p>>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let (_host, plugins) = known::plugins(&arguments.named)?;
    match arguments.format {
        Format::Text => print(&text(&plugins))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string(&list(&plugins))?))?,
    }
    Ok(CLEAN)
}

/// A line a rule.
pub(super) fn text(plugins: &[Plugin]) -> String {
    let width = all_rules(plugins).map(|(_, rule)| rule.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (plugin, rule) in all_rules(plugins) {
        let waits = rule.is_opt_in && plugin.is_some_and(Plugin::needs_tools);
        let why = if waits { format!(" (off but {})", known::asked_for(plugin)) } else { String::new() };
        let _ = writeln!(text, "{:width$}  {:7}  {}{why}", rule.name, rule.shown_severity(), printable(&rule.summary));
    }
    text
}

fn list(plugins: &[Plugin]) -> List<'_> {
    let rules = all_rules(plugins).map(|(plugin, rule)| Listed {
        rule: DescribedRule::of(rule),
        plugin: plugin.map_or(env!("CARGO_PKG_NAME"), |plugin| &plugin.name),
        plugin_version: plugin.map_or(env!("CARGO_PKG_VERSION"), |plugin| &plugin.version),
        capabilities: plugin.map_or(&[], |plugin| &plugin.capabilities),
    });
    List { version: VERSION, rules: rules.collect() }
}
