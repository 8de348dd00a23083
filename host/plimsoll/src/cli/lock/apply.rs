//! `plimsoll lock apply`: digests into Dockerfiles, and out of them again.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;
use plimsoll_dockerfile::{Inputs, Platform};

use super::survey::{Asking, Survey};
use crate::cli::lint::Scope;
use crate::cli::{CLEAN, FOUND, complain, print_lines};
use crate::limits::SOURCE_BYTES_MAX;
use crate::lint::{Input, Source};
use crate::lock::apply::{Applied, Left, Pins, apply, undo};
use crate::rewrite::{self, RewriteError};

/// Write digests into Dockerfiles, or take them out again
///
/// Behind what FROM, COPY --from and RUN --mount name literally; nothing else in the
/// files changes. Exit status: 1 if something was left as it is.
#[derive(Args)]
pub(super) struct Arguments {
    /// Files or folders
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Take out the digests that the lock says
    #[arg(long)]
    undo: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    scope: Scope,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let is_quiet = arguments.scope.quiet;
    let survey = Survey::of(arguments.paths, arguments.scope, Asking::Nobody, Clone::clone)?;
    ensure!(!survey.lock.is_empty(), "{}: there is no lock: run `plimsoll lock`", survey.file().path().display());
    let edit = if arguments.undo { undo } else { apply };
    let builds = survey.prepared.job.surroundings.iter().map(|surroundings| Inputs {
        build_args: &surroundings.build_args,
        target_platform: surroundings.target_platform.clone(),
        build_platform: Platform::host(),
        target: None,
        contexts: &surroundings.contexts,
        base_images: &[],
    });
    let builds: Vec<Inputs> = builds.collect();
    let pins = Pins::of(&survey.lock);
    let (mut status, mut done) = (CLEAN, HashSet::new());
    for Input { shown, source, .. } in &survey.prepared.job.inputs {
        let Source::Path(path) = source else { continue };
        // A file that several names lead to is edited once.
        let Some(path) = real(path, shown) else {
            status = FOUND;
            continue;
        };
        if !done.insert(path.clone()) {
            continue;
        }
        let applied = match edited(&path, arguments.dry_run, |source| edit(source, &pins, &builds)) {
            Ok(applied) => applied,
            Err(error) => {
                complain(&format!("error: {error}"));
                status = FOUND;
                continue;
            }
        };
        let Applied { changed, left, .. } = applied;
        if changed > 0 && !is_quiet {
            print_lines(&format!("{shown}: {changed} changed\n"))?;
        }
        for Left { line, reference, why } in left {
            complain(&format!("note: {shown}:{line}: {reference} stays as it is: {why}"));
            status = FOUND;
        }
    }
    Ok(status)
}

/// What an edit makes of a file, which then holds that unless it is only tried.
fn edited(path: &Path, is_tried: bool, edit: impl FnOnce(&[u8]) -> Applied) -> Result<Applied, RewriteError> {
    let before = rewrite::read(path, SOURCE_BYTES_MAX)?;
    let applied = edit(&before);
    if !is_tried {
        // No link leads to it, so none leads out.
        rewrite::file(path, path, &before, &applied.source)?;
    }
    Ok(applied)
}

/// Where a file is; none for a link, since what stands there may be somebody else's.
fn real(path: &Path, shown: &str) -> Option<PathBuf> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        complain(&format!("note: {shown} stays as it is: it is a link; name what it leads to"));
        return None;
    }
    fs::canonicalize(path).ok()
}
