//! Reports go where they are wanted: to standard output, and to files, whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use crate::cli::{complain, hides, seen};
use crate::config::{OutputConfig, Target};
use crate::private;
use crate::report::{Look, Report};

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
                if let Err(error) = to_file(path, write) {
                    complain(&format!("error: --format {}={}: {error}", format.name(), path.display()));
                    is_whole = false;
                }
            }
        }
    }
    Ok(is_whole)
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

/// What is there and is no file, such as a pipe, is written to.
fn to_file(path: &Path, write: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // A link leads to what is meant.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(there) if !there.is_file() => write(&mut File::options().write(true).open(&path)?),
        Ok(there) => private::exchange(
            &path,
            |path| File::create_new(path),
            |file| {
                file.set_permissions(there.permissions())?;
                write(file)
            },
        ),
        Err(_) => private::exchange(&path, |path| File::create_new(path), |file| write(file)),
    }
}
