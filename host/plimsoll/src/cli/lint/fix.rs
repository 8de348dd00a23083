//! `--fix` and `--diff`: what fixes make of the files, written or shown.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::ensure;

use super::Arguments;
use super::setting::Setting;
use super::{learned, say};
use crate::cli::{CLEAN, FAILED, FOUND, complain, print_lines};
use crate::fix::{Fixed, Fixes, Wanted, fix};
use crate::limits::FIX_ROUNDS_MAX;
use crate::lint::{Job, Outcome, Source};
use crate::report;
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
        let shown = &job.inputs[fixed.index].shown;
        tell(arguments, shown, &fixed);
        let Fixed { index, before, after, applied, report, .. } = fixed;
        if let Source::Path(path) = &job.inputs[index].source {
            // Several names may lead to one file.
            let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            let is_done = written.get(&real) == Some(&after);
            let result =
                if is_done { Ok(()) } else { rewrite::file(path, &rewrite::root(path, here), before.bytes(), &after) };
            if let Err(error) = result {
                complain(&format!("error: {error}"));
                status = FAILED;
                continue;
            }
            written.insert(real, after);
        }
        for (rule, count) in &applied {
            let _ = writeln!(done, "  {shown}: {count} x {rule}");
        }
        if !applied.is_empty() {
            outcome.files[index] = report;
        }
    }
    outcome.count(asked);
    outcome.recount_skipped();
    for (input, file) in job.inputs.iter().zip(&outcome.files) {
        if let (Source::Bytes(_), Some(source)) = (&input.source, &file.source) {
            io::stdout().lock().write_all(source.bytes())?;
        }
    }
    if arguments.show_fixes && !done.is_empty() {
        complain(&format!("fixed:\n{}", done.trim_end()));
    }
    Ok(status)
}

/// Shows what fixes would make of the files, as a patch. The status says whether that is another file than before.
///
/// # Errors
/// When standard output fails.
pub(super) fn show(arguments: &Arguments, setting: &Setting, job: &Job, outcome: &Outcome) -> anyhow::Result<u8> {
    let Fixes { files, .. } = fix(job, outcome, wanted(arguments, setting));
    let (mut changed, mut mended) = (0, 0);
    for fixed in files {
        let shown = &job.inputs[fixed.index].shown;
        tell(arguments, shown, &fixed);
        let patch = report::patch(shown, fixed.before.bytes(), &fixed.after);
        match io::stdout().is_terminal() {
            true => print_lines(&String::from_utf8_lossy(&patch))?,
            false => io::stdout().lock().write_all(&patch)?,
        }
        mended += fixed.applied.values().sum::<usize>();
        changed += usize::from(!fixed.applied.is_empty());
    }
    if !arguments.scope.quiet {
        complain(&match changed {
            0 => "nothing would be fixed".to_owned(),
            _ => format!("would fix {mended} in {changed} of {} files", job.inputs.len()),
        });
    }
    Ok(say::wrongs(job, outcome).max(if changed == 0 { CLEAN } else { FOUND }))
}

fn wanted(arguments: &Arguments, setting: &Setting) -> Wanted {
    Wanted { is_unsafe: arguments.unsafe_fixes, renews: learned::writes(setting) }
}

/// What was left undone, and why.
fn tell(arguments: &Arguments, shown: &str, fixed: &Fixed) {
    if arguments.scope.quiet {
        return;
    }
    for (rule, message) in &fixed.refused {
        complain(&format!("note: {shown}: not applied, since BuildKit would refuse the file then: {message} ({rule})"));
    }
    if fixed.is_restless {
        complain(&format!(
            "note: {shown}: not at rest after {FIX_ROUNDS_MAX} rounds of fixes: run again, unless they undo each other"
        ));
    }
}
