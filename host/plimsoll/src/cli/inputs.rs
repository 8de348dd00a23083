//! The files of a run, and the configuration that holds for each.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, File, Files, Finder};
use crate::discover::{Found, discover, real};
use crate::finding::{Problem, ProblemKind};
use crate::limits::SOURCE_BYTES_MAX;
use crate::lint::{Input, Ruleset, Source};
use crate::plugin::Plugin;
use crate::question::BuildContext;

/// What the command line says of the files.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) paths: &'a [PathBuf],
    pub(super) stdin_filename: Option<&'a Path>,
    pub(super) context: Option<&'a Path>,
    /// The working directory, or the folder of a repository that was fetched.
    pub(super) here: &'a Path,
    /// Whether it is such a folder: nothing above it counts.
    pub(super) is_fetched: bool,
}

/// The files, and what holds for them.
pub(super) struct Inputs {
    pub(super) inputs: Vec<Input>,
    /// Inputs point here.
    pub(super) rulesets: Vec<Ruleset>,
    /// What reports call the lock.
    pub(super) lock_shown: String,
    /// Its ruleset, by index.
    pub(super) of_lock: usize,
    /// What the user may want to know of the configuration.
    pub(super) notes: Vec<String>,
}

/// The files, each with the ruleset of the configuration nearest to it, and with
/// its folder as build context unless another is given.
pub(super) fn inputs(
    given: Given,
    lock: &Path,
    config: &Config,
    files: Files,
    finder: Finder,
    plugins: &[Plugin],
) -> anyhow::Result<Inputs> {
    let Given { paths, stdin_filename, context, here, is_fetched } = given;
    let base = config.folder.as_deref().filter(|_| !is_fetched).unwrap_or(here);
    let base = fs::canonicalize(base).unwrap_or_else(|_| base.to_owned());
    let mut rulesets = Rulesets { finder, user: files.user, ..Rulesets::default() };
    if let Some(file) = files.tree {
        rulesets.add(Some(file), plugins)?;
    }
    let mut inputs = Vec::new();
    let (standard_input, paths): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| path == Path::new("-"));
    if !standard_input.is_empty() {
        let mut bytes = Vec::new();
        let read = io::stdin().take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes);
        let source = match read {
            Ok(_) => Source::Bytes(bytes),
            Err(error) => {
                let message = format!("standard input cannot be read: {error}");
                Source::Broken(Problem { kind: ProblemKind::Io, message, line: None })
            }
        };
        let place = stdin_filename.map_or_else(|| here.join("-"), real);
        let ruleset = rulesets.of(&place, plugins)?;
        let shown = stdin_filename.map_or("-".to_owned(), |name| shown_path(name, &place, &base));
        let context = build_context(context, stdin_filename.map(|_| place.as_path()), here);
        inputs.push(Input { shown, source, ruleset, context });
    }
    for Found { path, real, problem } in discover(&paths, is_fetched.then_some(here)) {
        let ruleset = rulesets.of(&real, plugins)?;
        let shown = shown_path(&path, &real, &base);
        let source = problem.map_or(Source::Path(path), Source::Broken);
        let context = build_context(context, Some(&real), here);
        inputs.push(Input { shown, source, ruleset, context });
    }
    let of_lock = rulesets.of(lock, plugins)?;
    let lock_shown = shown_path(lock, lock, &base);
    Ok(Inputs { inputs, of_lock, lock_shown, rulesets: rulesets.rulesets, notes: rulesets.notes })
}

/// The folder that was given, else that of the file.
fn build_context(given: Option<&Path>, dockerfile: Option<&Path>, here: &Path) -> Arc<BuildContext> {
    let own = dockerfile.and_then(Path::parent).unwrap_or(here);
    let root = given.unwrap_or(own).to_owned();
    Arc::new(BuildContext { root, dockerfile: dockerfile.map(Path::to_owned), ..BuildContext::default() })
}

/// Rulesets by configuration file.
#[derive(Default)]
struct Rulesets<'f> {
    rulesets: Vec<Ruleset>,
    by_file: HashMap<Option<PathBuf>, usize>,
    finder: Finder,
    user: Option<&'f File>,
    notes: Vec<String>,
}

impl Rulesets<'_> {
    /// The ruleset of the file nearest to this one, up the tree.
    fn of(&mut self, real: &Path, plugins: &[Plugin]) -> anyhow::Result<usize> {
        let path = self.finder.nearest(real.parent().unwrap_or(Path::new("")));
        if let Some(known) = self.by_file.get(&path) {
            return Ok(*known);
        }
        let file = path.as_deref().map(config::read).transpose()?;
        if let Some(file) = file.as_ref().filter(|file| file.has_run_wide_tables()) {
            let path = file.path.display();
            self.notes.push(format!(
                "{path}: only [rules] counts here; the other tables hold for a whole run and come from the configuration \
                 above all its files"
            ));
        }
        self.add(file.as_ref(), plugins)
    }

    fn add(&mut self, file: Option<&File>, plugins: &[Plugin]) -> anyhow::Result<usize> {
        self.rulesets.push(Ruleset::new(plugins, Files { tree: file, user: self.user })?);
        self.by_file.insert(file.map(|file| file.path.clone()), self.rulesets.len() - 1);
        Ok(self.rulesets.len() - 1)
    }
}

/// Whether the folder of the lock, and so all that it is about, was given.
pub(super) fn covers(given: Given, lock: &Path) -> bool {
    let canonical = |path: &Path| fs::canonicalize(path).ok();
    let folder = lock.parent().and_then(canonical);
    let mut given = given.paths.iter().filter_map(|path| canonical(&given.here.join(path)));
    folder.is_some_and(|folder| given.any(|path| folder.starts_with(path)))
}

/// The path as reports show it: relative to `base`, the folder of the
/// configuration or the working directory; as it was given if it lies outside.
fn shown_path(path: &Path, real: &Path, base: &Path) -> String {
    let shown = real.strip_prefix(base).unwrap_or(path).to_string_lossy();
    if cfg!(windows) { shown.replace('\\', "/") } else { shown.into_owned() }
}
