//! `plimsoll plugin add`.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;

use super::super::{CLEAN, FAILED, complain, print, store, variables};
use super::name_of;
use crate::config::{self, Edit, Finder, Grants, Variables, cache_dir, user_file};
use crate::plugin::{Component, Host, Limits, Plugin};
use crate::report::printable;

/// Let the rules of a component run
///
/// Your own plimsoll.toml keeps your word, for these very bytes of the component: once
/// they change you are asked again. Where the plimsoll.toml of the tree around you asks
/// for the component, it will run there alone; else in all your runs.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin add policies/acme.wasm
  plimsoll plugin add acme.wasm --grant 'registry=ghcr.io/acme/*' --yes")]
pub(super) struct Arguments {
    /// The component
    path: PathBuf,
    /// The prefix of its rules [default: as the tree calls it, else the file's name]
    #[arg(long)]
    name: Option<String>,
    /// What it may ask for [default: as the tree asks, else all that it imports, tools excepted]
    #[arg(long = "grant", value_name = "CAPABILITY=PATTERN")]
    grants: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Folder of the cache, where its native code is kept [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

/// What a tree asks for.
struct Asked {
    /// Its plimsoll.toml.
    by: PathBuf,
    name: String,
    grants: Grants,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let variables = variables();
    let shown = arguments.path.display();
    let user =
        user_file(&variables).context("there is no place for your own plimsoll.toml: set HOME or XDG_CONFIG_HOME")?;
    let component = Component::read(&arguments.path).map_err(|message| anyhow!("{shown}: {message}"))?;
    let path = fs::canonicalize(&arguments.path).with_context(|| shown.to_string())?;
    let asked = asked(&path, &user, arguments.name.as_deref())?;
    let name = match (&arguments.name, &asked) {
        (Some(name), _) => name.clone(),
        (None, Some(asked)) => asked.name.clone(),
        (None, None) => name_of(&path),
    };
    let plugin = compile(arguments, &variables, &name, &component)?;
    let grants = grants(arguments, &plugin, asked.as_ref())?;

    let mut edit = Edit::open(&user)?;
    print(&summary(&plugin, &component, &path, &grants, asked.as_ref()))?;
    if !arguments.yes && !agreed(&name)? {
        complain(&format!("{name} will not run"));
        return Ok(FAILED);
    }
    match &asked {
        Some(_) => edit.set_trust(component.digest(), &name, &grants)?,
        None => edit.set_plugin(&name, &path, component.digest(), &grants)?,
    }
    edit.save()?;
    print(&format!("{name} runs from now on, as {} says\n", user.display()))?;
    Ok(CLEAN)
}

/// Loads the component, which compiles it for later runs.
fn compile(arguments: &Arguments, variables: &Variables, name: &str, component: &Component) -> anyhow::Result<Plugin> {
    let cache = cache_dir(arguments.cache_dir.clone(), variables);
    let host = Host::with_store(store(cache.as_deref(), variables))
        .map_err(|error| anyhow!("the engine does not start: {error:#}"))?;
    Plugin::load(&host, name, component, Limits::default())
        .map_err(|unusable| anyhow!("{}: {}", arguments.path.display(), unusable.message))
}

/// What the tree around the working directory asks for of this very file.
fn asked(path: &Path, user: &Path, name: Option<&str>) -> anyhow::Result<Option<Asked>> {
    let here = env::current_dir().context("the working directory is gone")?;
    let Some(by) = Finder::default().nearest(&here).filter(|tree| tree != user) else { return Ok(None) };
    let file = config::read(&by)?;
    let is_meant = |(called, table): &(String, config::PluginTable)| {
        let is_called = name.is_none_or(|name| name == called);
        is_called && fs::canonicalize(file.folder.join(&table.path)).is_ok_and(|asked| asked == path)
    };
    let meant = file.plugins.clone().into_iter().find(is_meant);
    Ok(meant.map(|(name, table)| Asked { by, name, grants: table.grants }))
}

fn grants(arguments: &Arguments, plugin: &Plugin, asked: Option<&Asked>) -> anyhow::Result<Grants> {
    let mut grants = Grants::default();
    for grant in &arguments.grants {
        let (capability, pattern) =
            grant.split_once('=').with_context(|| format!("--grant {grant}: write CAPABILITY=PATTERN"))?;
        grants.add(capability, pattern).map_err(|error| anyhow!("--grant {grant}: {error}"))?;
    }
    for (capability, _) in grants.by_capability() {
        ensure!(
            plugin.capabilities.contains(&capability),
            "--grant {capability}: {} does not import {capability}, so it cannot ask for it",
            plugin.name
        );
    }
    Ok(match (arguments.grants.is_empty(), asked) {
        (false, _) => grants,
        (true, Some(asked)) => asked.grants.clone(),
        (true, None) => Grants::all_of(&plugin.capabilities),
    })
}

/// What there is to agree to.
fn summary(plugin: &Plugin, component: &Component, path: &Path, grants: &Grants, asked: Option<&Asked>) -> String {
    let Plugin { name, version, capabilities, rules, .. } = plugin;
    let imports = if capabilities.is_empty() { "nothing".to_owned() } else { capabilities.join(", ") };
    let runs = asked.map_or("in all your runs".to_owned(), |asked| format!("where {} asks for it", asked.by.display()));
    let mut text = format!(
        "{name} {} ({})\n  digest       {}\n  can ask for  {imports}\n  may ask for  {grants}\n  runs         {runs}\n\n",
        printable(version),
        path.display(),
        component.digest()
    );
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in rules {
        let severity = if rule.is_opt_in { "off" } else { rule.severity.name() };
        let _ = writeln!(text, "{:width$}  {severity:7}  {}", rule.name, printable(&rule.summary));
    }
    text.push('\n');
    text
}

/// Asks on the terminal.
fn agreed(name: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        bail!("nobody can be asked here whether {name} may run: look at the above, then use --yes");
    }
    let mut err = io::stderr();
    write!(err, "Let {name} run? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
