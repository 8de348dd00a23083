//! Which files the patterns of the configuration mean: those that are left out, and
//! those on which some rules do not run.
//!
//! Input: the files of configuration that count for some Dockerfiles. Output: what
//! they say of one. Invariant: patterns read as those of `.gitignore` in the folder
//! of the nearest file; those of the command line and of the user's own file as in
//! the working directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::config::{File, FileOrigin, Files};

/// The patterns of some files of configuration.
#[derive(Default)]
pub(super) struct Patterns {
    /// Of what is not linted, those of the nearest file first.
    excludes: Vec<Of>,
    /// Of what goes without some rules, with these.
    ignores: Vec<(Of, Vec<Without>)>,
}

/// A rule, or a pattern of such, that does not run on some files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Without {
    /// The file of configuration that says so, by its place among [`Files::layers`].
    pub(super) place: usize,
    /// The pattern of those files.
    pub(super) glob: String,
    /// Its place in the list there.
    pub(super) index: usize,
    pub(super) rule: String,
}

/// Patterns about what is in a folder.
struct Of {
    folder: PathBuf,
    patterns: Gitignore,
}

impl Patterns {
    /// Those that these files have.
    ///
    /// # Errors
    /// When one of them is none.
    pub(super) fn of(files: Files) -> anyhow::Result<Self> {
        let mut patterns = Self::default();
        for (place, (_, file)) in files.layers().enumerate() {
            if !file.lint.exclude.is_empty() {
                patterns.excludes.push(Of::new(file, "exclude", &file.lint.exclude)?);
            }
            for (glob, rules) in &file.lint.per_file_ignores {
                let of = Of::new(file, "per-file-ignores", std::slice::from_ref(glob))?;
                let without =
                    |(index, rule): (usize, &String)| Without { place, glob: glob.clone(), index, rule: rule.clone() };
                patterns.ignores.push((of, rules.iter().enumerate().map(without).collect()));
            }
        }
        Ok(patterns)
    }

    /// Whether a file is left out, unless it is named.
    pub(super) fn exclude(&self, file: &Path) -> bool {
        let mut says = self.excludes.iter().map(|of| of.says(file));
        says.find(|says| !says.is_none()).is_some_and(|says| says.is_ignore())
    }

    /// Rules that do not run on a file.
    pub(super) fn ignored(&self, file: &Path) -> Vec<Without> {
        let fitting = self.ignores.iter().filter(|(of, _)| of.says(file).is_ignore());
        fitting.flat_map(|(_, rules)| rules.iter().cloned()).collect()
    }
}

impl Of {
    fn new(file: &File, key: &str, patterns: &[String]) -> anyhow::Result<Self> {
        let complain = |index: usize, error: &str| {
            if file.origin == FileOrigin::Flags {
                return anyhow!("--{key}: {error}");
            }
            let index = index.to_string();
            let last = if key == "exclude" { index.as_str() } else { patterns[0].as_str() };
            let place = file.key_position(["lint", key, last].into_iter());
            let place = place.map_or(String::new(), |place| format!(":{}:{}", place.line, place.column));
            anyhow!("{}{place}: {key}: {error}", file.path.display())
        };
        let mut builder = GitignoreBuilder::new(&file.about);
        for (index, pattern) in patterns.iter().enumerate() {
            let read = read(pattern, key == "exclude", &file.about).map_err(|why| complain(index, &why))?;
            builder.add_line(None, &read).map_err(|error| complain(index, &error.to_string()))?;
        }
        let patterns = builder.build().map_err(|error| complain(0, &error.to_string()))?;
        let folder = fs::canonicalize(&file.about).unwrap_or_else(|_| file.about.clone());
        Ok(Self { folder, patterns })
    }

    fn says(&self, file: &Path) -> Match<()> {
        match file.strip_prefix(&self.folder) {
            Ok(path) => self.patterns.matched_path_or_any_parents(path, false).map(drop),
            Err(_) => Match::None,
        }
    }
}

/// A pattern as `.gitignore` has it. Those that can mean no file there are none.
fn read(pattern: &str, may_negate: bool, folder: &Path) -> Result<String, String> {
    let (negation, path) = pattern.strip_prefix('!').map_or(("", pattern), |path| ("!", path));
    if !negation.is_empty() && !may_negate {
        return Err(format!("{pattern:?}: ! means nothing here: name the files on which the rules do not run"));
    }
    if Path::new(path).starts_with(folder) && folder.parent().is_some() || Path::new(path).has_root() && cfg!(windows) {
        return Err(format!("{pattern:?}: write the path as seen from {}", folder.display()));
    }
    // What begins with it means what lies in the folder itself.
    let (anchor, path) = match path.strip_prefix("./") {
        Some(path) => ("/", path.trim_start_matches("./").trim_start_matches('/')),
        None => ("", path),
    };
    if path.trim().is_empty() || matches!(path, "." | "/") || path.starts_with('#') {
        return Err(format!("{pattern:?} means no file: write one such as \"third-party/\""));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(format!("{pattern:?}: .. leads out: patterns are about what is below the folder of their file"));
    }
    Ok(format!("{negation}{anchor}{path}"))
}
