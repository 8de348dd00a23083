//! One file up to the point where the world must be asked.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::model::{PlatformFlag, Stage, VariableScope, VariableState};
use plimsoll_dockerfile::tree::ProblemKind as TreeProblem;

use super::suppress::Suppressions;
use super::{FileReport, Input, Job, Ruleset, Source};
use crate::document::{Document, Meaning};
use crate::finding::{Finding, Problem, ProblemKind, Severity};
use crate::limits::{SOURCE_BYTES_MAX, SYNTAX_PROBLEMS_MAX};
use crate::plugin::{Answered, Failure, Planned, Plugin, Runner, Settings, Subject};

/// A file under way.
pub(super) struct Work {
    pub(super) report: FileReport,
    pub(super) content: Option<Content>,
    /// Fast findings with plugin and rule.
    pub(super) fast: Vec<(usize, u32, Finding)>,
    /// Requests that wait for their answer, in the order of planning.
    pub(super) pending: Vec<Pending>,
}

/// What is known of a file that could be read.
pub(super) struct Content {
    pub(super) document: Arc<Document>,
    pub(super) meaning: Arc<Meaning>,
    pub(super) suppressions: Suppressions,
    pub(super) ruleset: usize,
    /// Requests planned so far, by plugin.
    pub(super) planned: Vec<usize>,
}

/// A request that waits for its answer.
pub(super) struct Pending {
    pub(super) plugin: usize,
    pub(super) request: Planned,
    /// The answers it followed from, the nearest first.
    pub(super) follows: Vec<Arc<Answered>>,
}

impl Content {
    /// What a plugin sees, under some meaning of the document.
    pub(super) fn subject(&self, job: &Job, plugin: usize, meaning: Arc<Meaning>) -> Subject {
        let mut settings = job.rulesets[self.ruleset].settings[plugin].clone();
        let is_excluded = |rule: &u32| self.suppressions.excludes(&settings.rules[*rule as usize]);
        if settings.enabled.iter().any(is_excluded) {
            let enabled = settings.enabled.iter().copied().filter(|rule| !is_excluded(rule)).collect();
            settings = Arc::new(Settings { enabled, ..(*settings).clone() });
        }
        Subject { document: self.document.clone(), meaning, settings }
    }
}

impl Work {
    /// Whether the user will see an error in this file.
    pub(super) fn has_error(&self) -> bool {
        self.fast.iter().any(|(_, _, finding)| finding.severity == Severity::Error)
            || self.report.problems.iter().any(|problem| problem.kind == ProblemKind::Syntax)
    }
}

/// Reads, parses, checks and plans.
pub(super) fn draft(job: &Job, runner: &mut Runner, id: u64, input: &Input) -> Work {
    let mut report = FileReport {
        path: input.shown.clone(),
        document: None,
        findings: Vec::new(),
        problems: Vec::new(),
        skipped: Vec::new(),
        planned: Vec::new(),
        log: Vec::new(),
    };
    for unusable in &job.unusable {
        let message = format!("plugin {} cannot be used: {}", unusable.name, unusable.message);
        report.problems.push(Problem { kind: ProblemKind::PluginUnusable, message, line: None });
    }
    let source = match read(&input.source) {
        Ok(source) => source,
        Err(problem) => {
            report.problems.push(problem);
            return Work { report, content: None, fast: Vec::new(), pending: Vec::new() };
        }
    };
    let document = Arc::new(Document::new(id, input.shown.clone(), source));
    report.document = Some(document.clone());

    let meaning = Arc::new(Meaning::new(document.clone(), &job.surroundings, &[]));
    report.problems.extend(problems_of(&document, &meaning));
    let suppressions = Suppressions::of(&document);
    let mut content =
        Content { document, meaning, suppressions, ruleset: input.ruleset, planned: vec![0; job.plugins.len()] };
    let (mut fast, mut pending) = (Vec::new(), Vec::new());
    for (index, plugin) in job.plugins.iter().enumerate() {
        let draft = runner.draft(index, &content.subject(job, index, content.meaning.clone()));
        let ruleset = &job.rulesets[input.ruleset];
        let settled = draft.findings.into_iter().filter_map(|(rule, finding)| {
            settle(ruleset, &content.suppressions, finding).map(|finding| (index, rule, finding))
        });
        fast.extend(settled);
        content.planned[index] = draft.planned.len();
        pending.extend(draft.planned.into_iter().map(|request| Pending {
            plugin: index,
            request,
            follows: Vec::new(),
        }));
        note(&mut report, plugin, draft.failures, draft.log);
    }
    Work { report, content: Some(content), fast, pending }
}

/// The finding as the user will see it; nothing if the user waved it through.
pub(super) fn settle(ruleset: &Ruleset, suppressions: &Suppressions, mut finding: Finding) -> Option<Finding> {
    if suppressions.covers(&finding) {
        return None;
    }
    if let Some(severity) = ruleset.severities.get(&finding.rule) {
        finding.severity = *severity;
    }
    Some(finding)
}

