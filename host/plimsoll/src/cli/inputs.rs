//! The files of a run, and the configuration that holds for each.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chosen::{Chosen, chosen};
use super::patterns::{Patterns, Without};
use crate::changes::Changes;
use crate::config::{Config, FILE_NAME, File, FileOrigin, Files, Finder};
use crate::discover::{Found, real};
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
    /// What has changed, where nothing else counts.
    pub(super) changes: Option<&'a Changes>,
}

/// The files, and what holds for them.
pub(super) struct Inputs {
    pub(super) inputs: Vec<Input>,
    /// The configuration of rules that holds for some of them; inputs point here.
    pub(super) configurations: Vec<Configuration>,
    /// What reports call the lock.
    pub(super) lock_shown: String,
    /// The configuration that holds for it.
    pub(super) of_lock: usize,
    /// What the user may want to know of the configuration.
    pub(super) notes: Vec<String>,
    /// How many files it leaves out.
    pub(super) excluded: usize,
    /// Standard input, where it leaves that out.
    pub(super) left_out: Option<Vec<u8>>,
}

/// The configuration of rules that holds for some files.
#[derive(Clone)]
pub(super) struct Configuration {
    /// The file of the tree.
    pub(super) file: Option<Arc<File>>,
    /// Rules that do not run on these very files.
    pub(super) ignored: Vec<Without>,
}

/// The files, each with the configuration nearest to it, and with its folder as
/// build context unless another is given. Files that are named are linted though they are excluded, unless
/// `is_strict`.
pub(super) fn inputs(
    given: Given,
    lock: &Path,
    config: &Config,
    files: Files,
    finder: Finder,
    workspace: Option<&Path>,
    is_strict: bool,
) -> anyhow::Result<Inputs> {
    let Given { paths, stdin_filename, context, here, is_fetched, .. } = given;
    let base = config.folder.as_deref().filter(|_| !is_fetched).unwrap_or(here);
    let base = fs::canonicalize(base).unwrap_or_else(|_| base.to_owned());
    // Whoever reads reports there counts from the checkout.
    let workspace = workspace.filter(|_| !is_fetched).and_then(|workspace| fs::canonicalize(workspace).ok());
    let base = workspace.filter(|workspace| base.starts_with(workspace)).unwrap_or(base);
    let mut nearest = Nearest::new(finder, files);
    if let Some(file) = files.tree {
        nearest.add(Some(Arc::new(file.clone())))?;
    }
    let (mut inputs, mut excluded, mut left_out) = (Vec::new(), 0, None);
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
        if is_strict && stdin_filename.is_some() && nearest.excludes(&place)? {
            excluded += 1;
            left_out = match source {
                Source::Bytes(bytes) => Some(bytes),
                _ => None,
            };
        } else {
            let ruleset = nearest.of(&place)?;
            let shown = stdin_filename.map_or("-".to_owned(), |name| shown_path(name, &place, &base));
            let context = build_context(context, stdin_filename.map(|_| place.as_path()), here);
            inputs.push(Input { shown, source, ruleset, context });
        }
    }
    let named = files.tree.filter(|tree| tree.origin == FileOrigin::Named);
    for Chosen { found: Found { path, real, is_named, problem }, staged } in chosen(given, &paths, named)? {
        if (!is_named || is_strict) && nearest.excludes(&real)? {
            excluded += 1;
            continue;
        }
        let ruleset = nearest.of(&real)?;
        let shown = shown_path(&path, &real, &base);
        let source = match (problem, staged) {
            (Some(problem), _) => Source::Broken(problem),
            (None, Some(bytes)) => Source::Bytes(bytes),
            (None, None) => Source::Path(path),
        };
        let context = build_context(context, Some(&real), here);
        inputs.push(Input { shown, source, ruleset, context });
    }
    let (of_lock, lock_shown) = (nearest.of(lock)?, shown_path(lock, lock, &base));
    let Nearest { configurations, mut notes, finder, .. } = nearest;
    notes
        .extend(finder.passed_over().map(|path| format!("{}: not read: {FILE_NAME} beside it counts", path.display())));
    Ok(Inputs { inputs, lock_shown, of_lock, configurations, notes, excluded, left_out })
}

