//! Which plugins of others run, and by whose word.
//!
//! Input: what the command line, the user's own file and the tree's file say.
//! Output: plugins with what is granted to them, and those that cannot be used
//! with the reason. Invariant: a component of the tree's choice runs only where
//! the user let its very bytes run, or said that the tree may choose.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;

use super::choice::Choice;
use super::demand;
use super::plugin::name_of;
use super::supply::{Supply, shown};
use crate::config::{Digest, File, Files, Grants, LimitsTable, Place, PluginTable, Source, Trust};
use crate::distribution::Record;
use crate::lock::{FILE_NAME, Lock, LockFile};
use crate::plugin::{Component, Host, Limits, Plugin, Unusable};

/// What is said of plugins.
pub(super) struct Wanted<'w> {
    /// `--plugin`: `[NAME=]FILE`.
    pub(super) named: &'w [String],
    pub(super) files: Files<'w>,
    pub(super) trust: &'w Trust,
    /// Where the components of sources come from.
    pub(super) supply: &'w Supply,
    /// What the tree's lock says of its sources, and where it is.
    pub(super) lock: &'w Lock,
    pub(super) lock_path: PathBuf,
    /// Whether it may be asked whether what floats has moved.
    pub(super) asks: bool,
    /// What the command line says of rules: plugins whose rules it leaves out altogether are not loaded.
    pub(super) choice: &'w Choice,
}

/// What became of it.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) plugins: Vec<Plugin>,
    /// One that cannot be used costs itself.
    pub(super) unusable: Vec<Unusable>,
    /// What the user may want to know.
    pub(super) notes: Vec<String>,
    /// Those of which no rule can run, and which are not loaded for that.
    pub(super) absent: Vec<String>,
}

/// Loads the plugins of others.
///
/// # Errors
/// When the command line gives two of them one name.
pub(super) fn load(host: &Arc<Host>, wanted: &Wanted) -> anyhow::Result<Loaded> {
    let mut loading = Loading { host, wanted, loaded: Loaded::default(), digests: Vec::new() };
    let mut names = HashSet::new();
    for argument in wanted.named {
        let (name, path) = named(argument);
        ensure!(names.insert(name.clone()), "--plugin: two plugins are called {name}; write --plugin NAME=FILE");
        loading.take(&name, |loading| loading.flag(&name, path));
    }
    // The user's own lock lies beside his file.
    let own_lock = wanted.files.user.map(own_lock);
    for (file, name, table) in tables(wanted.files.users()) {
        if names.insert(name.clone()) && !loading.passes_over(name) {
            loading.take(name, |loading| loading.own(name, file, table, own_lock.as_ref()));
        }
    }
    let mut asked_for = HashSet::new();
    for (file, name, table) in tables(wanted.files.trees()) {
        if !asked_for.insert(name) || !names.contains(name) && loading.passes_over(name) {
            continue;
        }
        let asked = loading.asked(file, table);
        let digest = asked.as_ref().ok().map(|asked| &asked.digest);
        let mut running = loading.digests.iter().filter(|(_, running)| Some(running) == digest).map(|(own, _)| own);
        let note = if names.contains(name) {
            let is_it = running.any(|own| own == name);
            (!is_it).then(|| "is another one than yours, which runs instead".to_owned())
        } else if let Some(own) = running.next() {
            Some(format!("runs as {own}, as you say in your own plimsoll.toml"))
        } else {
            loading.take(name, |loading| loading.of_tree(name, file, table, asked?));
            None
        };
        let noted = note.map(|note| format!("{}: plugin {name} {note}", file.path.display()));
        loading.loaded.notes.extend(noted);
    }
    Ok(loading.loaded)
}

/// What a plugin that `--plugin` names is called, and where it is.
pub(super) fn named(argument: &str) -> (String, &Path) {
    match argument.split_once('=') {
        Some((name, path)) => (name.to_owned(), Path::new(path)),
        None => (name_of(Path::new(argument)), Path::new(argument)),
    }
}

fn tables<'f>(files: impl Iterator<Item = &'f File>) -> impl Iterator<Item = (&'f File, &'f String, &'f PluginTable)> {
    files.flat_map(|file| file.plugins.iter().map(move |(name, table)| (file, name, table)))
}

/// A lock that may not hold up, which then costs those who need it.
type ReadLock = (PathBuf, Result<Lock, String>);

