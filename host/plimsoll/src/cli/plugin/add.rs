//! `plimsoll plugin add`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;

use super::super::demand;
use super::super::supply::shown;
use super::super::{CLEAN, FAILED, complain, print, store};
use super::around::{Around, prune, tables};
use super::{edited, load, name_of, read};
use crate::config::{Digest, File, Finder, Grants, Place, PluginTable, Source, TrustTable};
use crate::distribution::artifact::{DESCRIPTION, LICENSES, SOURCE};
use crate::distribution::{Pulled, Record, record};
use crate::lock::{LockFile, Policy, select};
use crate::plugin::{Component, Plugin, check_name};
use crate::private;
use crate::report::printable;

/// Let the rules of a component run
///
/// Your own plimsoll.toml keeps your word, for these very bytes of the component: once
/// they change you are asked again. Where the plimsoll.toml of the tree around you asks
/// for the component, it will run there alone; else in all your runs.
///
/// What a source means is written into the plimsoll.lock beside the file that names it, and
/// moves by `plimsoll plugin update`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin add policies/acme.wasm
  plimsoll plugin add acme.wasm --grant 'registry=ghcr.io/acme/*' --yes
  plimsoll plugin add oci://ghcr.io/acme/rules:1
  plimsoll plugin add oci://ghcr.io/acme/rules:1 --key acme.pub
  plimsoll plugin add https://acme.dev/acme.wasm --digest sha256:…")]
pub(super) struct Arguments {
    /// The component: a file, oci://HOST/REPOSITORY:TAG, or https://… with --digest
    #[arg(value_name = "FILE|SOURCE")]
    place: String,
    /// The prefix of its rules [default: as the tree calls it, else the last part of the file's or the source's name]
    #[arg(long)]
    name: Option<String>,
    /// The component that is meant; others are refused
    #[arg(long, value_name = "sha256:…")]
    digest: Option<Digest>,
    /// Public key that must have signed it, as cosign writes it; for oci:// [default: as before]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// What the source means moves when you ask for it only [default]
    #[arg(long, conflicts_with = "float")]
    pin: bool,
    /// Runs that may ask say when the source means something else
    #[arg(long)]
    float: bool,
    /// What it may ask for [default: as before, else as the tree asks, else all that it imports, tools excepted]
    #[arg(long = "grant", value_name = "CAPABILITY=PATTERN")]
    grants: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Ask no registry; what is on this machine can be added
    #[arg(long)]
    offline: bool,
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

/// What the user said of a plugin before.
#[derive(Default)]
struct Before {
    grants: Option<Grants>,
    key: Option<PathBuf>,
}

/// What may be added.
struct Offer {
    name: String,
    place: Place,
    /// The file of the user's key.
    key: Option<PathBuf>,
    before: Before,
    component: Component,
    asked: Option<Asked>,
    /// What came with it, and the lock that is to say so.
    pulled: Option<(Source, Pulled, LockFile, Option<Record>)>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let source = Source::is_meant(&arguments.place).then(|| arguments.place.parse::<Source>()).transpose();
    let source = source.map_err(|message| anyhow!(message))?;
    let around = Around::read(arguments.cache_dir.clone(), arguments.offline, source.as_ref())?;
    let offer = match source {
        Some(source) => of_source(arguments, &around, source)?,
        None => of_file(arguments, &around)?,
    };
    let Offer { name, place, key, before, component, asked, pulled } = offer;
    // Compiled at once, for later runs.
    let store = store(around.config.cache_dir.as_deref(), &around.variables);
    let plugin = load(store, &name, &arguments.place, &component)?;
    let grants = grants(arguments, &plugin, asked.as_ref(), before.grants.as_ref())?;

