//! From paths to files.
//!
//! Input: files, folders. Output: files in a fixed order, each once, and what
//! is wrong with those that cannot be linted. A file that was named is linted
//! whatever it is called; in folders, what looks like a Dockerfile and is not
//! ignored by git. Symbolic links to folders are not followed.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use crate::finding::{Problem, ProblemKind};
use crate::limits::FILES_MAX;
use crate::words::of_system;

/// A file to lint.
#[derive(Debug)]
pub struct Found {
    /// The path as it was reached.
    pub path: PathBuf,
    /// The same file by way of no links to folders and no dots.
    pub real: PathBuf,
    /// Whether it was named, and not come across in a folder.
    pub is_named: bool,
    /// What is wrong with it already.
    pub problem: Option<Problem>,
}

/// All files that the paths stand for. Where there is a root, nothing above it counts.
pub fn discover(paths: &[PathBuf], root: Option<&Path>) -> Vec<Found> {
    let mut found = Vec::new();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, root, &mut found),
            Ok(_) => found.push(Found { path: path.clone(), real: real(path), is_named: true, problem: None }),
            Err(error) => {
                let broken = broken(path, real(path), &of_system(&error));
                found.push(Found { is_named: true, ..broken });
            }
        }
    }
    let named: HashSet<PathBuf> = found.iter().filter(|file| file.is_named).map(|file| file.real.clone()).collect();
    let mut seen = HashSet::new();
    found.retain(|file| seen.insert(file.real.clone()));
    for file in &mut found {
        file.is_named = named.contains(&file.real);
    }
    found
}

/// Whether a file name is that of a Dockerfile.
pub fn is_dockerfile(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_variant = |stem: &str| {
        name == stem
            || name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('.'))
            || name.ends_with(&format!(".{stem}"))
    };
    !name.ends_with(".dockerignore")
        && !name.ends_with(".containerignore")
        && (is_variant("dockerfile") || is_variant("containerfile"))
}

fn walk(folder: &Path, top: Option<&Path>, found: &mut Vec<Found>) {
    // The walk follows no links, so that only the folder it begins with need be resolved.
    let root = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let here = top.map_or_else(|| std::env::current_dir().and_then(fs::canonicalize), |top| Ok(top.to_owned()));
    let here = here.unwrap_or_else(|_| root.clone());
    let real = |path: &Path| path.strip_prefix(folder).map_or_else(|_| path.to_owned(), |rest| root.join(rest));
    let walked = folder.to_owned();
    let is_below_top = top.is_some();
    let leads_there = move |path: &Path| !is_below_top || path.starts_with(&walked) || walked.starts_with(path);
    let walk = WalkBuilder::new(top.unwrap_or(folder))
        .hidden(false)
        .require_git(false)
        // What is ignored is so by files in it and above; by way of the top where there is one.
        .parents(top.is_none())
        .git_global(top.is_none())
        .sort_by_file_path(Path::cmp)
        .filter_entry(move |entry| entry.file_name() != ".git" && leads_there(entry.path()))
        .build();
    for entry in walk {
        if found.len() >= FILES_MAX {
            let message = format!("there are more than {FILES_MAX} Dockerfiles; name some of them");
            let problem = Some(Problem { kind: ProblemKind::Io, message, line: None });
            found.push(Found { path: folder.to_owned(), real: root, is_named: true, problem });
            return;
        }
        match entry {
            Ok(entry) => found.extend(consider(&entry, real(entry.path()), &[&root, &here])),
            Err(error) => {
                let path = path_of(&error).unwrap_or(folder).to_owned();
                found.push(broken(&path, real(&path), &reason(&error)));
            }
        }
    }
}

/// A link is followed to a file inside of these folders: what a tree holds says
/// nothing of other files.
fn consider(entry: &DirEntry, real: PathBuf, inside: &[&Path]) -> Option<Found> {
    if !is_dockerfile(&entry.file_name().to_string_lossy()) {
        return None;
    }
    let target = entry.path_is_symlink().then(|| fs::canonicalize(entry.path()).ok()).flatten();
    if target.is_some_and(|target| !inside.iter().any(|folder| target.starts_with(folder))) {
        return Some(broken(entry.path(), real, "it is a link that leads elsewhere; name it to lint it"));
    }
    // Follows a link, which the walk does not.
    match fs::metadata(entry.path()) {
        Ok(metadata) if metadata.is_file() => {
            Some(Found { path: entry.path().to_owned(), real, is_named: false, problem: None })
        }
        Ok(metadata) if metadata.is_dir() => None,
        Ok(_) => Some(broken(entry.path(), real, "this is no regular file")),
        Err(error) => Some(broken(entry.path(), real, &of_system(&error))),
    }
}

/// The system's own words, without what the walk wraps them in.
fn reason(error: &ignore::Error) -> String {
    match error.io_error() {
        Some(error) => error.get_ref().map_or_else(|| error.to_string(), ToString::to_string),
        None => error.to_string(),
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

fn broken(path: &Path, real: PathBuf, error: &str) -> Found {
    let what = if path.is_dir() { "folder" } else { "file" };
    let message = format!("the {what} cannot be read: {error}");
    let problem = Some(Problem { kind: ProblemKind::Io, message, line: None });
    Found { path: path.to_owned(), real, is_named: false, problem }
}

/// The path without links to folders and dots. The file itself may be a link,
/// which is a file of its own.
pub fn real(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_dockerfile;

    #[test]
    fn knows_the_names() {
        for name in [
            "Dockerfile",
            "dockerfile",
            "Dockerfile.dev",
            "api.Dockerfile",
            "Containerfile",
            "Containerfile.ci",
            "x.containerfile",
        ] {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in [
            "Dockerfile.dockerignore",
            ".dockerignore",
            "Dockerfiles",
            "MyDockerfile",
            "docker",
            "Containerfile.containerignore",
        ] {
            assert!(!is_dockerfile(name), "{name}");
        }
    }
}
