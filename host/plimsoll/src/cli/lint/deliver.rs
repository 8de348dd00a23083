//! Reports go where they are wanted: to standard output, and to files, whole or not at all.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Arguments;
use super::setting::Setting;

use crate::cli::{complain, hides, seen};
use crate::config::{OutputConfig, Target};
use crate::discover::real;
use crate::lint::{Job, Source};
use crate::report::{Look, Report};
use crate::rewrite;

/// Writes all reports, files first, which nobody can stop reading; whether none of them failed. What is for standard
/// output goes to standard error where that is taken.
///
/// # Errors
/// When standard output takes no more.
pub(super) fn deliver(report: &Report, output: &OutputConfig, is_taken: bool) -> anyhow::Result<bool> {
    let mut is_whole = true;
    let (files, standard): (Vec<_>, Vec<_>) = output.targets.iter().partition(|target| target.file.is_some());
    for Target { format, file } in files.into_iter().chain(standard) {
        let report = Report { look: if file.is_some() { Look::default() } else { report.look }, ..*report };
        let write = |out: &mut dyn Write| write(out, |out| report.write(*format, out));
        match file {
            None if is_taken => write(&mut io::stderr().lock())?,
            None => write(&mut io::stdout().lock())?,
            Some(path) => {
                if let Err(error) = rewrite::output(path, |path| File::create_new(path), |file| write(file)) {
                    complain(&format!("error: --format {}={}: {error}", format.name(), path.display()));
                    is_whole = false;
                }
            }
        }
    }
    Ok(is_whole)
}

/// Whether all files that a run writes are others than those that it reads, and than each other.
///
/// # Errors
/// When one is not.
pub(super) fn check(arguments: &Arguments, setting: &Setting, job: &Job, here: &Path) -> anyhow::Result<()> {
    let place = |path: &Path| real(&here.join(path));
    let mut taken: HashMap<PathBuf, &str> = HashMap::new();
    for input in &job.inputs {
        if let Source::Path(path) = &input.source {
            taken.insert(place(path), "is what is linted");
        }
    }
    taken.insert(place(setting.lock.path()), "is the lock");
    taken.extend(setting.config.baseline.iter().map(|(path, _)| (place(path), "is the baseline")));
    let reports = setting.config.output.targets.iter();
    let reports = reports.filter_map(|target| Some((target.file.as_deref()?, "--format")));
    for (path, flag) in reports.chain(arguments.record.as_deref().map(|path| (path, "--record"))) {
        if let Some(what) = taken.insert(place(path), "is written by another flag").filter(|_| !is_special(path)) {
            bail!("{flag} {}: that file {what}: name another", path.display());
        }
    }
    Ok(())
}

/// Whether it is something that can be written to more than once, such as `/dev/null`.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// What text looks like on standard output.
pub(super) fn look(is_styled: bool) -> Look {
    let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
    Look { is_styled, has_links: is_styled && io::stdout().is_terminal(), width }
}

/// Piece by piece; at once where a folder is not to be named.
fn write(out: &mut dyn Write, report: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if hides() {
        let mut whole = Vec::new();
        report(&mut whole)?;
        out.write_all(seen(&String::from_utf8_lossy(&whole)).as_bytes())?;
        return out.flush();
    }
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    report(&mut out)?;
    out.flush()
}

const BUFFER_BYTES: usize = 64 << 10;