    let mut summary = summary(&plugin, &component, &shown(&place), &grants, asked.as_ref(), &before, key.as_deref());
    if let Some((_, pulled, ..)) = &pulled {
        summary.insert_str(0, &said(pulled));
    }
    if !agreed(&format!("Let {name} run?"), &summary, arguments.yes)
        .with_context(|| format!("whether {name} may run"))?
    {
        complain(&format!("{name} will not run"));
        return Ok(FAILED);
    }
    if let Some((source, pulled, lock, record)) = &pulled {
        let told = if arguments.float { Some(Policy::Float) } else { arguments.pin.then_some(Policy::Pin) };
        let known = record.as_ref().map(|record| record.policy);
        let policy = told.or(known).unwrap_or_else(|| select::policy(&around.config.lock, &record::key(source)));
        write_record(lock, source, &Record::of(pulled, &plugin, policy))?;
    }
    // Where the user speaks of it already, be it in a file that his own extends: its limits stay.
    let spoken = around.users().find(|file| asked.is_none() && file.plugins.contains_key(&name));
    let path = spoken.map_or(&around.user_path, |file| &file.path);
    let written = edited(path, |edit| match &asked {
        Some(_) => edit.set_trust(component.digest(), &name, key.as_deref(), &grants),
        None => edit.set_plugin(&name, &place, component.digest(), key.as_deref(), &grants),
    });
    if let (Err(_), Some((source, _, lock, record))) = (&written, &pulled) {
        restore(lock, source, record.as_ref())?;
    }
    written?;
    if asked.is_none() {
        forget(&around, &name, &place)?;
    }
    print(&format!("{name} runs from now on, as {} says\n", path.display()))?;
    Ok(CLEAN)
}

/// What the plugin is to be called.
fn called(arguments: &Arguments, asked: Option<&Asked>, otherwise: String) -> anyhow::Result<String> {
    let name = match (&arguments.name, asked) {
        (Some(name), Some(Asked { by, name: called, .. })) if name != called => {
            bail!("--name {name}: {} asks for it as {called}; leave --name out", by.display())
        }
        (Some(name), _) => name.clone(),
        (None, Some(asked)) => asked.name.clone(),
        (None, None) => otherwise,
    };
    check_name(&name).map_err(|error| anyhow!("{error}; say --name NAME"))?;
    Ok(name)
}

fn of_file(arguments: &Arguments, around: &Around) -> anyhow::Result<Offer> {
    ensure!(!arguments.pin && !arguments.float, "--pin and --float are for sources such as oci://HOST/REPOSITORY:TAG");
    let given = Path::new(&arguments.place);
    let component = read(given)?;
    let digest = component.digest();
    if let Some(expected) = arguments.digest.as_ref().filter(|expected| *expected != digest) {
        bail!("{}: it is {digest}; --digest says {expected}", given.display());
    }
    let path = fs::canonicalize(given).with_context(|| given.display().to_string())?;
    let asked = asked(&path, &around.user_path)?;
    let name = called(arguments, asked.as_ref(), name_of(&path))?;
    let place = Place::Path(path);
    let before = before(around, &name, asked.is_some())?;
    unsigned(arguments, &name, &before)?;
    Ok(Offer { name, place, key: None, before, component, asked, pulled: None })
}

/// Refuses a key for what has no signatures.
fn unsigned(arguments: &Arguments, name: &str, before: &Before) -> anyhow::Result<()> {
    ensure!(arguments.key.is_none(), "--key is for oci://HOST/REPOSITORY:TAG: only registries keep signatures");
    if let Some(key) = &before.key {
        let key = key.display();
        bail!(
            "you want {name} signed by {key}, and only registries keep signatures: `plimsoll plugin remove {name}` first"
        );
    }
    Ok(())
}

fn of_source(arguments: &Arguments, around: &Around, source: Source) -> anyhow::Result<Offer> {
    let wanted = around.wanted(&source)?;
    let asked = wanted.asked.map(|(file, name, table)| Asked {
        by: file.path.clone(),
        name: name.to_owned(),
        grants: table.grants.clone(),
    });
    let name = called(arguments, asked.as_ref(), source.name())?;
    let place = Place::Source(source.clone());
    let before = before(around, &name, asked.is_some())?;
    if let Source::Web(_) = source {
        unsigned(arguments, &name, &before)?;
    }
    let given = arguments.key.as_ref().map(|key| fs::canonicalize(key).with_context(|| key.display().to_string()));
    let key = given.transpose()?.or_else(|| before.key.clone());
    let mut keys = match wanted.asked {
        Some((file, _, table)) => {
            demand::keys(file, table, std::iter::empty(), None).map_err(|message| anyhow!(message))?
        }
        None => Vec::new(),
    };
    keys.extend(key.as_deref().map(demand::key_of).transpose().map_err(|message| anyhow!(message))?);
    let pulled = around.pull(&source, &wanted, arguments.digest.as_ref(), &keys)?;
    pulled.unkept.iter().for_each(|why| complain(&format!("note: {why}; runs will ask for it each time")));
    let component = pulled.component.clone();
    let pulled = Some((source, pulled, wanted.lock.clone(), wanted.record));
    Ok(Offer { name, place, key, before, component, asked, pulled })
}

/// Writes down what a source means, unless the lock says so already.
pub(super) fn write_record(lock: &LockFile, source: &Source, record: &Record) -> anyhow::Result<()> {
    if let Some(folder) = lock.path().parent() {
        private::folders().recursive(true).create(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(lock.change(|lock| record.write(lock, source))?)
}

/// Has the lock say what it said before.
fn restore(lock: &LockFile, source: &Source, record: Option<&Record>) -> anyhow::Result<()> {
    match record {
        Some(record) => write_record(lock, source, record),
        None => Ok(lock.change(|lock| drop(lock.remove(&record::key(source))))?),
    }
}

/// Takes what the user's lock says of another source, by which the plugin was called before, unless a table names it.
fn forget(around: &Around, name: &str, place: &Place) -> anyhow::Result<()> {
    let tables = || around.users().flat_map(tables);
    let before = tables().find(|(known, _)| *known == name).and_then(|(_, table)| table.place.source());
    let is_named =
        |source: &Source| tables().any(|(known, table)| known != name && table.place.source() == Some(source));
    let gone: Vec<Source> = before.into_iter().filter(|source| place.source() != Some(source)).cloned().collect();
    let gone: Vec<Source> = gone.into_iter().filter(|source| !is_named(source)).collect();
    for side in around.sides().filter(|side| side.is_user).take(1) {
        prune(side.lock, &gone)?;
    }
    Ok(())
}

/// What a manifest says of a plugin: a stranger's texts.
fn said(pulled: &Pulled) -> String {
    let Some(artifact) = &pulled.artifact else { return String::new() };
    let line = |name: &str| {
        let text = artifact.annotations.get(name)?;
        let short = name.rsplit('.').next().unwrap_or(name);
        Some(format!("{short:9} {}\n", printable(text)))
    };
    let lines: String = [DESCRIPTION, SOURCE, LICENSES].into_iter().filter_map(line).collect();
    format!("content   {}\n{lines}\n", pulled.content)
}

/// What the tree around the component, or around the working directory, asks for of this very file.
fn asked(path: &Path, user: &Path) -> anyhow::Result<Option<Asked>> {
    let here = env::current_dir().context("the working directory is gone")?;
    let mut finder = Finder::default();
    let trees: BTreeSet<PathBuf> = [&*here, path].into_iter().filter_map(|place| finder.nearest(place)).collect();
    let mut asked: Vec<Asked> = Vec::new();
    for by in trees.into_iter().filter(|tree| tree != user) {
        let file = finder.read(&by)?;
        let is_meant = |file: &File, table: &PluginTable| match &table.place {
            Place::Path(asked) => fs::canonicalize(file.folder.join(asked)).is_ok_and(|asked| asked == path),
            Place::Source(_) => false,
        };
        let tables = file.layers().flat_map(|file| file.plugins.iter().map(move |table| (file, table)));
        let meant = tables.filter(|(file, (_, table))| is_meant(file, table)).map(|(_, table)| table);
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

/// What the user granted a plugin of this name before, and whose signature he wanted; of a tree's plugin, what he
/// granted those of trees.
fn before(around: &Around, name: &str, is_asked: bool) -> anyhow::Result<Before> {
    let own = || around.users().find_map(|file| Some((file, file.plugins.get(name)?)));
    if is_asked {
        if let Some((file, _)) = own() {
            let path = file.path.display();
            bail!(
                "{path} has a plugin {name} of its own, which runs instead of the tree's: `plimsoll plugin remove {name}` first"
            );
        }
        let is_it = |table: &&TrustTable| table.name.as_deref() == Some(name);
        let trusted = around.users().find_map(|file| Some((file, file.trust.values().rfind(is_it)?)));
        let of = |(file, table): (&File, &TrustTable)| Before {
            grants: Some(table.grants.clone()),
            key: table.key.as_ref().map(|key| file.folder.join(key)),
        };
        return Ok(trusted.map_or_else(Before::default, of));
    }
    Ok(own().map_or_else(Before::default, |(file, table)| Before {
        grants: Some(table.grants.clone()),
        key: table.key.as_ref().map(|key| file.folder.join(key)),
    }))
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
    let Some(wished) = before.or(asked.map(|asked| &asked.grants)) else {
        return Ok(Grants::all_of(&plugin.capabilities));
    };
    // What it does not import it cannot ask for, whoever was called so before.
    for (capability, patterns) in wished.by_capability().filter(|(known, _)| plugin.capabilities.contains(known)) {
        for pattern in patterns {
            grants.add(capability, pattern).map_err(|error| anyhow!("{capability}: {error}"))?;
        }
    }
    Ok(grants)
}

/// What there is to agree to: what weighs most stands last, next to the question.
fn summary(
    plugin: &Plugin,
    component: &Component,
    place: &str,
    grants: &Grants,
    asked: Option<&Asked>,
    before: &Before,
    key: Option<&Path>,
) -> String {
    let Plugin { name, version, capabilities, rules, .. } = plugin;
    let mut text = format!("{name} {} ({})\n\n", printable(version), printable(place));
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in rules {
        let severity = rule.shown_severity();
        let _ = writeln!(text, "{:width$}  {severity:7}  {}", rule.name, printable(&rule.summary));
    }
    let imports = if capabilities.is_empty() { "nothing".to_owned() } else { capabilities.join(", ") };
    let runs = asked.map_or("in all your runs".to_owned(), |asked| {
        format!("where {} asks for it", printable(&asked.by.display().to_string()))
    });
    let _ = writeln!(text, "\n  digest       {}\n  can ask for  {imports}", component.digest());
    if let Some(key) = key {
        let _ = writeln!(text, "  signed by    {}", printable(&key.display().to_string()));
    }
    if let Some(before) = before.grants.as_ref().filter(|before| *before != grants) {
        let _ = writeln!(text, "  before       {before}");
    }
    let _ = writeln!(text, "  may ask for  {grants}\n  runs         {runs}\n");
    text
}

/// Whether the user agrees to what is shown; `yes` is his word beforehand.
pub(super) fn agreed(question: &str, summary: &str, yes: bool) -> anyhow::Result<bool> {
    if yes {
        print(summary)?;
        return Ok(true);
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        print(summary)?;
        bail!("nobody can be asked here: look at the above, then use --yes");
    }
    let mut err = io::stderr();
    write!(err, "{summary}{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
