//! Findings that count for nothing: what flags say of comments and of the baseline, and the comments
//! and baselines that the run itself writes.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use clap::Args;
use plimsoll_dockerfile::{Position, Span};

use super::{Prepared, Setting};
use crate::baseline::{self, Baseline, BaselineError, Linted};
use crate::cli::inputs::Given;
use crate::cli::{CLEAN, FAILED, FOUND, complain, print_lines};
use crate::config::FailLevel;
use crate::discover::real;
use crate::finding::{Finding, ProblemKind, Severity};
use crate::limits::REASON_CHARACTERS_MAX;
use crate::lint::{FileReport, Input, Inserted, MISSING_REASON, Outcome, Ruleset, Source, insert};
use crate::plugin::{Settings, Unusable};
use crate::question::SkipReason;
use crate::rewrite;

/// How the host's own rules begin.
const OWN_PREFIX: &str = "plimsoll/";

/// The rule that takes comments above a named FROM and ARG for descriptions.
const DESCRIPTION: &str = "buildkit/InvalidDefinitionDescription";

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

    /// Whether comments may be written without a reason, where there is none.
    ///
    /// # Errors
    /// When a run would then report them.
    pub(super) fn check_reason(&self, inputs: &[Input], rulesets: &[Ruleset]) -> anyhow::Result<()> {
        let mut asking = inputs.iter().map(|input| &rulesets[input.ruleset].own);
        let is_asked_for = self.suppress && self.reason.is_none() && asking.any(|own| own.contains(MISSING_REASON));
        ensure!(!is_asked_for, "--suppress: reasons are required: say one with --reason");
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
        let ran = |place: usize, rule: &str| saw(prepared, place, rule);
        let stale = known.hide(&mut outcome.files, &Linted { names: &names, ran: &ran });
        if stale > 0 {
            let path = path.display();
            complain(&format!(
                "note: {path}: known findings that are found no more: {stale}; `--write-baseline` takes them out"
            ));
        }
        Ok(())
    }

    /// Writes comments into the files, and says what came of it. The status is that of a run that finds what is left.
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
        let (job, fails) = (&prepared.job, setting.config.fail_level);
        let is_unlocked = outcome.slow_checks.skipped.contains_key(&SkipReason::Lock);
        let mut status = if is_unlocked || !job.unusable.is_empty() { FAILED } else { CLEAN };
        for Unusable { name, message } in &job.unusable {
            complain(&format!("error: plugin {name} cannot be used: {message}"));
        }
        let mut done = HashSet::new();
        for (place, file) in outcome.files.iter().enumerate() {
            status = status.max(say_problems(file, fails));
            let (written, left) = match job.inputs.get(place) {
                _ if file.findings.is_empty() => continue,
                Some(input) => {
                    let of_file = file.woken.iter().filter(|(rule, _)| **rule == *DESCRIPTION).map(|(_, place)| *place);
                    let whole = ran(prepared, place, DESCRIPTION).then_some(Span::new(0, u32::MAX));
                    let described: Vec<Span> = of_file.chain(whole).collect();
                    self.insert_into(input, file, &described, given, &mut done)?
                }
                // Nothing can be written into the lock.
                None => {
                    file.findings.iter().for_each(|finding| complain(&line(file, finding)));
                    (CLEAN, file.findings.iter().collect())
                }
            };
            let is_reached = left.iter().any(|finding| fails.is_reached_by(finding.severity));
            status = status.max(written).max(if is_reached { FOUND } else { CLEAN });
        }
        Ok(status)
    }

    /// Writes comments into one file: what came of that, and the findings that are left.
    fn insert_into<'f>(
        &self,
        input: &Input,
        file: &'f FileReport,
        described: &[Span],
        given: Given,
        done: &mut HashSet<PathBuf>,
    ) -> anyhow::Result<(u8, Vec<&'f Finding>)> {
        let (all, shown) = (file.findings.iter().collect(), &file.path);
        let (Source::Path(path), Some(source)) = (&input.source, &file.source) else {
            complain(&format!("note: {shown}: it is no file that comments could be written into"));
            return Ok((CLEAN, all));
        };
        // A file that several names lead to is edited once.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if done.contains(&real) {
            return Ok((CLEAN, Vec::new()));
        }
        let reason = self.reason.as_deref();
        let Some(inserted) = insert(source.bytes(), &file.findings, reason, described) else {
            complain(&format!("note: {shown} stays as it is: with comments it would not be read as before"));
            return Ok((CLEAN, all));
        };
        let Inserted { source: after, findings } = inserted;
        if let Err(error) = rewrite::file(path, &rewrite::root(path, given.here), source.bytes(), &after) {
            complain(&format!("error: {error}"));
            return Ok((FAILED, all));
        }
        done.insert(real);
        if findings > 0 {
            print_lines(&format!("{shown}: {findings} suppressed\n"))?;
        }
        let own: Vec<_> = file.findings.iter().filter(|finding| finding.rule.starts_with(OWN_PREFIX)).collect();
        if !own.is_empty() {
            complain(&format!("note: {shown}: findings about the comments themselves stay: {}", own.len()));
        }
        Ok((CLEAN, own))
    }
}

/// What is wrong with a file, as format `concise` says it. What is wrong with every file is said elsewhere.
fn say_problems(file: &FileReport, fails: FailLevel) -> u8 {
    let mut status = CLEAN;
    for problem in file.problems.iter().filter(|problem| problem.kind != ProblemKind::PluginUnusable) {
        let place = problem.line.map_or(String::new(), |line| format!(":{line}:1"));
        complain(&format!("{}{place}: error[{}] {}", file.path, problem.kind.name(), problem.message));
        let fails = fails.is_reached_by(Severity::Error);
        status = status.max(if problem.kind.is_not_checked() {
            FAILED
        } else if fails {
            FOUND
        } else {
            CLEAN
        });
    }
    status
}

/// A finding as format `concise` says it.
fn line(file: &FileReport, finding: &Finding) -> String {
    let position = file.source.as_ref().map(|source| source.lines().position(finding.span.start));
    let place = position.map_or(String::new(), |Position { line, column }| format!(":{line}:{column}"));
    format!("{}{place}: {}[{}] {}", file.path, finding.severity, finding.rule, finding.message)
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
    let ran = |place: usize, rule: &str| saw(prepared, place, rule);
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

/// Whether a rule was to look at all of a file. What a target does not need, no rule looks at.
fn saw(prepared: &Prepared, place: usize, rule: &str) -> bool {
    let mut told = prepared.job.surroundings.iter().filter_map(|told| told.target.as_deref());
    told.all(str::is_empty) && ran(prepared, place, rule)
}

/// Whether a rule was to run on a file.
fn ran(prepared: &Prepared, place: usize, rule: &str) -> bool {
    let job = &prepared.job;
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
