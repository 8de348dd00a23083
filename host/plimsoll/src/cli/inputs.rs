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
    /// The configuration of rules that holds for some of them; inputs point here.
    pub(super) configurations: Vec<Option<File>>,
    /// What reports call the lock.
    pub(super) lock_shown: String,
    /// The configuration that holds for it.
    pub(super) of_lock: usize,
    /// What the user may want to know of the configuration.
    pub(super) notes: Vec<String>,
}

/// The files, each with the configuration nearest to it, and with its folder as
/// build context unless another is given.
pub(super) fn inputs(
    given: Given,
    lock: &Path,
    config: &Config,
    tree: Option<&File>,
    finder: Finder,
) -> anyhow::Result<Inputs> {
    let Given { paths, stdin_filename, context, here, is_fetched } = given;
    let base = config.folder.as_deref().filter(|_| !is_fetched).unwrap_or(here);
    let base = fs::canonicalize(base).unwrap_or_else(|_| base.to_owned());
    let mut nearest = Nearest { finder, ..Nearest::default() };
    if let Some(file) = tree {
        nearest.add(Some(file.clone()));
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
        let ruleset = nearest.of(&place)?;
        let shown = stdin_filename.map_or("-".to_owned(), |name| shown_path(name, &place, &base));
        let context = build_context(context, stdin_filename.map(|_| place.as_path()), here);
        inputs.push(Input { shown, source, ruleset, context });
    }
    for Found { path, real, problem } in discover(&paths, is_fetched.then_some(here)) {
        let ruleset = nearest.of(&real)?;
        let shown = shown_path(&path, &real, &base);
        let source = problem.map_or(Source::Path(path), Source::Broken);
        let context = build_context(context, Some(&real), here);
        inputs.push(Input { shown, source, ruleset, context });
    }
    let (of_lock, lock_shown) = (nearest.of(lock)?, shown_path(lock, lock, &base));
    Ok(Inputs { inputs, lock_shown, of_lock, configurations: nearest.configurations, notes: nearest.notes })
}

/// What configurations and the user's own file say of the plugins' rules, as far as those rules are concerned that
/// `counts` says.
pub(super) fn rulesets(
    configurations: &[Option<File>],
    user: Option<&File>,
    plugins: &[Plugin],
    counts: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<Ruleset>> {
    let counting = |file: &File| {
        let mut file = file.clone();
        file.rules.retain(|rule, _| counts(rule));
        file
    };
    let user = user.map(counting);
    let ruleset = |tree: &Option<File>| {
        let tree = tree.as_ref().map(counting);
        let mut ruleset = Ruleset::new(plugins, Files { tree: tree.as_ref(), user: user.as_ref() })?;
        ruleset.own.retain(|rule| counts(rule));
        Ok(ruleset)
    };
    configurations.iter().map(ruleset).collect()
}

/// The folder that was given, else that of the file.
fn build_context(given: Option<&Path>, dockerfile: Option<&Path>, here: &Path) -> Arc<BuildContext> {
    let own = dockerfile.and_then(Path::parent).unwrap_or(here);
    let root = given.unwrap_or(own).to_owned();
    Arc::new(BuildContext { root, dockerfile: dockerfile.map(Path::to_owned), ..BuildContext::default() })
}

/// Configurations by their file.
#[derive(Default)]
struct Nearest {
    configurations: Vec<Option<File>>,
    by_file: HashMap<Option<PathBuf>, usize>,
    finder: Finder,
    notes: Vec<String>,
}

impl Nearest {
    /// The configuration nearest to this file, up the tree.
    fn of(&mut self, real: &Path) -> anyhow::Result<usize> {
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
        Ok(self.add(file))
    }

    fn add(&mut self, file: Option<File>) -> usize {
        self.by_file.insert(file.as_ref().map(|file| file.path.clone()), self.configurations.len());
        self.configurations.push(file);
        self.configurations.len() - 1
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