/// What configurations, command line and the user's own file say of the plugins' rules, as far as those rules are
/// concerned that `counts` says. `absent` are packs that this run does not load; plugins that some file names may be spoken of as well.
pub(super) fn rulesets(
    configurations: &[Configuration],
    files: Files,
    plugins: &[Plugin],
    absent: &[String],
    counts: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<Ruleset>> {
    let counting = |file: &File| {
        let mut file = file.clone();
        for file in std::iter::once(&mut file.rules).chain(file.bases.iter_mut().map(|base| &mut base.rules)) {
            file.retain(|rule, _| counts(rule));
        }
        file
    };
    let mut absent = absent.to_vec();
    let of_trees = configurations.iter().filter_map(|configuration| configuration.file.as_deref());
    let all = files.layers().map(|(_, file)| file).chain(of_trees.flat_map(File::layers));
    let is_loaded = |name: &&String| plugins.iter().any(|plugin| plugin.name == **name);
    absent.extend(all.flat_map(plugins_named).filter(|name| !is_loaded(name)).cloned());
    let user = files.user.map(counting);
    let overrides: Vec<File> = files.overrides.iter().map(counting).collect();
    let ruleset = |Configuration { file, ignored }: &Configuration| {
        let tree = file.as_deref().map(counting);
        let files = Files { overrides: &overrides, tree: tree.as_ref(), user: user.as_ref() };
        let ignored: Vec<(usize, &str)> = ignored.iter().map(|without| (without.place, &*without.rule)).collect();
        let mut ruleset = Ruleset::of_file(plugins, files, &ignored, &absent)?;
        ruleset.own.retain(|rule| counts(rule));
        Ok(ruleset)
    };
    configurations.iter().map(ruleset).collect()
}

/// Plugins that a file speaks of, which a run may leave out.
fn plugins_named(file: &File) -> impl Iterator<Item = &String> {
    file.plugins.keys().chain(file.trust.values().filter_map(|trusted| trusted.name.as_ref()))
}

/// The folder that was given, else that of the file.
fn build_context(given: Option<&Path>, dockerfile: Option<&Path>, here: &Path) -> Arc<BuildContext> {
    let own = dockerfile.and_then(Path::parent).unwrap_or(here);
    let root = given.unwrap_or(own).to_owned();
    Arc::new(BuildContext { root, dockerfile: dockerfile.map(Path::to_owned), ..BuildContext::default() })
}

/// Configurations by the file nearest to what they hold for.
struct Nearest<'f> {
    files: Files<'f>,
    configurations: Vec<Configuration>,
    /// By path, the file and its patterns.
    known: HashMap<Option<PathBuf>, (Option<Arc<File>>, Patterns)>,
    /// By path of the file, and by what does not run besides, which configuration it is.
    places: HashMap<(Option<PathBuf>, Vec<Without>), usize>,
    finder: Finder,
    notes: Vec<String>,
}

impl<'f> Nearest<'f> {
    fn new(finder: Finder, files: Files<'f>) -> Self {
        let (known, places) = (HashMap::new(), HashMap::new());
        Self { files, configurations: Vec::new(), known, places, finder, notes: Vec::new() }
    }

    /// The configuration nearest to this file, up the tree.
    fn of(&mut self, real: &Path) -> anyhow::Result<usize> {
        let path = self.find(real)?;
        let (file, patterns) = &self.known[&path];
        let ignored = patterns.ignored(real);
        let configurations = &mut self.configurations;
        Ok(*self.places.entry((path, ignored)).or_insert_with_key(|(_, ignored)| {
            configurations.push(Configuration { file: file.clone(), ignored: ignored.clone() });
            configurations.len() - 1
        }))
    }

    /// Whether the configuration leaves a file out.
    fn excludes(&mut self, real: &Path) -> anyhow::Result<bool> {
        let path = self.find(real)?;
        Ok(self.known[&path].1.exclude(real))
    }

    /// The path of the file nearest to another, which is then known.
    fn find(&mut self, real: &Path) -> anyhow::Result<Option<PathBuf>> {
        let path = self.finder.nearest(real.parent().unwrap_or(Path::new("")));
        if self.known.contains_key(&path) {
            return Ok(path);
        }
        let file = path.as_deref().map(|path| self.finder.read(path)).transpose()?;
        // What holds for the run anyway may be extended.
        let place = |layer: &File| fs::canonicalize(&layer.path).unwrap_or_else(|_| layer.path.clone());
        let of_run: Vec<PathBuf> = self.files.trees().map(place).collect();
        let is_lost = |layer: &File| layer.has_run_wide_tables() && !of_run.contains(&place(layer));
        if let Some(file) = file.as_ref().filter(|file| file.layers().any(is_lost)) {
            let path = file.path.display();
            self.notes.push(format!(
                "{path}: only [rules] and which rules and files [lint] selects count here; all else holds for a whole \
                 run and comes from the configuration above all its files"
            ));
        }
        self.add(file.map(Arc::new))?;
        Ok(path)
    }

    fn add(&mut self, file: Option<Arc<File>>) -> anyhow::Result<()> {
        let patterns = Patterns::of(Files { tree: file.as_deref(), ..self.files })?;
        self.known.insert(file.as_ref().map(|file| file.path.clone()), (file, patterns));
        Ok(())
    }
}

/// Whether the folder of the lock, and so all that it is about, was given.
pub(super) fn covers(given: Given, lock: &Path) -> bool {
    if given.changes.is_some() {
        return false;
    }
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
