//! What is around a command about plugins: the user's own file, the tree's, and the
//! lock of each.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::super::configured::Configured;
use super::super::demand;
use super::super::extended::Pinned;
use super::super::supply::Supply;
use super::super::variables;
use super::{name_of, read};
use crate::config::{
    self, Config, Digest, File, Files, Flags, PluginTable, Reach, Source, Texts, TrustTable, Variables, user_file,
};
use crate::distribution::{Expected, Pulled, Record};
use crate::lock::{FILE_NAME, Lock, LockFile};
use crate::plugin::Component;
use crate::signature::Key;

/// The files, what they come to, and where components come from.
pub(super) struct Around {
    pub(super) variables: Variables,
    /// The user's own file, which need not exist.
    pub(super) user_path: PathBuf,
    pub(super) user: Option<File>,
    pub(super) tree: Option<File>,
    pub(super) config: Config,
    pub(super) supply: Supply,
    /// What the files extend in registries, as far as it could be had.
    pub(super) extended: Result<Vec<(Source, Digest)>, String>,
    user_lock: LockFile,
    tree_lock: LockFile,
}

/// One of the files with its lock.
pub(super) struct Side<'a> {
    pub(super) file: &'a File,
    pub(super) lock: &'a LockFile,
    pub(super) is_user: bool,
}

/// Who asks for a source: which lock says what it means, and what it says.
pub(super) struct Wanted<'a> {
    /// The tree's table, where the tree asks for it.
    pub(super) asked: Option<(&'a File, &'a str, &'a PluginTable)>,
    pub(super) lock: &'a LockFile,
    pub(super) record: Option<Record>,
}

impl Around {
    /// Reads the files around the working directory; `named` is a source on the command line.
    pub(super) fn read(cache_dir: Option<PathBuf>, offline: bool, named: Option<&Source>) -> anyhow::Result<Self> {
        let variables = variables();
        let user_path = user_file(&variables)
            .context("there is no place for your own plimsoll.toml: set HOME or XDG_CONFIG_HOME")?;
        let read = |path: &PathBuf| config::read_all(path, Reach::Anywhere, &Texts::new());
        let user = Some(&user_path).filter(|path| path.is_file()).map(read).transpose()?;
        let flags = Flags { cache_dir, offline, ..Flags::default() };
        let (mut configured, tree_lock) = Configured::here(&variables)?;
        let extended = match configured.unread(&Texts::new()).is_empty() {
            true => Ok(Vec::new()),
            false => extend(&mut configured, &tree_lock, flags.clone(), &variables).map_err(|error| error.to_string()),
        };
        let tree = configured.tree.filter(|tree| tree.path != user_path);
        let files = Files { tree: tree.as_ref(), user: user.as_ref(), ..Files::default() };
        let config = Config::settle(flags, &variables, files)?;
        let user_lock = LockFile::at(user_path.with_file_name(FILE_NAME));
        let supply = Supply::new(&config, files, named);
        Ok(Self { variables, user_path, user, tree, config, supply, extended, user_lock, tree_lock })
    }

