//! The files of a run: all that the paths stand for, or those of them that have changed.
//!
//! Input: paths, and what git says. Output: files, with their staged content where that is what counts.
//! Invariant: where git is asked, no file is taken that lies outside of its checkout.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};

use super::inputs::Given;
use crate::changes::{Changes, Content};
use crate::config::{FILE_NAME, File, Finder, HIDDEN_FILE_NAME};
use crate::discover::{Found, discover, is_dockerfile, real};
use crate::finding::{Problem, ProblemKind};
use crate::limits::{FILES_MAX, SOURCE_BYTES_MAX};

/// Files beside or above a Dockerfile that say something of how it is linted.
const CONFIGURATIONS: [&str; 2] = [FILE_NAME, HIDDEN_FILE_NAME];
/// What of a build context is left out. Those of one Dockerfile alone have its name in front.
const IGNORE_FILES: [&str; 2] = [".dockerignore", ".containerignore"];

/// A file to lint.
pub(super) struct Chosen {
    pub(super) found: Found,
    /// Its bytes, where those on the disk do not count.
    pub(super) staged: Option<Vec<u8>>,
}

/// What `--changed` or `--staged` asks git for; nothing where neither is said.
///
/// # Errors
/// When git cannot say.
pub(super) fn changes(
    changed: Option<&str>,
    is_staged: bool,
    paths: &[PathBuf],
    here: &Path,
) -> anyhow::Result<Option<Changes>> {
    if changed.is_none() && !is_staged {
        return Ok(None);
    }
    ensure!(
        !paths.iter().any(|path| is_standard_input(path)),
        "standard input is in no checkout: leave out --changed and --staged, or name files"
    );
    let first = paths.first().map_or_else(|| here.to_owned(), |path| here.join(path));
    let folder = first.ancestors().find(|folder| folder.is_dir()).unwrap_or(here);
    Ok(Some(match changed {
        Some(revision) => Changes::since(folder, Some(revision).filter(|revision| !revision.is_empty()))?,
        None => Changes::staged(folder)?,
    }))
}

/// The files that the paths stand for; `named` is the configuration that holds for all, if the command line names one.
///
/// # Errors
/// When a path lies in another checkout, or git does not hand over what is staged.
pub(super) fn chosen(given: Given, paths: &[PathBuf], named: Option<&File>) -> anyhow::Result<Vec<Chosen>> {
    let root = given.is_fetched.then_some(given.here);
    let Some(changes) = given.changes else {
        return Ok(discover(paths, root).into_iter().map(|found| Chosen { found, staged: None }).collect());
    };
    let places: Vec<PathBuf> = paths.iter().map(|path| place(&given.here.join(path))).collect();
    if let Some((path, _)) = paths.iter().zip(&places).find(|(_, place)| !place.starts_with(changes.root())) {
        bail!("{} is not in the checkout {}: lint it by itself", path.display(), changes.root().display());
    }
    // What was removed is no mistake.
    let gone = paths.iter().zip(&places).filter(|(_, place)| place.symlink_metadata().is_err());
    let (removed, unknown): (Vec<_>, Vec<_>) = gone.partition(|(_, place)| changes.knows(place));
    let mut paths = paths.to_vec();
    paths.retain(|path| !removed.iter().chain(&unknown).any(|(gone, _)| *gone == path));
    let unknown: Vec<PathBuf> = unknown.into_iter().map(|(path, _)| path.clone()).collect();
    let unknown = discover(&unknown, root).into_iter().map(|found| Chosen { found, staged: None });
    let context = given.context.map(|context| real(&given.here.join(context).join(".")));
    let named = named.iter().flat_map(|file| file.layers()).map(|file| real(&given.here.join(&file.path))).collect();
    let mut selection = Selection { changes, context, named, known: HashMap::new() };
    let Some(staged) = changes.staged_files() else {
        let mut found = discover(&paths, root);
        found.retain(|file| selection.has(&file.real));
        return Ok(found.into_iter().map(|found| Chosen { found, staged: None }).chain(unknown).collect());
    };
    let is_meant = |file: &&Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        places.iter().any(|place| *file == place || file.starts_with(place) && is_dockerfile(&name))
    };
    let files: Vec<PathBuf> = staged.filter(is_meant).filter(|file| selection.has(file)).map(Path::to_owned).collect();
    ensure!(files.len() <= FILES_MAX, "more than {FILES_MAX} Dockerfiles are staged; name some of them");
    let contents = changes.contents(&files)?;
    let chosen = files.into_iter().zip(contents).map(|(file, content)| {
        let (staged, problem) = match content {
            Content::Bytes(bytes) => (Some(bytes), None),
            Content::TooLarge => (None, Some(too_large())),
        };
        let is_named = places.contains(&file);
        Chosen { found: Found { path: file.clone(), real: file, is_named, problem }, staged }
    });
    Ok(chosen.chain(unknown).collect())
}

/// The path by way of no links to folders; of what is not there, as far as it is.
fn place(path: &Path) -> PathBuf {
    if path.symlink_metadata().is_ok() {
        return real(path);
    }
    let there =
        path.ancestors().find_map(|above| Some((fs::canonicalize(above).ok()?, path.strip_prefix(above).ok()?)));
    there.map_or_else(|| path.to_owned(), |(above, rest)| above.join(rest))
}

/// Which Dockerfiles count as changed.
struct Selection<'c> {
    changes: &'c Changes,
    /// The build context of all, if it was given.
    context: Option<PathBuf>,
    /// The configuration of all, if it was named, with what it extends.
    named: Vec<PathBuf>,
    /// Whether these have changed, which many Dockerfiles may share.
    known: HashMap<PathBuf, bool>,
}

impl Selection<'_> {
    fn has(&mut self, file: &Path) -> bool {
        let Self { changes, context, named, known } = self;
        changes.has(file)
            || around(file, context.as_deref()).into_iter().chain(named.iter().cloned()).any(|path| {
                // What lies outside is no part of the checkout.
                let has = |path: &Path| path.starts_with(changes.root()) && changes.has(path);
                let has = |path: &Path| has(path) || extended(path).iter().any(|base| has(&real(base)));
                known.get(&path).copied().unwrap_or_else(|| *known.entry(path.clone()).or_insert_with(|| has(&path)))
            })
    }
}

/// Files that there may be beside or above a Dockerfile and that say something of how it is linted.
pub(super) fn around(file: &Path, context: Option<&Path>) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(file);
    let beside = IGNORE_FILES.iter().map(|ending| {
        let mut name = OsString::from(file);
        name.push(ending);
        PathBuf::from(name)
    });
    let in_context = IGNORE_FILES.iter().map(|name| context.unwrap_or(folder).join(name));
    let above = folder.ancestors().flat_map(|above| CONFIGURATIONS.iter().map(|name| above.join(name)));
    beside.chain(in_context).chain(above).collect()
}

/// What a file extends, if it is one of configuration; one that does not hold up extends nothing.
pub(super) fn extended(path: &Path) -> Vec<PathBuf> {
    let is_configuration = CONFIGURATIONS.iter().any(|name| path.ends_with(name)) && path.is_file();
    let file = is_configuration.then(|| Finder::default().read_partly(path).ok()).flatten();
    file.iter().flat_map(|file| &file.bases).map(|base| base.path.clone()).collect()
}

/// Whether a path means standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn too_large() -> Problem {
    let message = format!("the file cannot be read: it is larger than {} MiB", SOURCE_BYTES_MAX >> 20);
    Problem { kind: ProblemKind::Io, message, line: None }
}
