//! `plimsoll explain`: the pages of rules, of capabilities, and of the reasons why checks are skipped.

use std::fmt::Write as _;
use std::iter::once;

use anyhow::bail;
use clap::Args;

use super::known::{self, Named};
use super::{CLEAN, print, rules};
use crate::config::similar;
use crate::lint::{all_rules, rule_of_hadolint};
use crate::plugin::contract::CAPABILITIES;
use crate::plugin::{Plugin, Rule, described_options};
use crate::question::SkipReason;
use crate::report::printable;

/// What rules may ask of the world, a section a capability.
const OF_CAPABILITIES: &str = include_str!("../../../../docs/capabilities.md");
/// Why a question has no answer, a section a reason.
const OF_REASONS: &str = include_str!("../../../../docs/skip-reasons.md");

/// Show the page of a rule, of a capability of plugins, or of a reason why checks are skipped
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll explain                         what there is to explain
  plimsoll explain buildkit/UndefinedVar   a rule, with or without its pack
  plimsoll explain registry                what a capability lets rules ask
  plimsoll explain fail-fast               why checks were skipped, and what to do")]
pub(super) struct Arguments {
    /// A rule, with or without its pack; a capability; a reason [default: all that there are]
    #[arg(value_name = "RULE|CAPABILITY|REASON")]
    asked: Option<String>,
    #[command(flatten)]
    named: Named,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let (_host, plugins) = known::plugins(&arguments.named)?;
    let text = match &arguments.asked {
        Some(asked) => explained(asked, &plugins)?,
        None => overview(&plugins),
    };
    print(&text)?;
    Ok(CLEAN)
}

/// The page of what is asked for.
fn explained(asked: &str, plugins: &[Plugin]) -> anyhow::Result<String> {
    let is_asked = |name: &str| name.eq_ignore_ascii_case(asked);
    let rules = || all_rules(plugins);
    if let Some((plugin, rule)) = rules().find(|(_, rule)| names(rule).any(is_asked)) {
        return Ok(of_rule(plugin, rule));
    }
    for (document, known) in [(OF_CAPABILITIES, CAPABILITIES.to_vec()), (OF_REASONS, reasons())] {
        if let Some((name, body)) =
            known.into_iter().find(|name| is_asked(name)).and_then(|name| section(document, name))
        {
            return Ok(format!("# {name}\n\n{body}\n"));
        }
    }
    let known = rules().flat_map(|(_, rule)| names(rule)).chain(CAPABILITIES.iter().copied()).chain(reasons());
    match rule_of_hadolint(asked).or_else(|| similar(asked, known)) {
        Some(name) => bail!("there is no rule {asked}; did you mean {name}?"),
        None => bail!(
            "there is no rule {asked}, nor a capability or reason of that name; `plimsoll explain` lists what there is"
        ),
    }
}

/// Under which names a rule is found.
fn names(rule: &Rule) -> impl Iterator<Item = &str> {
    once(&*rule.name).chain(rule.name.split_once('/').map(|(_, name)| name))
}

fn reasons() -> Vec<&'static str> {
    SkipReason::ALL.map(SkipReason::name).to_vec()
}

/// What a document says of a name, which it has as heading.
fn section<'n>(document: &'static str, name: &'n str) -> Option<(&'n str, &'static str)> {
    let (_, rest) = document.split_once(&format!("\n## {name}\n"))?;
    let body = rest.split_once("\n## ").map_or(rest, |(body, _)| body);
    Some((name, body.trim()))
}

/// A page, and what its plugin says of the rule besides.
fn of_rule(plugin: Option<&Plugin>, rule: &Rule) -> String {
    let mut text = rule.page().lines().map(printable).collect::<Vec<_>>().join("\n");
    let asked_for = if rule.is_opt_in { format!(", {}", known::asked_for(plugin)) } else { String::new() };
    let _ = write!(text, "\n\nRule: {}\nSeverity: {}{asked_for}\n", rule.name, rule.severity);
    if rule.is_fixable {
        text.push_str("Fix: yes\n");
    }
    if let Some(plugin) = plugin.filter(|plugin| !plugin.capabilities.is_empty()) {
        let _ = writeln!(text, "May ask, as all of {}: {}", plugin.name, plugin.capabilities.join(", "));
    }
    for option in described_options(&rule.options_schema) {
        let what = if option.description.is_empty() { String::new() } else { format!(": {}", option.description) };
        let _ = writeln!(text, "{}", printable(&format!("Option {} ({}){what}", option.name, option.kind)));
    }
    if let Some(url) = &rule.url {
        let _ = writeln!(text, "Page: {}", printable(url));
    }
    text
}

/// All that can be explained, each with a line.
fn overview(plugins: &[Plugin]) -> String {
    let mut text = format!("Rules:\n{}", rules::text(plugins));
    for (title, document, known) in [
        ("What rules may ask", OF_CAPABILITIES, CAPABILITIES.to_vec()),
        ("Why checks are skipped", OF_REASONS, reasons()),
    ] {
        let _ = writeln!(text, "\n{title}:");
        for (name, body) in known.into_iter().filter_map(|name| section(document, name)) {
            let _ = writeln!(text, "{name:14}  {}", first_sentence(body));
        }
    }
    text.push_str("\n`plimsoll explain NAME` shows the page of each.\n");
    text
}

/// Up to the first full stop or colon, on one line.
fn first_sentence(body: &str) -> String {
    let paragraph = body.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = [". ", ": ", ", such as "].iter().filter_map(|stop| paragraph.find(stop)).min();
    paragraph[..end.unwrap_or(paragraph.len())].trim_end_matches('.').to_owned()
}