fn own_lock(user: &File) -> ReadLock {
    let file = LockFile::at(user.folder.join(FILE_NAME));
    let has_sources = tables(user.layers()).any(|(.., table)| table.place.source().is_some());
    let lock = match has_sources {
        true => file.read().map(|parsed| parsed.lock).map_err(|error| error.to_string()),
        false => Ok(Lock::default()),
    };
    (file.path().to_owned(), lock)
}

/// What a tree asks for.
struct Asked {
    digest: Digest,
    /// The component, where looking it up asks nobody.
    component: Option<Component>,
    record: Option<Record>,
}

struct Loading<'h> {
    host: &'h Arc<Host>,
    wanted: &'h Wanted<'h>,
    loaded: Loaded,
    /// By name, which components run.
    digests: Vec<(String, Digest)>,
}

impl Loading<'_> {
    /// Whether none of its rules can run, whatever they are; then it is noted.
    fn passes_over(&mut self, name: &str) -> bool {
        let passes = !self.wanted.choice.may_select(name);
        self.loaded.absent.extend(passes.then(|| name.to_owned()));
        passes
    }

    fn take(&mut self, name: &str, load: impl FnOnce(&mut Self) -> Result<Plugin, String>) {
        match load(self) {
            Ok(plugin) => self.loaded.plugins.push(plugin),
            Err(message) => self.loaded.unusable.push(Unusable { name: name.to_owned(), message }),
        }
    }

    /// Who names a component on the command line lets it ask for all that it imports.
    fn flag(&mut self, name: &str, path: &Path) -> Result<Plugin, String> {
        let component = read(path)?;
        let plugin = self.load(name, &path.display().to_string(), &component, Limits::default())?;
        let grants = Grants::all_of(&plugin.capabilities);
        Ok(plugin.granted(grants))
    }

    fn own(&mut self, name: &str, file: &File, table: &PluginTable, lock: Option<&ReadLock>) -> Result<Plugin, String> {
        let (component, shown) = match &table.place {
            Place::Path(path) => {
                let path = file.folder.join(path);
                (read(&path)?, path.display().to_string())
            }
            Place::Source(source) => (self.own_source(name, source, (file, table), lock)?, source.to_string()),
        };
        let digest = component.digest();
        if table.digest.as_ref() != Some(digest) && !self.wanted.trust.digests.contains(digest) {
            return Err(match &table.digest {
                None => format!(
                    "{shown}: your plimsoll.toml does not say which component it means; write digest = \"{digest}\" \
                     under [plugins.{name}], if that is the one"
                ),
                Some(named) => format!(
                    "{shown}: it is another component ({digest}) than the one you let run ({named}); look at it with \
                     `plimsoll plugin inspect`, then `plimsoll plugin add`"
                ),
            });
        }
        Ok(self.load(name, &shown, &component, limits(table.limits, false))?.granted(table.grants.clone()))
    }

    fn own_source(
        &mut self,
        name: &str,
        source: &Source,
        (file, table): (&File, &PluginTable),
        lock: Option<&ReadLock>,
    ) -> Result<Component, String> {
        let agreed = table.digest.as_ref().ok_or_else(|| {
            format!(
                "{source}: your plimsoll.toml does not say which component it means: run `plimsoll plugin add {source}`"
            )
        })?;
        let (path, lock) = lock.ok_or("there is no lock of your own")?;
        let record = Record::find(lock.as_ref().map_err(Clone::clone)?, source)?;
        let keys = demand::keys(file, table, std::iter::empty(), None)?;
        let component = self.wanted.supply.component(source, agreed, record.as_ref(), path, &keys)?;
        self.look_for_drift(name, source, record.as_ref());
        Ok(component)
    }

    fn look_for_drift(&mut self, name: &str, source: &Source, record: Option<&Record>) {
        let record = record.filter(|_| self.wanted.asks);
        let drift = record.and_then(|record| self.wanted.supply.drift(name, source, record));
        self.loaded.notes.extend(drift);
    }

    /// What a tree's file asks for; of a source, what its lock says. Nobody else is asked.
    fn asked(&self, file: &File, table: &PluginTable) -> Result<Asked, String> {
        let source = match &table.place {
            Place::Path(path) => {
                let component = read(&file.folder.join(path))?;
                return Ok(Asked { digest: component.digest().clone(), component: Some(component), record: None });
            }
            Place::Source(source) => source,
        };
        let record = Record::find(self.wanted.lock, source)?;
        match (record, &table.digest) {
            (Some(record), Some(digest)) if record.component != *digest => Err(format!(
                "{} says {digest} of {source}, and {} says {}",
                file.path.display(),
                self.wanted.lock_path.display(),
                record.component
            )),
            (Some(record), _) => Ok(Asked { digest: record.component.clone(), component: None, record: Some(record) }),
            (None, Some(digest)) => Ok(Asked { digest: digest.clone(), component: None, record: None }),
            (None, None) => Err(format!(
                "{} does not say what {source} means: run `plimsoll plugin add {source}`",
                self.wanted.lock_path.display()
            )),
        }
    }

    fn of_tree(&mut self, name: &str, file: &File, table: &PluginTable, asked: Asked) -> Result<Plugin, String> {
        let (wanted, digest) = (self.wanted, &asked.digest);
        let shown = match &table.place {
            Place::Path(path) => file.folder.join(path).display().to_string(),
            place @ Place::Source(_) => shown(place),
        };
        let Some(grants) = granted(digest, table, wanted) else {
            let asking = file.path.display();
            let is_trusted = |file: &File| file.trust.values().any(|trusted| trusted.name.as_deref() == Some(name));
            let known =
                tables(wanted.files.users()).any(|(_, of, _)| of == name) || wanted.files.users().any(is_trusted);
            let before = if known { "; what you let run under that name was another component" } else { "" };
            return Err(format!(
                "{asking} asks for {shown} ({digest}), which you have not let run{before}; look at it with `plimsoll \
                 plugin inspect {shown}`, then `plimsoll plugin add {shown}`, or use --trust {digest}"
            ));
        };
        let keys = demand::keys(file, table, wanted.files.users(), Some(digest))?;
        let component = match (asked.component, &table.place) {
            (Some(_), _) if !keys.is_empty() => {
                return Err(format!("{shown}: you want it signed by a key, and files have no signatures"));
            }
            (Some(component), _) => component,
            (None, Place::Source(source)) => {
                let record = asked.record.as_ref();
                let component = wanted.supply.component(source, digest, record, &wanted.lock_path, &keys)?;
                self.look_for_drift(name, source, record);
                component
            }
            (None, Place::Path(path)) => read(&file.folder.join(path))?,
        };
        Ok(self.load(name, &shown, &component, limits(table.limits, true))?.granted(grants))
    }

    fn load(&mut self, name: &str, shown: &str, component: &Component, limits: Limits) -> Result<Plugin, String> {
        let plugin = Plugin::load(self.host, name, component, limits)
            .map_err(|unusable| format!("{shown}: {}", unusable.message))?;
        self.digests.push((name.to_owned(), component.digest().clone()));
        Ok(plugin)
    }
}

