//! Findings that count for nothing: what flags say of comments and of the baseline, and the comments
//! and baselines that the run itself writes.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use clap::Args;

use super::{Prepared, Setting};
use crate::baseline::{self, Baseline, BaselineError, Linted};
use crate::cli::inputs::Given;
use crate::cli::{CLEAN, FOUND, complain, print_lines};
use crate::discover::real;
use crate::limits::REASON_CHARACTERS_MAX;
use crate::lint::{Inserted, Outcome, Source, insert};
use crate::plugin::Settings;
use crate::rewrite;

/// How the host's own rules begin.
const OWN_PREFIX: &str = "plimsoll/";

/// Findings that count for nothing
#[derive(Args, Default)]
pub(super) struct Suppressing {
    /// Report what comments in the files wave through
    #[arg(long)]
    pub(super) no_inline: bool,
    /// Report comments that wave findings through and do not say why
    #[arg(long)]
    pub(super) require_reason: bool,
    /// Write comments into the files that wave all findings through
    #[arg(long, conflicts_with_all = ["explain_plan", "formats", "write_baseline", "record", "replay", "diff", "staged", "watch"])]
    pub(super) suppress: bool,
    /// Why, for the comments that --suppress writes
    #[arg(long, value_name = "TEXT", requires = "suppress", value_parser = parse_reason)]
    reason: Option<String>,
    /// File of findings that are known, and not reported any more
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write all findings of this run there [default: the baseline, else plimsoll-baseline.json]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with_all = ["explain_plan", "diff", "show_settings"])]
    write_baseline: Option<Option<PathBuf>>,
}

impl Suppressing {
    /// Whether it can be done, before anything is.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn check(&self, setting: &Setting) -> anyhow::Result<()> {
        let is_explained = !setting.config.require_reason || self.reason.is_some();
        ensure!(!self.suppress || is_explained, "--suppress: reasons are required: say one with --reason");
        ensure!(
            !self.suppress || !setting.is_fetched,
            "--suppress: what is only fetched is not changed: lint a checkout of it"
        );
        ensure!(
            !self.suppress || !setting.config.no_inline,
            "--suppress --no-inline: comments would count for nothing; leave one out"
        );
        Ok(())
    }

    /// Takes out what the baseline knows, and writes it where that is wanted.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(super) fn hide_known(
        &self,
        setting: &Setting,
        prepared: &Prepared,
        outcome: &mut Outcome,
        given: Given,
    ) -> anyhow::Result<()> {
        let configured = setting.config.baseline.as_ref();
        if let Some(target) = &self.write_baseline {
            let target = target.clone().map(|path| (path, None)).or_else(|| configured.cloned());
            let target = target.unwrap_or_else(|| (baseline::FILE_NAME.into(), None));
            return write(&target, setting, prepared, outcome, given);
        }
        let Some((path, within)) = configured else { return Ok(()) };
        let known = Baseline::read(path, within.as_deref())?;
        let names = names(path, setting, prepared, outcome, given);
        let ran = |place: usize, rule: &str| ran(prepared, place, rule);
        let stale = known.hide(&mut outcome.files, &Linted { names: &names, ran: &ran });
        if stale > 0 {
            let path = path.display();
            complain(&format!(
                "note: {path}: known findings that are found no more: {stale}; `--write-baseline` takes them out"
            ));
        }
        Ok(())
    }

    /// Writes comments into the files, and says what came of it.
    ///
    /// # Errors
    /// When standard output is gone.
    pub(super) fn insert(
        &self,
        setting: &Setting,
        prepared: &Prepared,
        outcome: &Outcome,
        given: Given,
    ) -> anyhow::Result<u8> {
        let (mut status, mut done) = (CLEAN, HashSet::new());
        for (input, file) in prepared.job.inputs.iter().zip(&outcome.files) {
            for problem in &file.problems {
                complain(&format!("{}: {}", file.path, problem.message));
                status = FOUND;
            }
            let Some(source) = file.source.as_ref().filter(|_| !file.findings.is_empty()) else { continue };
            let Source::Path(path) = &input.source else {
                complain(&format!("note: {}: it is no file that comments could be written into", file.path));
                status = FOUND;
                continue;
            };
            // A file that several names lead to is edited once.
            let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            if done.contains(&real) {
                continue;
            }
            let Some(Inserted { source: after, findings }) =
                insert(source.bytes(), &file.findings, self.reason.as_deref())
            else {
                complain(&format!("note: {} stays as it is: with comments it would not be read as before", file.path));
                status = FOUND;
                continue;
            };
            if let Err(error) = rewrite::file(path, &rewrite::root(path, given.here), source.bytes(), &after) {
                complain(&format!("error: {error}"));
                status = FOUND;
                continue;
            }
            done.insert(real);
            if findings > 0 {
                print_lines(&format!("{}: {findings} suppressed\n", file.path))?;
            }
            let (others, fails) = (file.findings.len() - findings, setting.config.fail_level);
            if others > 0 {
                complain(&format!("note: {}: findings about the comments themselves stay: {others}", file.path));
            }
            let mut own = file.findings.iter().filter(|finding| finding.rule.starts_with(OWN_PREFIX));
            if own.any(|finding| fails.is_reached_by(finding.severity)) {
                status = FOUND;
            }
        }
        Ok(status)
    }
}

