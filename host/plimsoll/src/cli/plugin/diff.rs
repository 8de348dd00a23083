//! `plimsoll plugin diff`.
//!
//! Input: two components and Dockerfiles. Output: what the second finds otherwise
//! than the first. Invariant: each question is asked once, and both are told the
//! same answer, so that no difference is the world's.

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;

use super::super::consent::Loaded;
use super::super::inputs::{Given, rulesets};
use super::super::lint::{self, Plugins, Prepared, Scope, Setting};
use super::super::{CLEAN, FAILED, FOUND, Format, complain, end_on_interrupt, host, print, store, variables};
use super::around::component;
use crate::config::{Files, Grants};
use crate::lint::{Outcome, differences};
use crate::plugin::{Component, Host, Limits, Plugin, check_name};
use crate::report::{Compared, Version};
use crate::resolve::Earlier;

/// Show what one version of a plugin finds and another does not
///
/// Both lint the same files, each alone, under one name, with what the configuration says of its rules, and are told the same answers. They may
/// ask for all that they import but tools.
///
/// Exit status: 0 both find the same, by the same rules; 1 something differs; 2 one cannot be used or failed, or a file cannot be read.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin diff acme-1.wasm acme-2.wasm --name acme services/
  plimsoll plugin diff oci://ghcr.io/acme/rules:1 oci://ghcr.io/acme/rules:2
  plimsoll plugin diff --slow-checks=off --format json old/acme.wasm new/acme.wasm")]
pub(super) struct Arguments {
    /// The component that runs so far: a file, oci://HOST/REPOSITORY:TAG or https://…
    old: String,
    /// The component that might take its place
    new: String,
    /// Files or folders
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// The prefix of the rules of both [default: that of the plugin that OLD is in plimsoll.toml, else the name of its file]
    #[arg(long)]
    name: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    scope: Scope,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    end_on_interrupt()?;
    let Arguments { old, new, paths, name, format, scope } = arguments;
    ensure!(!scope.names_plugins(), "--plugin, --trust: the plugins of this run are OLD and NEW");
    ensure!(paths.iter().all(|path| path.as_os_str() != "-"), "-: both lint the same, so name files or folders");
    let variables = variables();
    let here = env::current_dir().context("the working directory is gone")?;
    let arguments = lint::Arguments::unreported(paths, scope, None);
    let (paths, context) = (&arguments.paths, arguments.scope.context.as_deref());
    let given = Given { paths, stdin_filename: None, context, here: &here, is_fetched: false, changes: None };
    let mut setting = Setting::of(&arguments, given, &variables)?;
    // What one version finds must not keep it from asking what the other asks.
    setting.config.fail_fast = false;

    let component = |place| component(place, setting.config.cache_dir.clone(), setting.config.offline);
    let ((first, own_name), (second, _)) = (component(&old)?, component(&new)?);
    let components = (first, second);
    let name = name.unwrap_or_else(|| name_in(setting.configured.files(), &components.0).unwrap_or(own_name));
    check_name(&name).map_err(|message| anyhow!("{message}; say with --name what both are called"))?;
    let host = host(store(setting.config.cache_dir.as_deref(), &variables))?;
    let first = load(&host, &name, &old, &components.0)?;
    let second = load(&host, &name, &new, &components.1)?;
    let (added, removed) = (only(&second, &first), only(&first, &second));
    let versions = (first.version.clone(), second.version.clone());

    // Of a rule that one version lacks, the configuration may speak all the same.
    let is_ours = |rule: &str| rule.split_once('/').is_some_and(|(prefix, _)| prefix == name);
    let counts = |missing: &[String], rule: &str| is_ours(rule) && !missing.iter().any(|missing| missing == rule);
    // Nor is it about the rules of other plugins.
    let absent = |missing: &[String]| [&["*".to_owned()], missing].concat();
    let loaded = Loaded { plugins: vec![first], absent: absent(&added), ..Loaded::default() };
    let plugins = Plugins { host, loaded };
    let prepared = Prepared::with(plugins, |rule| counts(&added, rule), &arguments, given, &mut setting, &variables);
    let mut prepared = prepared.with_context(|| old.clone())?;
    let files = setting.configured.files();
    let (seconds, lacking) = (std::slice::from_ref(&second), absent(&removed));
    let of_second = rulesets(&prepared.configurations, files, seconds, &lacking, |rule| counts(&removed, rule));
    let of_second = of_second.with_context(|| new.clone())?;

