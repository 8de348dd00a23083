//! What git says of a checkout's files: which have changed, and what is staged.
//!
//! Input: a folder, and what its files are compared with. Output: paths, and for staged files their content.
//! Invariants: whoever wrote the checkout's configuration has nothing run (git compares no files, which would
//! call filters: it lists commits and the index, and files are digested here), and paths are only ever compared
//! with those of files that are linted anyway.
//!
//! In reading order: `git` (which words and variables it is given), `list` (what it prints), `object` (contents),
//! `index`, [`Changes`].

mod git;
mod index;
mod list;
mod object;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::limits::{CHANGES_LIST_BYTES_MAX, SOURCE_BYTES_MAX};
use git::Git;
use index::Index;
use object::is_blob;

/// Git cannot say. Exit status 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ChangesError(String);

/// What has changed in a checkout.
#[derive(Debug)]
pub struct Changes {
    /// The root of the checkout, by way of no links.
    root: PathBuf,
    /// What everything is compared with, for people.
    since: String,
    /// The objects that files were then; nothing where there was none.
    before: BTreeMap<PathBuf, String>,
    index: Index,
    /// Who hands over what is staged, where that is what counts.
    staged: Option<Git>,
}

/// The staged content of a file.
#[derive(Debug)]
pub enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is larger than what is linted.
    TooLarge,
}

impl Changes {
    /// What differs in the working folder from a revision, else from where the branch began.
    ///
    /// # Errors
    /// When there is no checkout, no git or no such revision.
    pub fn since(folder: &Path, revision: Option<&str>) -> Result<Self, ChangesError> {
        let (git, root) = open(folder)?;
        let base = base(&git, &root, revision)?;
        let before = base.as_ref().map(|(commit, _)| tree(&git, &root, commit)).transpose()?;
        let since = base.map_or_else(|| "the beginning: there is no commit yet".to_owned(), |(_, since)| since);
        let index = Index::read(&git, &root)?;
        Ok(Self { root, since, before: before.unwrap_or_default(), index, staged: None })
    }

    /// What `git commit` would take.
    ///
    /// # Errors
    /// When there is no checkout or no git.
    pub fn staged(folder: &Path) -> Result<Self, ChangesError> {
        let (git, root) = open(folder)?;
        let index = Index::staged(&git, &root)?;
        let head = commit(&git, "HEAD")?;
        let before = head.map(|head| tree(&git, &root, &head)).transpose()?.unwrap_or_default();
        Ok(Self { root, since: "the last commit".to_owned(), before, index, staged: Some(git) })
    }

    /// What everything is compared with, for people.
    pub fn since_what(&self) -> &str {
        &self.since
    }

    /// The root of the checkout, by way of no links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is, or was, something at a path or below.
    pub fn knows(&self, path: &Path) -> bool {
        is_or_holds(&self.before, path) || self.index.knows(path)
    }

    /// Whether a file was changed, added or removed. What lies in a submodule is another repository's.
    pub fn has(&self, path: &Path) -> bool {
        if self.index.is_in_module(path) {
            return false;
        }
        let before = self.before.get(path);
        if self.staged.is_some() {
            let target = self.index.file(path).filter(|file| *file != path);
            return before.map(String::as_str) != self.index.object(path) || target.is_some_and(|file| self.has(file));
        }
        match (fs::symlink_metadata(path), before) {
            (Err(_), before) => before.is_some(),
            (Ok(_), None) => true,
            // Git itself would run filters to know.
            (Ok(metadata), Some(object)) if metadata.is_symlink() => {
                let is_same = fs::read_link(path).is_ok_and(|target| is_blob(list::bytes(&target), object));
                !is_same || fs::canonicalize(path).is_ok_and(|target| target != path && self.has(&target))
            }
            (Ok(metadata), Some(object)) => !metadata.is_file() || !is_file_blob(path, object),
        }
    }

    /// The files that are staged, changed or not, and links to them; nothing where those of the folder count.
    pub fn staged_files(&self) -> Option<impl Iterator<Item = &Path>> {
        self.staged.as_ref().map(|_| self.index.files())
    }

