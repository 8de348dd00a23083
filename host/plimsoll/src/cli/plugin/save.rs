//! `plimsoll plugin save` and `plimsoll plugin load`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;

use super::super::{CLEAN, complain, print_lines};
use super::around::{Around, Side, Wanted, not_let, tables};
use crate::age;
use crate::config::Source;
use crate::distribution::archive::{self, Loaded, Saved};
use crate::distribution::artifact::{Packed, TITLE, pack};
use crate::distribution::{Pulled, Record};
use crate::limits::{ARCHIVE_BYTES_MAX, ARCHIVE_PLUGINS_MAX};
use crate::private;
use crate::signature::Key;
use crate::words::of_system;

/// Write plugins into one file, for machines without network
///
/// As the locks say, with all that their registries keep of them and the signatures that
/// were verified here: an OCI image layout in a tar, which other tools read too.
/// `plimsoll plugin load` takes it up elsewhere.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin save plugins.tar                     all that is named here
  plimsoll plugin save acme.tar acme
  plimsoll plugin save acme.tar oci://ghcr.io/acme/rules:1")]
pub(super) struct Arguments {
    /// The file, which must not exist
    file: PathBuf,
    /// Plugins by their names here, or sources [default: all named here that have a source]
    #[arg(value_name = "NAME|SOURCE")]
    plugins: Vec<String>,
    /// Folder of the cache, where plugins are kept [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

/// Take up the plugins of a file that `plugin save` wrote, and let none run
///
/// Nothing in the file is believed: every plugin is verified, or none is taken up.
#[derive(Args)]
#[command(after_help = "\
Example:
  plimsoll plugin load plugins.tar && plimsoll plugin add --offline oci://ghcr.io/acme/rules@sha256:…")]
pub(super) struct LoadArguments {
    /// The file
    file: PathBuf,
    /// Folder of the cache, where plugins are kept [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

pub(super) fn save(arguments: &Arguments) -> anyhow::Result<u8> {
    let around = Around::read(arguments.cache_dir.clone(), false, None)?;
    ensure!(
        around.supply.shelf().is_some(),
        "there is no place to keep plugins: set PLIMSOLL_CACHE_DIR, or use --cache-dir"
    );
    let place = arguments.file.display();
    ensure!(fs::symlink_metadata(&arguments.file).is_err(), "{place}: it exists; remove it, or name another file");
    let (mut saved, mut bytes) = (Vec::new(), 0);
    for (source, wanted, keys) in selected(&around, &arguments.plugins)? {
        let pulled = around.pull(&source, &wanted, None, &keys)?;
        let plugin = whole(&around, &source, &pulled)?;
        if saved.contains(&plugin) {
            continue;
        }
        bytes += plugin.component.len();
        saved.push(plugin);
        ensure!(
            saved.len() <= ARCHIVE_PLUGINS_MAX,
            "more than {ARCHIVE_PLUGINS_MAX} plugins are too many for one file"
        );
        ensure!(
            (bytes as u64) < ARCHIVE_BYTES_MAX,
            "together they are larger than the {} MiB of one file; save them one by one",
            ARCHIVE_BYTES_MAX >> 20
        );
    }
    if saved.is_empty() {
        let has_source = |side: Side| tables(side.file).any(|(_, table)| table.place.source().is_some());
        match around.sides().any(has_source) {
            true => bail!("of the plugins here that have a source, you let none run"),
            false => bail!("no plugin here has a source; name one, such as oci://ghcr.io/acme/rules:1"),
        }
    }
    private::replace(&arguments.file, |file| archive::save(file, &saved)).with_context(|| place.to_string())?;
    print_lines(&saved.iter().map(|plugin| format!("{}\n", plugin.source)).collect::<String>())?;
    Ok(CLEAN)
}

pub(super) fn load(arguments: &LoadArguments) -> anyhow::Result<u8> {
    let around = Around::read(arguments.cache_dir.clone(), true, None)?;
    let shelf = around.supply.shelf();
    let shelf = shelf.context("there is no place to keep plugins: set PLIMSOLL_CACHE_DIR, or use --cache-dir")?;
    let place = arguments.file.display();
    let metadata = fs::metadata(&arguments.file).map_err(|error| anyhow!("{place}: {}", of_system(&error)))?;
    ensure!(metadata.is_file(), "{place}: it is no file");
    ensure!(metadata.len() <= ARCHIVE_BYTES_MAX, "{place}: it is larger than {} MiB", ARCHIVE_BYTES_MAX >> 20);
    let mut file = BufReader::new(File::open(&arguments.file).with_context(|| place.to_string())?);
    let loaded = archive::load(&mut file, shelf).map_err(|message| anyhow!("{place}: {message}"))?;
    let mut text = String::new();
    for Loaded { source, content, component } in loaded {
        let source = source.map_or_else(|| "of unknown source".to_owned(), |source| source.to_string());
        let _ = writeln!(text, "{source}\n  content      {content}\n  component    {component}");
    }
    print_lines(&text)?;
    Ok(CLEAN)
}

/// The sources that are meant, each with what its lock says and the keys that must have signed it.
fn selected<'a>(around: &'a Around, names: &[String]) -> anyhow::Result<Vec<(Source, Wanted<'a>, Vec<Key>)>> {
    let mut selected = Vec::new();
    for name in names.iter().filter(|name| Source::is_meant(name)) {
        let source: Source = name.parse().map_err(|message: String| anyhow!(message))?;
        let (wanted, keys) = (around.wanted(&source)?, around.keys_of(&source)?);
        selected.push((source, wanted, keys));
    }
    let named: Vec<&str> = names.iter().map(String::as_str).filter(|name| !Source::is_meant(name)).collect();
    let mut missing = named.clone();
    for side in around.sides() {
        let lock = side.lock.read()?.lock;
        for (name, table) in tables(side.file).filter(|(name, _)| names.is_empty() || named.contains(name)) {
            let Some(source) = table.place.source() else { continue };
            missing.retain(|missing| *missing != name);
            let record = Record::find(&lock, source).map_err(|message| anyhow!(message))?;
            let component = record.as_ref().map(|record| &record.component).or(table.digest.as_ref());
            if names.is_empty() && !around.is_let(&side, component) {
                complain(&format!("note: {}", not_let(name, source)));
                continue;
            }
            let keys = around.keys(&side, table, component).map_err(|message| anyhow!(message))?;
            let asked = Some((side.file, name, table));
            selected.push((source.clone(), Wanted { asked, lock: side.lock, record }, keys));
        }
    }
    match missing.first() {
        Some(name) => bail!("there is no plugin {name} here that has a source; `plimsoll plugin list` shows them"),
        None => Ok(selected),
    }
}

/// All that there is of a plugin. One of the web is packed as if it were pushed.
fn whole(around: &Around, source: &Source, pulled: &Pulled) -> anyhow::Result<Saved> {
    let component = pulled.component.bytes().to_vec();
    let proofs = around.supply.shelf().map(|shelf| shelf.proofs(&pulled.content)).unwrap_or_default();
    let (manifest, config) = match &pulled.artifact {
        Some(artifact) => {
            let kept = around
                .supply
                .shelf()
                .and_then(|shelf| Some((shelf.get(&pulled.content)?, shelf.get(&artifact.config.digest)?)));
            kept.with_context(|| format!("{source}: what was pulled of it is gone; try again"))?
        }
        None => {
            let annotations = BTreeMap::from([(TITLE.to_owned(), source.name())]);
            let Packed { manifest, config } = pack(&pulled.component, &annotations, &age::text(UNIX_EPOCH));
            (manifest, config)
        }
    };
    Ok(Saved { source: source.to_string(), manifest, config, component, proofs })
}
