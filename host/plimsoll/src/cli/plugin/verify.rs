//! `plimsoll plugin verify`.

use std::path::PathBuf;

use clap::Args;
use plimsoll_dockerfile::Reference;

use super::super::{CLEAN, FAILED, FOUND, complain, print_lines};
use super::around::{Around, Side, not_let, tables};
use crate::config::{PluginTable, Source};
use crate::distribution::{Artifact, Described, Record};
use crate::question::SkipReason;
use crate::signature::{Key, Refusal};

/// Hold plugins from elsewhere against the locks, what is kept of them, and their registries
///
/// Exit status: 1 if something is not what a lock says, or is gone from its registry. That a
/// tag has moved is told, and no failure. What the tree names and you have not let run is left out.
#[derive(Args)]
#[command(after_help = "Example: plimsoll plugin verify --offline")]
pub(super) struct Arguments {
    /// Ask no registry
    #[arg(long)]
    offline: bool,
    /// Folder of the cache, where plugins are kept [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

/// What was found.
#[derive(Default)]
struct Found {
    said: String,
    is_wrong: bool,
    is_unknown: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let around = Around::read(arguments.cache_dir.clone(), arguments.offline, None)?;
    let mut found = Found::default();
    for side in around.sides() {
        let lock = side.lock.read()?.lock;
        for (name, table) in tables(side.file) {
            let Some(source) = table.place.source() else { continue };
            match Record::find(&lock, source) {
                Err(message) => found.wrong(name, &message),
                Ok(None) => {
                    found.wrong(name, &format!("{} does not say what {source} means", side.lock.path().display()))
                }
                Ok(Some(record)) if !around.is_let(&side, Some(&record.component)) => {
                    complain(&format!("note: {}", not_let(name, source)));
                }
                Ok(Some(record)) => {
                    let keys = around.keys(&side, table, Some(&record.component));
                    let keys = keys.unwrap_or_else(|message| {
                        found.wrong(name, &message);
                        Vec::new()
                    });
                    found.hold(&around, &side, (name, table), &record, &keys);
                    if !around.config.offline {
                        found.ask(&around, name, source, &record, &keys);
                    }
                }
            }
        }
    }
    print_lines(&found.said)?;
    Ok(match (found.is_wrong, found.is_unknown) {
        (_, true) => FAILED,
        (true, false) => FOUND,
        (false, false) => CLEAN,
    })
}

impl Found {
    fn say(&mut self, word: &str, name: &str, what: &str) {
        self.said.push_str(&format!("{word}: {name}: {what}\n"));
    }

    fn wrong(&mut self, name: &str, what: &str) {
        self.is_wrong = true;
        self.say("wrong", name, what);
    }

    /// Against what is kept, and the user's word.
    fn hold(
        &mut self,
        around: &Around,
        side: &Side,
        (name, table): (&str, &PluginTable),
        record: &Record,
        keys: &[Key],
    ) {
        let Record { content, component: locked, contract, capabilities, .. } = record;
        if let Some(digest) = table.digest.as_ref().filter(|digest| *digest != locked) {
            let (file, lock) = (side.file.path.display(), side.lock.path().display());
            self.wrong(name, &format!("{file} says {digest}, and {lock} says {locked}"));
        }
        let Some(shelf) = around.supply.shelf() else { return };
        if let Some(artifact) = shelf.get(content).and_then(|manifest| Artifact::read(&manifest).ok())
            && artifact.layer.digest != *locked
        {
            self.wrong(name, &format!("{content} holds {}, and the lock says {locked}", artifact.layer.digest));
        }
        let Some(component) = shelf.component(locked) else {
            self.say("missing", name, &format!("{locked} is not on this machine; `plimsoll plugin pull` brings it"));
            return;
        };
        for key in keys.iter().filter(|key| shelf.proof(key, content).is_none()) {
            let lacks = format!("a signature of {content} by the key {} is not on this machine", key.id());
            self.say("missing", name, &format!("{lacks}; `plimsoll plugin pull` brings it"));
        }
        let described = Described::of(&component);
        if described.contract() != Some(contract.as_str()) {
            let of = described.contract().unwrap_or("none");
            self.wrong(name, &format!("it is made for the contract {of}, and the lock says {contract}"));
        }
        let imports = described.capabilities();
        if !imports.iter().copied().eq(capabilities.iter().map(String::as_str)) {
            let (imports, told) =
                (imports.into_iter().collect::<Vec<_>>(), capabilities.iter().cloned().collect::<Vec<_>>());
            self.wrong(
                name,
                &format!("it can ask for [{}], and the lock says [{}]", imports.join(", "), told.join(", ")),
            );
        }
    }

    /// Against its registry.
    fn ask(&mut self, around: &Around, name: &str, source: &Source, record: &Record, keys: &[Key]) {
        let Source::Oci(reference) = source else { return };
        let remote = match around.supply.remote() {
            Ok(remote) => remote,
            Err(message) => return complain(&message),
        };
        let by_content = Reference { tag: None, digest: Some(record.content.to_string()), ..reference.clone() };
        match remote.manifest(&by_content) {
            Ok(_) => {}
            Err(failure) if failure.reason == SkipReason::NotFound => {
                self.is_wrong = true;
                self.say("gone", name, &failure.detail);
            }
            Err(failure) => self.unknown(name, &failure.detail),
        }
        for key in keys {
            match remote.proof(key, reference, &record.content) {
                Ok(_) => {}
                Err(Refusal::Registry(error)) => self.unknown(name, &error.to_string()),
                Err(refusal) => self.wrong(name, &refusal.to_string()),
            }
        }
        if reference.digest.is_some() {
            return;
        }
        match remote.manifest(reference) {
            Ok(now) if now.digest == record.content.as_str() => {}
            Ok(now) => self.say("moved", name, &format!("{source} {} -> {}", record.content, now.digest)),
            Err(failure) if failure.reason == SkipReason::NotFound => self.say("moved", name, &failure.detail),
            Err(failure) => self.unknown(name, &failure.detail),
        }
    }

    fn unknown(&mut self, name: &str, what: &str) {
        self.is_unknown = true;
        complain(&format!("error: plugin {name}: {what}"));
    }
}