    /// The staged content of these files, in their order.
    ///
    /// # Errors
    /// When git does not hand it over.
    pub fn contents(&self, paths: &[PathBuf]) -> Result<Vec<Content>, ChangesError> {
        let Some(git) = &self.staged else { return Ok(Vec::new()) };
        let objects = paths.iter().filter_map(|path| self.index.object(self.index.file(path)?));
        let size_max = usize::try_from(SOURCE_BYTES_MAX).unwrap_or(usize::MAX);
        let contents = object::contents(git, &objects.collect::<Vec<_>>(), size_max)?;
        Ok(contents.into_iter().map(|bytes| bytes.map_or(Content::TooLarge, Content::Bytes)).collect())
    }
}

/// The checkout that a folder is part of.
fn open(folder: &Path) -> Result<(Git, PathBuf), ChangesError> {
    let git = Git::of(folder)?;
    let root = git.ask(&["rev-parse", "--show-toplevel"], b"", CHANGES_LIST_BYTES_MAX)?;
    let root = list::path(root.strip_suffix(b"\n").unwrap_or(&root));
    let root = fs::canonicalize(&root).map_err(|error| ChangesError(format!("{}: {error}", root.display())))?;
    Ok((git.at(&root), root))
}

/// The files of a commit, as objects.
fn tree(git: &Git, root: &Path, commit: &str) -> Result<BTreeMap<PathBuf, String>, ChangesError> {
    let listed = git.ask(&["ls-tree", "-r", "-z", "--full-tree", commit], b"", CHANGES_LIST_BYTES_MAX)?;
    let listed = list::of_tree(&listed).ok_or_else(unreadable)?;
    Ok(listed.into_iter().map(|(path, object)| (root.join(path), object)).collect())
}

/// Whether there is something at a path or below.
fn is_or_holds<T>(entries: &BTreeMap<PathBuf, T>, path: &Path) -> bool {
    entries.range(path.to_owned()..).next().is_some_and(|(first, _)| first.starts_with(path))
}

fn unreadable() -> ChangesError {
    ChangesError("git prints what this Plimsoll does not understand".to_owned())
}

/// The commit that a name means, if there is one.
fn commit(git: &Git, name: &str) -> Result<Option<String>, ChangesError> {
    let name = format!("{name}^{{commit}}");
    let found = git.ask_whether(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
    Ok(found.map(|text| text.trim().to_owned()))
}

/// What everything is compared with, and how to call that; nothing in a checkout without commits.
fn base(git: &Git, root: &Path, revision: Option<&str>) -> Result<Option<(String, String)>, ChangesError> {
    if let Some(revision) = revision {
        return match commit(git, revision)? {
            Some(commit) => Ok(Some((commit, revision.to_owned()))),
            None => Err(ChangesError(format!(
                "git knows no revision {revision} in {}: write a commit, branch or tag; paths stand before --changed, or \
                 after --changed=REV",
                root.display()
            ))),
        };
    }
    let Some(head) = commit(git, "HEAD")? else { return Ok(None) };
    for (name, shown) in [
        ("@{upstream}", "the upstream branch"),
        ("refs/remotes/origin/HEAD", "the default branch"),
        ("refs/heads/main", "main"),
        ("refs/heads/master", "master"),
    ] {
        let Some(other) = commit(git, name)? else { continue };
        // Histories may have nothing in common.
        if let Some(shared) = git.ask_whether(&["merge-base", &head, &other])? {
            return Ok(Some((shared.trim().to_owned(), format!("the last commit shared with {shown}"))));
        }
    }
    Ok(Some((head, "the last commit".to_owned())))
}

/// Whether a file is what git keeps as this object; line ends may be those of another system.
fn is_file_blob(path: &Path, object: &str) -> bool {
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut content));
    // What is too large is not linted, which is to be said.
    if read.is_err() || content.len() as u64 > SOURCE_BYTES_MAX {
        return false;
    }
    if is_blob(&content, object) {
        return true;
    }
    let next = content.iter().skip(1).map(Some).chain([None]);
    let plain = content.iter().zip(next).filter(|(byte, next)| !(**byte == b'\r' && *next == Some(&b'\n')));
    let plain: Vec<u8> = plain.map(|(byte, _)| *byte).collect();
    is_blob(&plain, object)
}
