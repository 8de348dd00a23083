//! The files of configuration of a run: that of the tree, and the user's own.
//!
//! Input: what the command line says of the files. Invariant: what a stranger
//! may have written is not taken for the user's.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;

use super::choice::Choice;
use super::inputs::Given;
use crate::config::{self, File, FileOrigin, Files, Finder, Reach, Source, Texts, Variables, Whose, checkout};
use crate::discover::real;
use crate::lock::{self, LockFile};

/// What was read, and what there is to look for more.
pub(super) struct Configured {
    /// What the command line says in their stead, the nearest first.
    pub(super) overrides: Vec<File>,
    pub(super) tree: Option<File>,
    pub(super) user: Option<File>,
    /// The user's own file, where it lies in what is linted.
    pub(super) unread: Option<PathBuf>,
    pub(super) finder: Finder,
}

impl Configured {
    /// # Errors
    /// When one of them cannot be read or does not hold up.
    pub(super) fn read(given: Given, choice: &Choice, variables: &Variables) -> anyhow::Result<Self> {
        let overrides = choice.overrides(given.here)?;
        let mut finder = choice.finder(given.here, given.is_fetched)?;
        let tree = finder.nearest(&common_folder(given));
        let tree = tree.map(|path| finder.read_partly(&path)).transpose()?;
        let is_named = |tree: &File| tree.origin == FileOrigin::Named;
        let tree = tree.map(|tree| if is_named(&tree) { about(tree, given.here) } else { tree });
        let own = config::user_file(variables).filter(|path| !choice.isolated && path.is_file());
        let is_linted = own.as_ref().is_some_and(|path| is_linted(path, given, tree.as_ref()));
        let (unread, own) = if is_linted { (own, None) } else { (None, own) };
        let user = own.map(|path| config::read_all(&path, Reach::Anywhere, &Texts::new())).transpose()?;
        let user = user.map(|user| about(user, given.here));
        Ok(Self { overrides, tree, user, unread, finder })
    }

    /// What these files extend in registries and is not at hand.
    pub(super) fn unread(&self, texts: &Texts) -> Vec<(Whose, Source)> {
        let of = |whose, file: &Option<File>| {
            let sources = file.as_ref().map(|file| config::unread(file, texts)).unwrap_or_default();
            sources.into_iter().map(move |source| (whose, source))
        };
        of(Whose::Tree, &self.tree).chain(of(Whose::User, &self.user)).collect()
    }

    /// Reads the files again, with these texts of what they extend in registries.
    ///
    /// # Errors
    /// When one of them does not hold up.
    pub(super) fn learn(&mut self, texts: &Texts, here: &Path) -> anyhow::Result<()> {
        self.finder.learn(texts.clone());
        if let Some(tree) = &self.tree {
            let again = self.finder.read_partly(&tree.path)?;
            self.tree = Some(if again.origin == FileOrigin::Named { about(again, here) } else { again });
        }
        if let Some(user) = &self.user {
            self.user = Some(about(config::read_all(&user.path, Reach::Anywhere, texts)?, here));
        }
        Ok(())
    }

    /// Those of the working directory, and its lock.
    ///
    /// # Errors
    /// When one of them cannot be read or does not hold up.
    pub(super) fn here(variables: &Variables) -> anyhow::Result<(Self, LockFile)> {
        let here = env::current_dir().context("the working directory is gone")?;
        let given = Given {
            paths: &[Path::new(".").to_owned()],
            stdin_filename: None,
            context: None,
            here: &here,
            is_fetched: false,
            changes: None,
        };
        let configured = Self::read(given, &Choice::default(), variables)?;
        let lock = LockFile::at(configured.lock_folder(given).join(lock::FILE_NAME));
        Ok((configured, lock))
    }

    /// Where the lock lies: up the checkout where there is one, else beside the configuration, else at the root of
    /// the checkout, else where the run is.
    pub(super) fn lock_folder(&self, given: Given) -> PathBuf {
        let folder = common_folder(given);
        let root = if given.is_fetched { Some(given.here) } else { checkout(&folder) };
        let mut up = folder.ancestors().take_while(|above| root.is_some_and(|root| above.starts_with(root)));
        let there = up.find(|above| above.join(lock::FILE_NAME).exists());
        let found = self.tree.as_ref().filter(|tree| tree.origin == FileOrigin::Found);
        let configured = found.map(|tree| tree.folder.as_path());
        there.or(configured).or(root).unwrap_or(given.here).to_owned()
    }

    /// Those that have a say.
    pub(super) fn files(&self) -> Files<'_> {
        Files { overrides: &self.overrides, tree: self.tree.as_ref(), user: self.user.as_ref() }
    }
}

/// A file whose patterns are about what is here.
fn about(mut file: File, here: &Path) -> File {
    file.bases.iter_mut().for_each(|base| here.clone_into(&mut base.about));
    here.clone_into(&mut file.about);
    file
}

/// The folder that all paths lie in.
fn common_folder(given: Given) -> PathBuf {
    let shared = |one: PathBuf, other: PathBuf| {
        one.components().zip(other.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    };
    folders(given).reduce(shared).unwrap_or_else(|| given.here.to_owned())
}

/// Whether a file lies in what is linted, so that a stranger may have written it.
/// A checkout is one tree, whatever part of it is looked at.
fn is_linted(file: &Path, given: Given, tree: Option<&File>) -> bool {
    let canonical = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut linted: Vec<PathBuf> = folders(given).map(|folder| canonical(&folder)).collect();
    let here = canonical(given.here);
    let checkouts: Vec<PathBuf> =
        linted.iter().chain([&here]).filter_map(|folder| checkout(folder).map(Path::to_owned)).collect();
    linted.extend(checkouts);
    let found = tree.filter(|tree| tree.origin == FileOrigin::Found);
    linted.extend(found.map(|tree| canonical(&tree.folder)));
    linted.extend(given.context.map(|context| canonical(&given.here.join(context))));
    let places = [file.to_owned(), canonical(file)];
    linted.iter().any(|folder| places.iter().any(|place| place.starts_with(folder)))
}

/// The folders given, and those of the files given.
fn folders(given: Given<'_>) -> impl Iterator<Item = PathBuf> {
    let Given { paths, stdin_filename, here, .. } = given;
    let named = paths.iter().map(PathBuf::as_path).filter(|path| *path != Path::new("-"));
    named.chain(stdin_filename).map(move |path| {
        let real = real(&here.join(path));
        if real.is_dir() { real } else { real.parent().map_or(real.clone(), Path::to_owned) }
    })
}