    let job = &mut prepared.job;
    job.slow_checks.terms.records = true;
    let before = crate::lint::run(job);
    job.plugins = [second].into();
    job.rulesets = of_second;
    job.resolver = Arc::new(Earlier::new(before.settled.iter().cloned(), job.resolver.clone()));
    let after = crate::lint::run(job);

    let outcomes = [(old.as_str(), &before), (new.as_str(), &after)];
    let not_checked = complain_of_problems(outcomes);
    if !arguments.scope.quiet {
        let notes = outcomes.map(|(path, outcome)| (path, lint::notes(&setting, &prepared, outcome, false)));
        say(notes, "note: ");
    }
    let files = differences(&before, &after);
    let compared = Compared {
        name: &name,
        old: Version { version: &versions.0, digest: components.0.digest().as_str() },
        new: Version { version: &versions.1, digest: components.1.digest().as_str() },
        added: added.iter().map(String::as_str).collect(),
        removed: removed.iter().map(String::as_str).collect(),
        files: &files,
        not_checked,
    };
    match format {
        Format::Text => print(&compared.text())?,
        Format::Json => print(&compared.json())?,
    }
    Ok(match (not_checked, compared.is_alike()) {
        (0, true) => CLEAN,
        (0, false) => FOUND,
        _ => FAILED,
    })
}

/// Who names a component on the command line lets it ask for all that it imports.
fn load(host: &Arc<Host>, name: &str, place: &str, component: &Component) -> anyhow::Result<Plugin> {
    let plugin = Plugin::load(host, name, component, Limits::default());
    let plugin = plugin.map_err(|unusable| anyhow!("{place}: {}", unusable.message))?;
    let grants = Grants::all_of(&plugin.capabilities);
    Ok(plugin.granted(grants))
}

/// What a component is called where it runs.
fn name_in(files: Files, component: &Component) -> Option<String> {
    let mut tables = files.layers().flat_map(|(_, file)| &file.plugins);
    let found = tables.find(|(_, table)| table.digest.as_ref() == Some(component.digest()));
    found.map(|(name, _)| name.clone())
}

/// The rules that one has and the other has not.
fn only(one: &Plugin, other: &Plugin) -> Vec<String> {
    let known: BTreeSet<_> = other.names.iter().collect();
    one.names.iter().filter(|name| !known.contains(name)).map(|name| name.to_string()).collect()
}

/// Says what was left unchecked, and how much it is.
fn complain_of_problems(outcomes: [(&str, &Outcome); 2]) -> usize {
    let problems = outcomes.map(|(path, outcome)| {
        let problems = outcome.files.iter().flat_map(|file| file.problems.iter().map(move |problem| (file, problem)));
        let problems = problems.filter(|(_, problem)| problem.kind.is_not_checked());
        (path, problems.map(|(file, problem)| format!("{}: {}", file.path, problem.message)).collect())
    });
    say(problems, "error: ")
}

/// Says what there is to say of both runs: what is true of both once. How much it is.
fn say([(old, of_old), (new, of_new)]: [(&str, Vec<String>); 2], kind: &str) -> usize {
    let (all_of_old, all_of_new): (BTreeSet<_>, BTreeSet<_>) = (of_old.iter().collect(), of_new.iter().collect());
    let common: BTreeSet<&String> = all_of_old.intersection(&all_of_new).copied().collect();
    let own = |place: &str, lines: &[String]| {
        let lines = lines.iter().filter(|line| !common.contains(line));
        lines.map(|line| format!("{place}: {line}")).collect::<Vec<_>>()
    };
    let mut all: Vec<String> = of_old.iter().filter(|line| common.contains(line)).cloned().collect();
    all.extend(own(old, &of_old));
    all.extend(own(new, &of_new));
    all.iter().for_each(|line| complain(&format!("{kind}{line}")));
    all.len()
}
