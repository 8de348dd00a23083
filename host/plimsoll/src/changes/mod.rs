//! What git says of a checkout's files: which have changed, and what is staged.
//!
//! Input: a folder, and what its files are compared with. Output: paths, and for staged files their content.
//! Invariants: whoever wrote the checkout's configuration has nothing run (git compares no files, which would
//! call filters: it lists commits and the index, and files are digested here), and paths are only ever compared
//! with those of files that are linted anyway.
//!
//! In reading order: `git` (which words and variables it is given), `list` (what it prints), [`Changes`].

mod git;
mod list;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use thiserror::Error;

use crate::limits::{CHANGES_BYTES_MAX, CHANGES_BYTES_TOGETHER, CHANGES_LIST_BYTES_MAX, SOURCE_BYTES_MAX};
use git::Git;

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
    before: HashMap<PathBuf, String>,
    /// What is staged of all files, where that is what counts.
    staged: Option<Staged>,
}

/// What is staged.
#[derive(Debug)]
struct Staged {
    git: Git,
    /// The objects of regular files.
    files: BTreeMap<PathBuf, String>,
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
        Ok(Self { root, since, before: before.unwrap_or_default(), staged: None })
    }

    /// What `git commit` would take.
    ///
    /// # Errors
    /// When there is no checkout or no git.
    pub fn staged(folder: &Path) -> Result<Self, ChangesError> {
        let (git, root) = open(folder)?;
        let index = git.ask(&["ls-files", "--stage", "-z"], b"", CHANGES_LIST_BYTES_MAX)?;
        let index = list::of_index(&index).ok_or_else(unreadable)?;
        let files = index.into_iter().map(|(path, object)| (root.join(path), object)).collect();
        let head = commit(&git, "HEAD")?;
        let before = head.map(|head| tree(&git, &root, &head)).transpose()?.unwrap_or_default();
        Ok(Self { root, since: "the last commit".to_owned(), before, staged: Some(Staged { git, files }) })
    }

    /// What everything is compared with, for people.
    pub fn since_what(&self) -> &str {
        &self.since
    }

    /// The root of the checkout, by way of no links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a file was changed, added or removed.
    pub fn has(&self, path: &Path) -> bool {
        let before = self.before.get(path);
        if let Some(staged) = &self.staged {
            return before != staged.files.get(path);
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

    /// The files that are staged, changed or not; nothing where those of the folder count.
    pub fn staged_files(&self) -> Option<impl Iterator<Item = &Path>> {
        self.staged.as_ref().map(|staged| staged.files.keys().map(PathBuf::as_path))
    }

    /// The staged content of these files, in their order.
    ///
    /// # Errors
    /// When git does not hand it over.
    pub fn contents(&self, paths: &[PathBuf]) -> Result<Vec<Content>, ChangesError> {
        let Some(Staged { git, files }) = &self.staged else { return Ok(Vec::new()) };
        let objects: Vec<&str> = paths.iter().filter_map(|path| Some(files.get(path)?.as_str())).collect();
        let lines =
            |objects: &[&str]| objects.iter().flat_map(|object| [object, "\n"]).collect::<String>().into_bytes();
        let sizes = git.ask(&["cat-file", "--batch-check=%(objectsize)"], &lines(&objects), CHANGES_LIST_BYTES_MAX)?;
        let sizes: Vec<usize> = String::from_utf8_lossy(&sizes).lines().filter_map(|line| line.parse().ok()).collect();
        if sizes.len() != objects.len() {
            return Err(ChangesError("git does not have all that is staged: see `git fsck`".to_owned()));
        }
        let size_max = usize::try_from(SOURCE_BYTES_MAX).unwrap_or(usize::MAX);
        if sizes.iter().filter(|size| **size <= size_max).sum::<usize>() > CHANGES_BYTES_MAX {
            return Err(ChangesError(format!(
                "more than {CHANGES_BYTES_MAX} bytes are staged: name some of the files"
            )));
        }
        let mut contents = Vec::new();
        let mut rest = objects.into_iter().zip(sizes).peekable();
        while rest.peek().is_some() {
            // As many as fit, and one in any case.
            let (mut together, mut bytes) = (Vec::new(), 0);
            while let Some((object, size)) = rest.next_if(|_| bytes < CHANGES_BYTES_TOGETHER) {
                let is_wanted = size <= size_max;
                bytes += if is_wanted { size } else { 0 };
                together.push(is_wanted.then_some(object));
            }
            let wanted: Vec<&str> = together.iter().flatten().copied().collect();
            let output_max = CHANGES_BYTES_TOGETHER + size_max + CHANGES_LIST_BYTES_MAX;
            let output = git.ask(&["cat-file", "--batch"], &lines(&wanted), output_max)?;
            let mut given = list::contents(&output).ok_or_else(unreadable)?.into_iter();
            for object in together {
                contents.push(match object {
                    Some(_) => Content::Bytes(given.next().ok_or_else(unreadable)?),
                    None => Content::TooLarge,
                });
            }
        }
        Ok(contents)
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
fn tree(git: &Git, root: &Path, commit: &str) -> Result<HashMap<PathBuf, String>, ChangesError> {
    let listed = git.ask(&["ls-tree", "-r", "-z", "--full-tree", commit], b"", CHANGES_LIST_BYTES_MAX)?;
    let listed = list::of_tree(&listed).ok_or_else(unreadable)?;
    Ok(listed.into_iter().map(|(path, object)| (root.join(path), object)).collect())
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

fn is_blob(content: &[u8], object: &str) -> bool {
    let algorithm = if object.len() == 64 { &SHA256 } else { &SHA1_FOR_LEGACY_USE_ONLY };
    let mut digest = Context::new(algorithm);
    digest.update(format!("blob {}\0", content.len()).as_bytes());
    digest.update(content);
    let digest: String = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    digest == object
}
