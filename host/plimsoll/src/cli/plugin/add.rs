//! `plimsoll plugin add`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;

use super::super::{CLEAN, FAILED, complain, print, store, variables};
use super::{load, name_of, read};
use crate::config::{self, Edit, Finder, Grants, PluginTable, cache_dir, user_file};
use crate::plugin::{Component, Plugin, check_name};
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
    /// What it may ask for [default: as before, else as the tree asks, else all that it imports, tools excepted]
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
    let user =
        user_file(&variables).context("there is no place for your own plimsoll.toml: set HOME or XDG_CONFIG_HOME")?;
    let component = read(&arguments.path)?;
    let path = fs::canonicalize(&arguments.path).with_context(|| arguments.path.display().to_string())?;
    let asked = asked(&path, &user)?;
    let name = match (&arguments.name, &asked) {
        (Some(name), Some(Asked { by, name: called, .. })) if name != called => {
            bail!("--name {name}: {} asks for it as {called}; leave --name out", by.display())
        }
        (Some(name), _) => name.clone(),
        (None, Some(asked)) => asked.name.clone(),
        (None, None) => name_of(&path),
    };
    check_name(&name).map_err(|error| anyhow!("{error}; say --name NAME"))?;
    // Compiled at once, for later runs.
    let cache = cache_dir(arguments.cache_dir.clone(), &variables);
    let plugin = load(store(cache.as_deref(), &variables), &name, &arguments.path, &component)?;
    let mut edit = Edit::open(&user)?;
    let before = before(&user, &name)?;
    let grants = grants(arguments, &plugin, asked.as_ref(), before.as_ref())?;

    let summary = summary(&plugin, &component, &path, &grants, asked.as_ref(), before.as_ref());
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if arguments.yes {
        print(&summary)?;
    } else if !can_ask {
        print(&summary)?;
        bail!("nobody can be asked here whether {name} may run: look at the above, then use --yes");
    } else if !agreed(&name, &summary)? {
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

/// What the tree around the component, or around the working directory, asks for of this very file.
fn asked(path: &Path, user: &Path) -> anyhow::Result<Option<Asked>> {
    let here = env::current_dir().context("the working directory is gone")?;
    let mut finder = Finder::default();
    let trees: BTreeSet<PathBuf> = [&*here, path].into_iter().filter_map(|place| finder.nearest(place)).collect();
    let mut asked: Vec<Asked> = Vec::new();
    for by in trees.into_iter().filter(|tree| tree != user) {
        let file = config::read(&by)?;
        let is_meant =
            |table: &PluginTable| fs::canonicalize(file.folder.join(&table.path)).is_ok_and(|asked| asked == path);
        let meant = file.plugins.iter().filter(|(_, table)| is_meant(table));
        asked.extend(meant.map(|(name, table)| Asked {
            by: by.clone(),
            name: name.clone(),
            grants: table.grants.clone(),
        }));
    }
    ensure!(
        asked.len() < 2,
        "{} and {} both ask for it: write [plugins] once",
        asked[0].by.display(),
        asked[1].by.display()
    );
    Ok(asked.pop())
}

/// What the user granted a plugin of this name before.
fn before(user: &Path, name: &str) -> anyhow::Result<Option<Grants>> {
    if !user.is_file() {
        return Ok(None);
    }
    let file = config::read(user)?;
    let mut trusted =
        file.trust.values().filter(|table| table.name.as_deref() == Some(name)).map(|table| &table.grants);
    let own = file.plugins.get(name).map(|table| &table.grants);
    Ok(own.or_else(|| trusted.next_back()).cloned())
}

fn grants(
    arguments: &Arguments,
    plugin: &Plugin,
    asked: Option<&Asked>,
    before: Option<&Grants>,
) -> anyhow::Result<Grants> {
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
    if !arguments.grants.is_empty() {
        return Ok(grants);
    }
    let wished = before.or(asked.map(|asked| &asked.grants));
    Ok(wished.cloned().unwrap_or_else(|| Grants::all_of(&plugin.capabilities)))
}

/// What there is to agree to: what weighs most stands last, next to the question.
fn summary(
    plugin: &Plugin,
    component: &Component,
    path: &Path,
    grants: &Grants,
    asked: Option<&Asked>,
    before: Option<&Grants>,
) -> String {
    let Plugin { name, version, capabilities, rules, .. } = plugin;
    let shown = |path: &Path| printable(&path.display().to_string());
    let mut text = format!("{name} {} ({})\n\n", printable(version), shown(path));
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in rules {
        let severity = if rule.is_opt_in { "off" } else { rule.severity.name() };
        let _ = writeln!(text, "{:width$}  {severity:7}  {}", rule.name, printable(&rule.summary));
    }
    let imports = if capabilities.is_empty() { "nothing".to_owned() } else { capabilities.join(", ") };
    let runs = asked.map_or("in all your runs".to_owned(), |asked| format!("where {} asks for it", shown(&asked.by)));
    let _ = writeln!(text, "\n  digest       {}\n  can ask for  {imports}", component.digest());
    if let Some(before) = before.filter(|before| *before != grants) {
        let _ = writeln!(text, "  before       {before}");
    }
    let _ = writeln!(text, "  may ask for  {grants}\n  runs         {runs}\n");
    text
}

/// Asks on the terminal.
fn agreed(name: &str, summary: &str) -> anyhow::Result<bool> {
    let mut err = io::stderr();
    write!(err, "{summary}Let {name} run? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
