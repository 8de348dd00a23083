//! `plimsoll plugin update`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{anyhow, bail, ensure};
use clap::Args;

use super::super::{CLEAN, FAILED, complain, print_lines, store};
use super::add::{agreed, write_record};
use super::around::{Around, Side, not_let, tables};
use super::forget::forget;
use super::{edited, load};
use crate::config::{Grants, LintTable, Place, PluginTable, Source, fits_rule, similar};
use crate::distribution::{Change, Described, Record};
use crate::plugin::{Component, Plugin};

/// Take over what the sources of plugins mean now, pinned ones too
///
/// Shows what changes. A plugin that can ask for more than before takes your consent, and so
/// does one that runs where the tree asks for it: it is asked for, or said with --yes. What you
/// granted stays as narrow as it was; what is new is granted as a whole, tools excepted. What was
/// kept of the component before goes. What the tree names and you have not let run is left alone.
/// Rules that are gone while a plimsoll.toml configures or selects them are told of.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin update                   all that your plimsoll.toml and the tree's name
  plimsoll plugin update acme --dry-run    what would change")]
pub(super) struct Arguments {
    /// Plugins to update [default: all that have a source with a tag]
    names: Vec<String>,
    /// Show what would change, and write nothing but what is kept of plugins
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Folder of the cache, where plugins are kept [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

/// One plugin of a file, with what the lock says.
struct Known<'k> {
    side: &'k Side<'k>,
    name: &'k str,
    table: &'k PluginTable,
    source: &'k Source,
    record: Record,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let around = Around::read(arguments.cache_dir.clone(), false, None)?;
    let sides: Vec<Side> = around.sides().collect();
    let named: Vec<&str> = sides.iter().flat_map(|side| tables(side.file)).map(|(name, _)| name).collect();
    if let Some(unknown) = arguments.names.iter().find(|name| !named.contains(&name.as_str())) {
        match similar(unknown, named) {
            Some(name) => bail!("there is no plugin {unknown} here; did you mean {name}?"),
            None => bail!("there is no plugin {unknown} here; `plimsoll plugin list` shows them"),
        }
    }
    let mut failed = false;
    for side in &sides {
        let lock = side.lock.read()?.lock;
        for (name, table) in tables(side.file) {
            if !arguments.names.is_empty() && !arguments.names.iter().any(|wanted| wanted == name) {
                continue;
            }
            let Some(source) = table.place.source().filter(|source| can_move(source)) else {
                if !arguments.names.is_empty() {
                    complain(&format!(
                        "note: {name} has no source whose tag can move; `plimsoll plugin add` takes over another"
                    ));
                }
                continue;
            };
            let found = Record::find(&lock, source).ok().flatten();
            let component = found.as_ref().map(|record| &record.component).or(table.digest.as_ref());
            if component.is_some() && !around.is_let(side, component) {
                // Whoever names it wants it; what he gets is the advice.
                let is_named = !arguments.names.is_empty();
                failed |= is_named;
                let word = if is_named { "error" } else { "note" };
                complain(&format!("{word}: {}", not_let(name, source)));
                continue;
            }
            let record = Record::find(&lock, source).map_err(|message| anyhow!(message)).and_then(|record| {
                let place = side.lock.path().display();
                record.ok_or_else(|| {
                    anyhow!("{place} does not say what {source} means: run `plimsoll plugin add {source}`")
                })
            });
            let updated =
                record.and_then(|record| update(arguments, &around, Known { side, name, table, source, record }));
            if let Err(error) = updated {
                failed = true;
                complain(&format!("error: plugin {name}: {error:#}"));
            }
        }
    }
    Ok(if failed { FAILED } else { CLEAN })
}

/// Whether it is called by a name that may mean something else another day.
fn can_move(source: &Source) -> bool {
    matches!(source, Source::Oci(reference) if reference.digest.is_none())
}

fn update(arguments: &Arguments, around: &Around, known: Known) -> anyhow::Result<()> {
    let Known { side, name, table, source, ref record } = known;
    let keys = around.keys(side, table, Some(&record.component)).map_err(|message| anyhow!(message))?;
    let pulled = around.supply.pull(source, None, None, &keys).map_err(|message| anyhow!(message))?;
    if pulled.content == record.content {
        ensure!(!side.is_user || is_agreed(table, record), other_than_agreed(source));
        return print_lines(&format!("{name}  {source} has not moved\n"));
    }
    let plugin = loaded(around, name, source, &pulled.component)?;
    let new = Record::of(&pulled, &plugin, record.policy);
    let before = around.supply.shelf().and_then(|shelf| shelf.component(&record.component));
    // What a lock says of the component before is a claim; what that imports is not.
    let imported = before.as_ref().map(|component| Described::of(component).capabilities());
    let imported = imported.map(|all| all.into_iter().map(str::to_owned).collect());
    // Where it is not here, a tree's claim widens nothing: what is new is for `plugin add`.
    let claimed = || if side.is_user { record.capabilities.clone() } else { new.capabilities.clone() };
    let old = Record { capabilities: imported.unwrap_or_else(claimed), ..record.clone() };
    let before = around.supply.kept(source, record, &keys);
    let before = before.and_then(|component| loaded(around, name, source, &component).ok());
    let old_rules = before.as_ref().map(names);
    let in_use = in_use(around, name, old_rules.as_ref().unwrap_or(&BTreeSet::new()));
    let change = Change { old: &old, new: &new, old_rules, new_rules: names(&plugin), in_use };
    print_lines(&format!("{name}  {source}\n{change}"))?;
    if arguments.dry_run {
        return Ok(());
    }
    // A tree's lock may name whatever the user trusts as what was there before: there his word is asked for anew.
    let is_trusted = around.trusted(&record.component).is_some();
    let question = match change.wider().is_empty() {
        false => Some(format!("Let {name} ask for more?")),
        true if !side.is_user && is_trusted => Some(format!("Let {name} run as it is now?")),
        true => None,
    };
    let granted = granted(around, &known);
    let grants = granted.map(|granted| widened(granted, &old, &plugin)).transpose()?;
    let shown = |label: &str, grants: Option<&Grants>| grants.map(|grants| format!("  {label:12} {grants}\n"));
    let before = granted.filter(|granted| grants.as_ref() != Some(*granted));
    let summary =
        [shown("before", before), shown("may ask for", grants.as_ref())].into_iter().flatten().collect::<String>();
    if let Some(question) = question
        && !agreed(&question, &summary, arguments.yes)?
    {
        bail!("it stays as it was");
    }
    // The lock goes first: between both, what runs is what was agreed to, or nothing.
    write_record(side.lock, source, &new)?;
    let taken = take_over(around, &known, &new, grants.as_ref());
    if taken.is_err() {
        write_record(side.lock, source, record)?;
    }
    taken?;
    if grants.is_none() { Ok(()) } else { forget(around, &[&record.component]) }
}

/// Whether the user's word is for what the lock says.
pub(super) fn is_agreed(table: &PluginTable, record: &Record) -> bool {
    table.digest.as_ref().is_none_or(|digest| *digest == record.component)
}

/// What to do where it is not.
pub(super) fn other_than_agreed(source: &Source) -> String {
    format!(
        "your plimsoll.toml lets another component run than {source} means, as the lock says: `plimsoll plugin add {source}` takes that over"
    )
}

/// What the user granted the component before, where he let that run.
fn granted<'a>(around: &'a Around, known: &Known<'a>) -> Option<&'a Grants> {
    let Known { side, table, record, .. } = known;
    match side.is_user {
        true => (table.digest.as_ref() == Some(&record.component)).then_some(&table.grants),
        false => around.trusted(&record.component).map(|(_, trusted)| &trusted.grants),
    }
}

/// The same, and as a whole what the plugin imports and the component before did not, tools excepted.
fn widened(granted: &Grants, old: &Record, plugin: &Plugin) -> anyhow::Result<Grants> {
    let mut grants = granted.clone();
    let is_granted = |wanted: &str| granted.by_capability().any(|(capability, _)| capability == wanted);
    let is_new = |capability: &&&str| !old.capabilities.contains(**capability) && !is_granted(capability);
    let wider: Vec<&'static str> = plugin.capabilities.iter().filter(is_new).copied().collect();
    for (capability, patterns) in Grants::all_of(&wider).by_capability() {
        for pattern in patterns {
            grants.add(capability, pattern).map_err(|message| anyhow!(message))?;
        }
    }
    Ok(grants)
}

/// Moves the user's word from the component before to this one, where he had given it.
fn take_over(around: &Around, known: &Known, new: &Record, grants: Option<&Grants>) -> anyhow::Result<()> {
    let Known { side, name, table, source, record } = known;
    let Some(grants) = grants else {
        complain(&format!(
            "note: {name} does not run, since you did not let it run before: `plimsoll plugin add {source}`"
        ));
        return Ok(());
    };
    // Where his word stands, be it in a file that his own extends: what else is said there of it stays so.
    let trusted = around.trusted(&record.component).filter(|_| !side.is_user);
    let path = if side.is_user { &side.file.path } else { trusted.map_or(&around.user_path, |(file, _)| &file.path) };
    edited(path, |edit| {
        if side.is_user {
            return edit.set_plugin(name, &Place::Source((*source).clone()), &new.component, None, grants);
        }
        let key = trusted.and_then(|(file, trusted)| Some(file.folder.join(trusted.key.as_ref()?)));
        edit.set_trust(&new.component, name, key.as_deref(), grants)?;
        if record.component != new.component {
            edit.remove("trust", record.component.as_str());
        }
        Ok(())
    })?;
    if !side.is_user && table.digest.is_some() {
        complain(&format!(
            "note: {}: write digest = \"{}\" under [plugins.{name}]",
            side.file.path.display(),
            new.component
        ));
    }
    Ok(())
}

fn loaded(around: &Around, name: &str, source: &Source, component: &Component) -> anyhow::Result<Plugin> {
    let store = store(around.config.cache_dir.as_deref(), &around.variables);
    load(store, name, &source.to_string(), component)
}

fn names(plugin: &Plugin) -> BTreeSet<String> {
    plugin.names.iter().map(|name| name.to_string()).collect()
}

/// What the files name rules of a plugin by, each with the file. Without its pack, a name is one of a rule it had before.
fn in_use(around: &Around, name: &str, old_rules: &BTreeSet<String>) -> BTreeSet<(String, String)> {
    let is_ours = |text: &&String| match text.split_once('/') {
        Some((pack, _)) => pack == name,
        None => old_rules.iter().any(|rule| fits_rule(text, rule)),
    };
    let of = |side: Side| {
        let LintTable { select, extend_select, ignore, per_file_ignores, .. } = &side.file.lint;
        let lists = [extend_select, ignore].into_iter().chain(select).chain(per_file_ignores.values());
        let texts = side.file.rules.keys().chain(lists.flatten()).filter(is_ours);
        let place = side.file.path.display().to_string();
        texts.map(|text| (text.clone(), place.clone())).collect::<Vec<_>>()
    };
    around.sides().flat_map(of).collect()
}