/// Puts what a plugin failed at and said into the report.
pub(super) fn note(report: &mut FileReport, plugin: &Plugin, failures: Vec<Failure>, log: crate::plugin::Log) {
    for failure in failures {
        let rule = failure.rule.and_then(|rule| plugin.names.get(rule as usize));
        let who = rule
            .map_or_else(|| format!("plugin {}", plugin.name), |rule| format!("plugin {}, rule {rule}", plugin.name));
        let problem =
            Problem { kind: ProblemKind::PluginFailure, message: format!("{who}: {}", failure.message), line: None };
        if !report.problems.contains(&problem) {
            report.problems.push(problem);
        }
    }
    report.log.extend(log.into_iter().map(|(level, message)| (plugin.name.clone(), level, message)));
}

fn read(source: &Source) -> Result<Vec<u8>, Problem> {
    let problem = |kind, message: String| Problem { kind, message, line: None };
    let bytes = match source {
        Source::Bytes(bytes) => bytes.clone(),
        Source::Broken(broken) => return Err(broken.clone()),
        Source::Path(path) => read_path(path).map_err(|error| problem(ProblemKind::Io, error))?,
    };
    if bytes.len() as u64 > SOURCE_BYTES_MAX {
        let limit = SOURCE_BYTES_MAX >> 20;
        return Err(problem(
            ProblemKind::TooLarge,
            format!("the file is larger than the {limit} MiB a Dockerfile may have"),
        ));
    }
    if bytes.contains(&0) {
        return Err(problem(ProblemKind::Binary, "the file is binary: it holds NUL bytes".to_owned()));
    }
    Ok(bytes)
}

fn read_path(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| format!("the file cannot be opened: {error}"))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err("this is a folder".to_owned());
    }
    file.take(SOURCE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the file cannot be read: {error}"))?;
    Ok(bytes)
}

/// What is wrong with the text itself.
fn problems_of(document: &Document, meaning: &Meaning) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Err(error) = str::from_utf8(document.source()) {
        let line = document.lines().line_of(u32::try_from(error.valid_up_to()).unwrap_or(0));
        let message = "this line is not UTF-8; save the file as UTF-8".to_owned();
        problems.push(Problem { kind: ProblemKind::Encoding, message, line: Some(line) });
    }
    if document.tree().instructions.is_empty() {
        let message = "the file has no instructions; a Dockerfile begins with FROM".to_owned();
        problems.push(Problem { kind: ProblemKind::Empty, message, line: None });
        return problems;
    }
    let syntax = |message: &str, line| Problem { kind: ProblemKind::Syntax, message: message.to_owned(), line };
    let wrong = document.tree().problems.iter().filter(|problem| problem.kind != TreeProblem::EmptyContinuation);
    let mut refused: Vec<Problem> = wrong.map(|problem| syntax(&problem.message, Some(problem.line))).collect();
    if refused.is_empty() {
        let open = stages_up_to_the_user(document, meaning);
        let is_open = |place: Span| {
            let before = open.partition_point(|from| from.start <= place.start);
            before > 0 && open[before - 1].contains(place.start)
        };
        let wrong = meaning.model().problems.iter().filter(|problem| !is_open(problem.span));
        refused.extend(wrong.map(|problem| syntax(&problem.message, Some(problem.line))));
    }
    // One mistake may well make nonsense of all that follows.
    if refused.len() > SYNTAX_PROBLEMS_MAX {
        let more = refused.len() - SYNTAX_PROBLEMS_MAX;
        refused.truncate(SYNTAX_PROBLEMS_MAX);
        refused.push(syntax(&format!("and {more} more, perhaps because of these"), None));
    }
    problems.extend(refused);
    problems
}

/// The stages whose FROM may well be fine in a build with arguments that are not
/// known here: it uses an ARG without a value, or its platform cannot be told,
/// which is a finding of its own. By the start of FROM, ascending.
fn stages_up_to_the_user(document: &Document, meaning: &Meaning) -> Vec<Span> {
    let model = meaning.model();
    let from = |stage: &Stage| document.tree().instructions[stage.from as usize].span;
    let declared = model
        .variables
        .iter()
        .filter(|variable| variable.scope == VariableScope::From && variable.state == VariableState::Declared);
    let of_arguments = declared.filter_map(|variable| model.stages.get(variable.stage? as usize));
    let of_platforms =
        model.stages.iter().filter(|stage| matches!(stage.platform_flag, PlatformFlag::Unresolvable { .. }));
    let mut spans: Vec<Span> = of_arguments.chain(of_platforms).map(from).collect();
    spans.sort_by_key(|span| span.start);
    spans
}
