//! `--fix` and `--diff`: what fixes make of the files, written or shown.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::ensure;

use super::Arguments;
use super::setting::Setting;
use super::{learned, say};
use crate::cli::{CLEAN, FAILED, FOUND, complain, print_lines};
use crate::fix::{Fixed, Fixes, Refused, Wanted, fix};
use crate::limits::{FIX_ROUNDS_MAX, SOURCE_BYTES_MAX};
use crate::lint::{Job, Outcome, Source};
use crate::report::{self, printable};
use crate::rewrite;

/// Has fixes applied and the files written; what is found in them then takes the place of what was. Standard input,
/// as it should be, goes to standard output.
///
/// # Errors
/// When what was linted is not there to be changed, or standard output fails.
pub(super) fn apply(
    arguments: &Arguments,
    setting: &Setting,
    job: &Job,
    outcome: &mut Outcome,
    here: &Path,
) -> anyhow::Result<u8> {
    ensure!(!setting.is_fetched, "--fix: what was only fetched is not changed: see with --diff what would be");
    let Fixes { files, asked } = fix(job, outcome, wanted(arguments, setting));
    let (mut status, mut done, mut written) = (CLEAN, String::new(), HashMap::new());
    for fixed in files {
        let shown = printable(&job.inputs[fixed.index].shown);
        tell(arguments, &shown, &fixed);
        let Fixed { index, before, after, applied, report, .. } = fixed;
        if let Source::Path(path) = &job.inputs[index].source {
            // Several names may lead to one file.
            let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            let is_done = written.get(&real) == Some(&after);
            let result =
                if is_done { Ok(()) } else { rewrite::file(path, &rewrite::root(path, here), before.bytes(), &after) };
            if let Err(error) = result {
                complain(&format!("error: {}", printable(&error.to_string())));
                status = FAILED;
                continue;
            }
            written.insert(real, after);
        }
        list(&mut done, &shown, &applied);
        if !applied.is_empty() {
            outcome.files[index] = report;
        }
    }
    outcome.count(asked);
    outcome.recount_skipped();
    for (input, file) in job.inputs.iter().zip(&outcome.files) {
        if let Source::Bytes(bytes) = &input.source {
            give_back(file.source.as_ref().map_or(bytes, |source| source.bytes()))?;
        }
    }
    if arguments.show_fixes && !done.is_empty() {
        complain(&format!("fixed:\n{}", done.trim_end()));
    }
    Ok(status)
}

/// Writes what came from standard input, fixed or not, and what was too much to be read.
///
/// # Errors
/// When standard output fails.
pub(super) fn give_back(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    if bytes.len() as u64 > SOURCE_BYTES_MAX {
        io::copy(&mut io::stdin().lock(), &mut out)?;
    }
    out.flush()
}

/// Shows what fixes would make of the files, as a patch. The status says whether that is another file than before.
///
/// # Errors
/// When standard output fails.
pub(super) fn show(
    arguments: &Arguments,
    setting: &Setting,
    job: &Job,
    outcome: &Outcome,
    here: &Path,
) -> anyhow::Result<u8> {
    let Fixes { files, .. } = fix(job, outcome, wanted(arguments, setting));
    let (mut changed, mut mended, mut failed) = (0, 0, CLEAN);
    let (mut done, mut shown_before) = (String::new(), HashSet::new());
    for fixed in files {
        let input = &job.inputs[fixed.index];
        tell(arguments, &printable(&input.shown), &fixed);
        let name = match &input.source {
            Source::Path(path) => match rewrite::within(path, &rewrite::root(path, here)) {
                // Several names may lead to one file.
                Ok(real) if !shown_before.insert(real.clone()) => continue,
                Ok(real) => name_in_patch(path, &real, here),
                Err(error) => {
                    complain(&format!("error: {}", printable(&error.to_string())));
                    failed = FAILED;
                    continue;
                }
            },
            _ => input.shown.clone().into_bytes(),
        };
        let patch = report::patch(&name, fixed.before.bytes(), &fixed.after);
        match io::stdout().is_terminal() {
            true => print_lines(&String::from_utf8_lossy(&patch))?,
            false => io::stdout().lock().write_all(&patch)?,
        }
        list(&mut done, &printable(&input.shown), &fixed.applied);
        mended += fixed.applied.values().sum::<usize>();
        changed += usize::from(!fixed.applied.is_empty());
    }
    if arguments.show_fixes && !done.is_empty() {
        complain(&format!("would fix:\n{}", done.trim_end()));
    }
    if !arguments.scope.quiet {
        complain(&match changed {
            0 => "nothing would be fixed".to_owned(),
            _ => format!("would fix {mended} in {changed} of {} files", job.inputs.len()),
        });
    }
    Ok(say::wrongs(job, outcome).max(if changed == 0 { CLEAN } else { FOUND }).max(failed))
}

/// A file's name as seen from the working directory, where patches are applied; through no link, if it lies there.
fn name_in_patch(path: &Path, real: &Path, here: &Path) -> Vec<u8> {
    let below = fs::canonicalize(here).ok().and_then(|here| Some(real.strip_prefix(here).ok()?.to_owned()));
    below.unwrap_or_else(|| path.to_owned()).into_os_string().into_encoded_bytes()
}

/// Adds what was mended in a file, a rule a line.
fn list(done: &mut String, shown: &str, applied: &BTreeMap<Arc<str>, usize>) {
    for (rule, count) in applied {
        let _ = writeln!(done, "  {shown}: {count} x {rule}");
    }
}

fn wanted(arguments: &Arguments, setting: &Setting) -> Wanted {
    Wanted { is_unsafe: arguments.unsafe_fixes, renews: learned::writes(setting) }
}

/// What was left undone, and why.
fn tell(arguments: &Arguments, shown: &str, fixed: &Fixed) {
    if arguments.scope.quiet {
        return;
    }
    let mut refused: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
    for Refused { rule, message, line } in &fixed.refused {
        refused.entry((rule, message)).or_default().push(*line);
    }
    for ((rule, message), lines) in refused {
        let (first, more) = (lines[0], lines.len() - 1);
        let more = if more == 0 { String::new() } else { format!(", and {more} more below") };
        complain(&format!(
            "note: {shown}:{first}: not applied, since BuildKit would refuse the file then: {message} ({rule}{more})"
        ));
    }
    if fixed.is_spent {
        complain(&format!("note: {shown}: not all fixes were tried, since so many of them would break the file"));
    }
    if fixed.is_restless {
        complain(&format!(
            "note: {shown}: not at rest after {FIX_ROUNDS_MAX} rounds of fixes: run again, unless they undo each other"
        ));
    }
}