/// Writes what a run found, with what is known of other files.
fn write(
    (path, within): &(PathBuf, Option<PathBuf>),
    setting: &Setting,
    prepared: &Prepared,
    outcome: &mut Outcome,
    given: Given,
) -> anyhow::Result<()> {
    let names = names(path, setting, prepared, outcome, given);
    let ran = |place: usize, rule: &str| ran(prepared, place, rule);
    let linted = Linted { names: &names, ran: &ran };
    let mut known = Baseline::of(&outcome.files, &names);
    match Baseline::read(path, within.as_deref()) {
        Ok(before) => {
            let folder = folder(path);
            known.keep(before, &outcome.files, &linted, |name| folder.join(name).exists());
        }
        Err(BaselineError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
    }
    known.write(path, within.as_deref())?;
    known.hide(&mut outcome.files, &linted);
    complain(&format!("note: {}: findings that are known from now on: {}", path.display(), known.len()));
    Ok(())
}

/// What a baseline calls the files of a run.
fn names(path: &Path, setting: &Setting, prepared: &Prepared, outcome: &Outcome, given: Given) -> Vec<String> {
    let folder = folder(&given.here.join(path));
    // Bytes at hand stand for a file, too.
    let places = prepared.job.inputs.iter().map(|input| input.context.dockerfile.clone());
    // What is said of the lock comes last.
    let places = places.chain(std::iter::repeat_with(|| Some(setting.lock.path().to_owned())));
    let name = |place: PathBuf| baseline::name(&folder, &real(&given.here.join(place)));
    let names = outcome.files.iter().zip(places).map(|(file, place)| {
        let place = place.filter(|_| !setting.is_fetched);
        place.map_or_else(|| file.path.clone(), name)
    });
    names.collect()
}

/// Whether a rule was to run on a file. What a target does not need, no rule looks at.
fn ran(prepared: &Prepared, place: usize, rule: &str) -> bool {
    let job = &prepared.job;
    if job.surroundings.iter().any(|told| told.target.as_ref().is_some_and(|target| !target.is_empty())) {
        return false;
    }
    let (ruleset, is_lock) = match job.inputs.get(place) {
        Some(input) => (&job.rulesets[input.ruleset], false),
        None => match &job.lock {
            Some(lock) => (&job.rulesets[lock.ruleset], true),
            None => return false,
        },
    };
    let settings = if is_lock { &ruleset.of_lock } else { &ruleset.settings };
    let is_enabled =
        |settings: &Arc<Settings>| settings.enabled.iter().any(|enabled| *settings.rules[*enabled as usize] == *rule);
    ruleset.own.contains(rule) || settings.iter().any(is_enabled)
}

/// The folder of a file, without links.
fn folder(path: &Path) -> PathBuf {
    real(path).parent().map(Path::to_owned).unwrap_or_default()
}

fn parse_reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > REASON_CHARACTERS_MAX {
        return Err(format!("a reason is one line of at most {REASON_CHARACTERS_MAX} characters"));
    }
    Ok(text.to_owned())
}
