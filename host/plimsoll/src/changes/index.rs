//! The index of a checkout, which the next commit is made of.
//!
//! Output: files, links and submodules by their paths, and where links lead in it. Invariant: no link leads out of the
//! index, whatever there is in the folder.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

use super::git::Git;
use super::list::{self, Entry, Kind};
use super::object::{self, is_blob};
use super::{ChangesError, is_or_holds, unreadable};
use crate::limits::{CHANGES_LINK_BYTES_MAX, CHANGES_LINKS_MAX, CHANGES_LIST_BYTES_MAX};

/// What is in the index, but for sides of a conflict.
#[derive(Debug)]
pub(super) struct Index {
    entries: BTreeMap<PathBuf, Entry>,
    /// By link, where it leads to, whatever is there.
    targets: BTreeMap<PathBuf, PathBuf>,
}

impl Index {
    /// All of it, links as they are.
    pub(super) fn read(git: &Git, root: &Path) -> Result<Self, ChangesError> {
        let listed = git.ask(&["ls-files", "--stage", "-z"], b"", CHANGES_LIST_BYTES_MAX)?;
        let listed = list::of_index(&listed).ok_or_else(unreadable)?;
        let entries = listed.into_iter().map(|(path, entry)| (root.join(path), entry)).collect();
        Ok(Self { entries, targets: BTreeMap::new() })
    }

    /// What `git commit` would take, with where links lead.
    pub(super) fn staged(git: &Git, root: &Path) -> Result<Self, ChangesError> {
        let mut index = Self::read(git, root)?;
        index.forget_intents(git, root)?;
        let links = index.entries.iter().filter(|(_, entry)| entry.kind == Kind::Link);
        let (links, objects): (Vec<_>, Vec<_>) = links.map(|(path, entry)| (path, entry.object.as_str())).unzip();
        let texts = object::contents(git, &objects, CHANGES_LINK_BYTES_MAX)?;
        let targets = links.into_iter().zip(texts);
        let targets = targets.filter_map(|(link, text)| Some((link.clone(), index.target(root, link, &text?)?)));
        index.targets = targets.collect();
        Ok(index)
    }

    /// `git add --intent-to-add` notes files as empty ones, which no commit takes.
    fn forget_intents(&mut self, git: &Git, root: &Path) -> Result<(), ChangesError> {
        let is_in_doubt = |entry: &Entry| entry.kind == Kind::File && is_blob(b"", &entry.object);
        if !self.entries.values().any(is_in_doubt) {
            return Ok(());
        }
        let nothing = git.ask(&["hash-object", "-t", "tree", "--stdin"], b"", CHANGES_LIST_BYTES_MAX)?;
        let nothing = String::from_utf8_lossy(&nothing);
        let words = ["diff-index", "--cached", "--ita-invisible-in-index", "--no-renames", "--name-only", "-z"];
        let words = [&words[..], &[nothing.trim()]].concat();
        let named = git.ask(&words, b"", CHANGES_LIST_BYTES_MAX)?;
        let named: HashSet<PathBuf> = named.split(|byte| *byte == 0).map(|path| root.join(list::path(path))).collect();
        self.entries.retain(|path, entry| !is_in_doubt(entry) || named.contains(path));
        Ok(())
    }

    /// Where a link leads by its text.
    fn target(&self, root: &Path, link: &Path, text: &[u8]) -> Option<PathBuf> {
        let mut target = link.parent()?.to_owned();
        for part in list::path(text).components() {
            // What is no folder leads elsewhere from here on, or nowhere.
            if self.entries.contains_key(&target) {
                return None;
            }
            match part {
                Component::Normal(name) => target.push(name),
                Component::CurDir => {}
                Component::ParentDir if target != root => drop(target.pop()),
                _ => return None,
            }
        }
        Some(target)
    }

    /// The object of a file or a link.
    pub(super) fn object(&self, path: &Path) -> Option<&str> {
        let entry = self.entries.get(path).filter(|entry| entry.kind != Kind::Module)?;
        Some(&entry.object)
    }

    /// The file that there is at a path, or that a link there leads to.
    pub(super) fn file(&self, path: &Path) -> Option<&Path> {
        let (mut path, mut entry) = self.entries.get_key_value(path)?;
        for _ in 0..CHANGES_LINKS_MAX {
            match entry.kind {
                Kind::File => return Some(path),
                Kind::Module => return None,
                Kind::Link => (path, entry) = self.entries.get_key_value(self.targets.get(path)?)?,
            }
        }
        None
    }

    /// All files, and links that lead to one.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.entries.keys().map(PathBuf::as_path).filter(|path| self.file(path).is_some())
    }

    /// Whether a path is a submodule, or lies in one.
    pub(super) fn is_in_module(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.entries.get(above).is_some_and(|entry| entry.kind == Kind::Module))
    }

    /// Whether there is something at a path or below.
    pub(super) fn knows(&self, path: &Path) -> bool {
        is_or_holds(&self.entries, path)
    }
}
