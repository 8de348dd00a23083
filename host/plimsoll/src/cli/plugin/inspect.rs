//! `plimsoll plugin inspect`.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::super::rules::DescribedRule;
use super::super::{CLEAN, Format, print};
use super::around::component;
use super::load;
use crate::plugin::{Component, Plugin, check_name, contract};
use crate::report::printable;

/// Show what a component holds and what it can ask for
///
/// What it can ask for is what it imports, nothing else: no list of its own is believed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin inspect policies/acme.wasm
  plimsoll plugin inspect oci://ghcr.io/acme/rules:1")]
pub(super) struct Arguments {
    /// The component: a file, or oci://HOST/REPOSITORY:TAG
    #[arg(value_name = "FILE|SOURCE")]
    file: String,
    /// The prefix of its rules [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What there is to say of a component.
#[derive(Serialize)]
struct Inspected<'p> {
    name: &'p str,
    version: &'p str,
    contract: String,
    digest: &'p str,
    bytes: usize,
    capabilities: &'p [&'static str],
    /// What it gets nothing of.
    wasi: &'p [String],
    rules: Vec<DescribedRule<'p>>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let (component, own) = component(&arguments.file, None, false)?;
    // Whatever the file is called, there is something to see.
    let own = Some(own).filter(|name| check_name(name).is_ok());
    let name = arguments.name.clone().or(own).unwrap_or_else(|| "plugin".to_owned());
    let plugin = load(None, &name, &arguments.file, &component)?;
    match arguments.format {
        Format::Text => print(&text(&plugin, &component))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string(&inspected(&plugin, &component))?))?,
    }
    Ok(CLEAN)
}

fn inspected<'p>(plugin: &'p Plugin, component: &'p Component) -> Inspected<'p> {
    Inspected {
        name: &plugin.name,
        version: &plugin.version,
        contract: format!("{}{}", contract::PACKAGE.trim_end_matches('/'), format_args!("@{}", plugin.contract)),
        digest: component.digest().as_str(),
        bytes: component.bytes().len(),
        capabilities: &plugin.capabilities,
        wasi: &plugin.wasi,
        rules: plugin.rules.iter().map(DescribedRule::of).collect(),
    }
}

/// For people.
pub(super) fn text(plugin: &Plugin, component: &Component) -> String {
    let Inspected { name, version, contract, digest, bytes, capabilities, wasi, rules } = inspected(plugin, component);
    let capabilities = if capabilities.is_empty() { "none".to_owned() } else { capabilities.join(", ") };
    let wasi = if wasi.is_empty() { "not imported".to_owned() } else { format!("empty: {}", wasi.join(", ")) };
    let mut text = format!(
        "{} {}\n  contract      {contract}\n  digest        {digest}\n  size          {bytes} bytes\n  can ask for   \
         {capabilities}\n  WASI          {}\n  rules         {}\n",
        printable(name),
        printable(version),
        printable(&wasi),
        rules.len()
    );
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in &rules {
        let severity = rule.shown_severity;
        let _ = writeln!(text, "\n{:width$}  {severity:7}  {}", rule.name, printable(rule.summary));
        if let Some(options) = &rule.options {
            let _ = writeln!(text, "  options: {}", printable(&options.to_string()));
        }
    }
    text
}