    /// Both files, as far as they are there.
    pub(super) fn sides(&self) -> impl Iterator<Item = Side<'_>> {
        let user = self.users().map(|file| Side { file, lock: &self.user_lock, is_user: true });
        let tree =
            self.tree.iter().flat_map(File::layers).map(|file| Side { file, lock: &self.tree_lock, is_user: false });
        user.chain(tree)
    }

    /// Who asks for a source, and what the lock there says.
    pub(super) fn wanted(&self, source: &Source) -> anyhow::Result<Wanted<'_>> {
        let asked = self
            .tree
            .iter()
            .flat_map(File::layers)
            .flat_map(|file| tables(file).map(move |(name, table)| (file, name, table)));
        let asked = asked.into_iter().find(|(.., table)| table.place.source() == Some(source));
        let lock = if asked.is_some() { &self.tree_lock } else { &self.user_lock };
        let record = Record::find(&lock.read()?.lock, source).map_err(|message| anyhow!(message))?;
        Ok(Wanted { asked, lock, record })
    }

    /// Whether what a side names may be asked for and looked at: what a tree names, once the user let the component run.
    pub(super) fn is_let(&self, side: &Side, component: Option<&Digest>) -> bool {
        let is_let = |digest| self.trusted(digest).is_some() || self.config.trust.covers(digest);
        side.is_user || component.is_some_and(is_let)
    }

    /// The keys that a table of a side demands, where the component is this one.
    pub(super) fn keys(
        &self,
        side: &Side,
        table: &PluginTable,
        component: Option<&Digest>,
    ) -> Result<Vec<Key>, String> {
        let users = self.users().filter(|_| !side.is_user);
        demand::keys(side.file, table, users, component)
    }

    /// The user's own file and those that it extends, the nearest first.
    pub(super) fn users(&self) -> impl Iterator<Item = &File> {
        self.user.iter().flat_map(File::layers)
    }

    /// The user's word for a component that trees ask for, with the file that has it.
    pub(super) fn trusted(&self, component: &Digest) -> Option<(&File, &TrustTable)> {
        self.users().find_map(|file| Some((file, file.trust.get(component)?)))
    }

    /// The keys that any table here demands of a source, or of another version in the same repository.
    pub(super) fn keys_of(&self, source: &Source) -> anyhow::Result<Vec<Key>> {
        let mut keys = Vec::new();
        for side in self.sides() {
            let lock = side.lock.read()?.lock;
            for (_, table) in tables(side.file) {
                let Some(named) = table.place.source().filter(|named| named.is_beside(source)) else { continue };
                let record = Record::find(&lock, named).map_err(|message| anyhow!(message))?;
                let component = record.as_ref().map(|record| &record.component).or(table.digest.as_ref());
                keys.extend(self.keys(&side, table, component).map_err(|message| anyhow!(message))?);
            }
        }
        Ok(keys)
    }

    /// The component that a source means: as its lock says, else as it is now. One of the web needs a digest,
    /// told or written. All these keys must have signed it.
    pub(super) fn pull(
        &self,
        source: &Source,
        wanted: &Wanted,
        digest: Option<&Digest>,
        keys: &[Key],
    ) -> anyhow::Result<Pulled> {
        let written = wanted.asked.and_then(|(.., table)| table.digest.as_ref());
        let locked = wanted.record.as_ref().map(|record| &record.component);
        let agreed = digest.or(locked).or(written);
        let expected: Vec<Expected> =
            [("--digest says", digest), ("the lock says", locked), ("the tree says", written)]
                .into_iter()
                .filter_map(|(whose, component)| Some(Expected { component: component?, whose }))
                .collect();
        for expected in &expected {
            agreed.map_or(Ok(()), |agreed| expected.check(agreed)).map_err(|message| anyhow!("{source}: {message}"))?;
        }
        let content = match source {
            Source::Oci(_) => wanted.record.as_ref().map(|record| &record.content),
            Source::Web(_) => Some(
                agreed.with_context(|| format!("{source}: say which component you mean, with --digest sha256:…"))?,
            ),
        };
        self.supply.pull(source, content, expected.first().copied(), keys).map_err(|message| anyhow!(message))
    }
}

/// The component in a file, or that a source means as a lock has it, else now; and what that calls it.
pub(super) fn component(place: &str, cache_dir: Option<PathBuf>, offline: bool) -> anyhow::Result<(Component, String)> {
    if !Source::is_meant(place) {
        let path = Path::new(place);
        return Ok((read(path)?, name_of(path)));
    }
    let source: Source = place.parse().map_err(|message: String| anyhow!(message))?;
    let around = Around::read(cache_dir, offline, Some(&source))?;
    Ok((around.pull(&source, &around.wanted(&source)?, None, &around.keys_of(&source)?)?.component, source.name()))
}

/// Why a table of a tree is left out.
pub(super) fn not_let(name: &str, source: &Source) -> String {
    format!("{name}: the tree asks for {source}, which you have not let run: `plimsoll plugin add {source}`")
}

/// The plugins of a file by their names.
pub(super) fn tables(file: &File) -> impl Iterator<Item = (&str, &PluginTable)> {
    file.plugins.iter().map(|(name, table)| (name.as_str(), table))
}

/// Takes the records of sources out of a lock; says of which there were.
pub(super) fn prune(lock: &LockFile, gone: &[Source]) -> anyhow::Result<Vec<Source>> {
    let unneeded = |lock: &Lock| {
        let sources = crate::distribution::record::sources(lock).into_iter();
        sources.filter(|(_, source)| gone.contains(source)).collect::<Vec<_>>()
    };
    let gone = unneeded(&lock.read()?.lock);
    if !gone.is_empty() {
        lock.change(|lock| unneeded(lock).iter().for_each(|(key, _)| drop(lock.remove(key))))?;
    }
    Ok(gone.into_iter().map(|(_, source)| source).collect())
}

/// Reads the files with what they extend in registries, as the tree's lock says.
fn extend(
    configured: &mut Configured,
    lock: &LockFile,
    flags: Flags,
    variables: &Variables,
) -> anyhow::Result<Vec<(Source, Digest)>> {
    let config = Config::settle(flags, variables, configured.files())?;
    let supply = Supply::new(&config, configured.files(), None);
    let known = lock.read()?.lock;
    let here = env::current_dir().context("the working directory is gone")?;
    Pinned { lock: &known, path: lock.path(), learns: None }.extend(configured, &supply, &here)
}