/// What a component of the tree's choice may ask for; nothing if nobody let it run.
fn granted(digest: &Digest, table: &PluginTable, wanted: &Wanted) -> Option<Grants> {
    if let Some(trusted) = wanted.files.users().find_map(|user| user.trust.get(digest)) {
        return Some(trusted.grants.clone());
    }
    // Tools are for the user to grant, whatever else the tree may choose.
    wanted.trust.covers(digest).then(|| Grants { console: Vec::new(), ..table.grants.clone() })
}

/// What the configuration allows; a tree can only ask for less than any other plugin has.
fn limits(table: LimitsTable, is_of_tree: bool) -> Limits {
    let LimitsTable { memory, time, table_elements, requests, findings, log } = table;
    let default = Limits::default();
    let settled = |own: Option<usize>, default: usize| match own {
        Some(own) if is_of_tree => own.min(default),
        Some(own) => own,
        None => default,
    };
    let call_time = time.unwrap_or(default.call_time);
    Limits {
        memory_bytes: settled(memory, default.memory_bytes),
        table_elements: settled(table_elements, default.table_elements),
        call_time: if is_of_tree { call_time.min(default.call_time) } else { call_time },
        requests: settled(requests, default.requests),
        findings: settled(findings, default.findings),
        log_bytes: settled(log, default.log_bytes),
    }
}

fn read(path: &Path) -> Result<Component, String> {
    Component::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
