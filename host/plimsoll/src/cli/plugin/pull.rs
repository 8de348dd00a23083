//! `plimsoll plugin pull`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;

use super::super::demand::key_of;
use super::super::{CLEAN, FAILED, complain, print_lines};
use super::around::{Around, not_let, tables};
use super::update::{is_agreed, other_than_agreed};
use crate::config::{Digest, Source};
use crate::distribution::{Expected, Pulled, Record};
use crate::private;

/// Bring plugins to this machine, and let none run
///
/// Without a source: those that your plimsoll.toml and that of the tree around you name, as
/// their locks say, and configuration that they extend; of the tree's those that you let run. What is here is not asked for again,
/// so that a later lint asks nobody.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin pull                                 all that is named here, before a job without network
  plimsoll plugin pull oci://ghcr.io/acme/rules:1 -o acme.wasm
  plimsoll plugin pull oci://ghcr.io/acme/rules:1 --key acme.pub
  plimsoll plugin pull https://acme.dev/acme.wasm --digest sha256:…")]
pub(super) struct Arguments {
    /// Where it is: oci://HOST/REPOSITORY:TAG, or https://… with --digest
    source: Option<Source>,
    /// The component that is meant
    #[arg(long, value_name = "sha256:…", requires = "source")]
    digest: Option<Digest>,
    /// Public key that must have signed it, as cosign writes it [default: as your plimsoll.toml and the tree's say]
    #[arg(long, value_name = "FILE", requires = "source")]
    key: Option<PathBuf>,
    /// Also write the component to a file, which must not exist
    #[arg(short, long, value_name = "FILE", requires = "source")]
    output: Option<PathBuf>,
    /// Folder of the cache, where it is kept [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let around = Around::read(arguments.cache_dir.clone(), false, arguments.source.as_ref())?;
    let Some(source) = &arguments.source else { return pull_all(&around) };
    ensure!(
        around.supply.shelf().is_some() || arguments.output.is_some(),
        "there is no place to keep it: set PLIMSOLL_CACHE_DIR, use --cache-dir, or --output FILE"
    );
    let content = match source {
        Source::Oci(_) => None,
        Source::Web(_) => Some(
            arguments
                .digest
                .as_ref()
                .with_context(|| format!("{source}: say which component you mean, with --digest sha256:…"))?,
        ),
    };
    let mut keys = around.keys_of(source)?;
    keys.extend(arguments.key.as_deref().map(key_of).transpose().map_err(|message| anyhow!(message))?);
    let expected = arguments.digest.as_ref().map(|component| Expected { component, whose: "--digest says" });
    let pulled = around.supply.pull(source, content, expected, &keys).map_err(|message| anyhow!(message))?;
    if let Some(why) = &pulled.unkept {
        ensure!(arguments.output.is_some(), "{why}");
        complain(&format!("note: {why}"));
    }
    if let Some(path) = &arguments.output {
        let written =
            private::file(path).and_then(|mut file| std::io::Write::write_all(&mut file, pulled.component.bytes()));
        written.with_context(|| path.display().to_string())?;
    }
    print_lines(&told(source, &pulled))?;
    Ok(CLEAN)
}

/// What came, for people.
pub(super) fn told(source: &Source, pulled: &Pulled) -> String {
    let mut text = format!("{source}\n");
    if pulled.content != *pulled.component.digest() {
        let _ = writeln!(text, "  content      {}", pulled.content);
    }
    let _ = writeln!(text, "  component    {}", pulled.component.digest());
    let _ = writeln!(text, "  size         {} bytes", pulled.component.bytes().len());
    for (name, said) in pulled.artifact.iter().flat_map(|artifact| &artifact.annotations) {
        let _ = writeln!(text, "  {name}: {}", said.replace(['\n', '\r'], " "));
    }
    text
}

/// All that the files name and a lock, or a digest, says the meaning of.
fn pull_all(around: &Around) -> anyhow::Result<u8> {
    let (mut failed, mut text) = (false, String::new());
    match &around.extended {
        Ok(extended) => {
            for (source, content) in extended {
                let _ = writeln!(text, "plimsoll.toml  {source}  {content}");
            }
        }
        Err(message) => {
            failed = true;
            complain(&format!("error: {message}"));
        }
    }
    for side in around.sides() {
        let lock = side.lock.read()?.lock;
        for (name, table) in tables(side.file) {
            let Some(source) = table.place.source() else { continue };
            let pulled = Record::find(&lock, source).and_then(|record| {
                if side.is_user && record.as_ref().is_some_and(|record| !is_agreed(table, record)) {
                    return Err(other_than_agreed(source));
                }
                let agreed = record.as_ref().map(|record| &record.component).or(table.digest.as_ref());
                let agreed = agreed.ok_or_else(|| {
                    format!(
                        "{} does not say what {source} means: run `plimsoll plugin add {source}`",
                        side.lock.path().display()
                    )
                })?;
                if !around.is_let(&side, Some(agreed)) {
                    complain(&format!("note: {}", not_let(name, source)));
                    return Ok(None);
                }
                let keys = around.keys(&side, table, Some(agreed))?;
                let component = around.supply.component(source, agreed, record.as_ref(), side.lock.path(), &keys)?;
                let is_kept = around.supply.shelf().is_some_and(|shelf| shelf.has(component.digest()));
                if is_kept { Ok(Some(component)) } else { Err(around.supply.unkept(source)) }
            });
            match pulled {
                Ok(None) => {}
                Ok(Some(component)) => drop(writeln!(text, "{name}  {source}  {}", component.digest())),
                Err(message) => {
                    failed = true;
                    complain(&format!("error: plugin {name}: {message}"));
                }
            }
        }
    }
    print_lines(&text)?;
    Ok(if failed { FAILED } else { CLEAN })
}
