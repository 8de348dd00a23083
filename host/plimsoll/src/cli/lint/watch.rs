//! `plimsoll lint --watch`.
//!
//! What can change what is found is looked at: Dockerfiles, ignore files beside them, configurations above
//! them, the user's own, what these extend, the baseline, and the lock.

use std::cell::RefCell;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::ensure;

use super::setting::flags;
use super::{Arguments, once};
use crate::cli::chosen::{around, extended, is_standard_input};
use crate::cli::configured::Configured;
use crate::cli::inputs::Given;
use crate::cli::repository;
use crate::cli::watching::{Files, again, look};
use crate::config::{self, Config, Variables};
use crate::discover::discover;
use crate::limits::{WATCH_FILES_MAX, WATCH_LINT_TICK};

pub(super) fn run(arguments: &Arguments, variables: &Variables, is_styled: bool) -> anyhow::Result<u8> {
    ensure!(
        !arguments.paths.iter().any(|path| is_standard_input(path)),
        "--watch looks at files: standard input is none"
    );
    ensure!(
        repository::address(&arguments.paths)?.is_none(),
        "--watch looks at files of this machine: clone the repository, and watch the clone"
    );
    let lock: RefCell<Option<PathBuf>> = RefCell::new(None);
    let own = config::user_file(variables);
    let files = || {
        let mut files = files(arguments, [own.as_deref(), lock.borrow().as_deref()])?;
        configuration(arguments, variables, &files).iter().for_each(|path| look(&mut files, path));
        Ok(files)
    };
    let round = || {
        let ran = once(arguments, variables, is_styled)?;
        lock.replace(Some(ran.lock));
        Ok(())
    };
    let shown: Vec<String> = arguments.paths.iter().map(|path| path.display().to_string()).collect();
    match again(&shown.join(", "), WATCH_LINT_TICK, files, round)? {}
}

fn files(arguments: &Arguments, besides: [Option<&Path>; 2]) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let found = discover(&arguments.paths, None);
    ensure!(found.len() <= WATCH_FILES_MAX, "more than {WATCH_FILES_MAX} files to watch: name a folder with fewer");
    for file in found {
        look(&mut files, &file.real);
        around(&file.real, arguments.scope.context.as_deref()).iter().for_each(|path| look(&mut files, path));
    }
    besides.into_iter().flatten().for_each(|path| look(&mut files, path));
    Ok(files)
}

/// What the command line names, and what the configurations among the files and above them extend or name. One that does
/// not hold up names nothing, until it changes.
fn configuration(arguments: &Arguments, variables: &Variables, files: &Files) -> Vec<PathBuf> {
    let choice = &arguments.scope.choice;
    let mut paths: Vec<PathBuf> = choice.file().ok().flatten().into_iter().collect();
    paths.extend(arguments.suppressing.baseline.clone());
    let Ok(here) = env::current_dir() else { return paths };
    let context = arguments.scope.context.as_deref();
    let given =
        Given { paths: &arguments.paths, stdin_filename: None, context, here: &here, is_fetched: false, changes: None };
    if let Ok(configured) = Configured::read(given, choice, variables) {
        paths.extend(configured.files().layers().map(|(_, file)| file.path.clone()));
        let config = Config::settle(flags(arguments), variables, configured.files());
        paths.extend(config.ok().and_then(|config| Some(config.baseline?.0)));
    }
    paths.extend(files.keys().flat_map(|path| extended(path)));
    paths
}
