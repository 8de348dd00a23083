//! One file up to the point where the world must be asked.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::model::{PlatformFlag, Stage, VariableScope, VariableState};
use plimsoll_dockerfile::tree::ProblemKind as TreeProblem;

use super::suppress::Suppressions;
use super::work::{Content, Pending, Settled, Work, narrowed, note, settle};
use super::{Input, Job, Source};
use crate::age;
use crate::document::{Document, Meaning, Surroundings};
use crate::finding::{Problem, ProblemKind};
use crate::limits::{BYTES_TOGETHER_MAX, SOURCE_BYTES_MAX, SYNTAX_PROBLEMS_MAX};
use crate::plugin::Runner;
use crate::question::BuildContext;

/// Reads and parses the first of some files, as many as are not too large together, then has
/// each plugin check and plan for them, one after another, so that its code and its memory
/// stay at hand. Of each file there is one for each platform to build for. Says how many
/// files these are.
pub(super) fn draft(job: &Job, runner: &mut Runner, batch: &[(u64, &Input)]) -> (Vec<Work>, usize) {
    let (mut files, mut count, mut bytes): (Vec<Work>, _, _) = (Vec::new(), 0, 0);
    for (id, input) in batch {
        let begun = begin(job, *id, input);
        bytes += begun.first().and_then(|work| work.report.source.as_ref()).map_or(0, |source| source.bytes().len());
        files.extend(begun);
        count += 1;
        if bytes > BYTES_TOGETHER_MAX {
            break;
        }
    }
    for plugin in 0..job.plugins.len() {
        files.iter_mut().for_each(|work| check_and_plan(work, job, runner, plugin));
    }
    (files, count)
}

/// Reads and parses one file.
fn begin(job: &Job, id: u64, input: &Input) -> Vec<Work> {
    let document = read(job, id, input).map(Arc::new);
    let work = |surroundings| {
        let mut work = Work::new(input.shown.clone());
        for unusable in &job.unusable {
            let message = format!("plugin {} cannot be used: {}", unusable.name, unusable.message);
            work.report.problems.push(Problem { kind: ProblemKind::PluginUnusable, message, line: None });
        }
        match &document {
            Ok(document) => understand(&mut work, job, input, document, surroundings),
            Err(problem) => work.report.problems.push(problem.clone()),
        }
        work
    };
    (0..job.surroundings.len()).map(work).collect()
}

fn understand(work: &mut Work, job: &Job, input: &Input, document: &Arc<Document>, surroundings: usize) {
    work.report.source = Some(document.shared_source());
    work.report.is_lock = document.is_lock();
    let told = &job.surroundings[surroundings];
    let meaning = Arc::new(Meaning::new(document.clone(), told, &[]));
    if !document.is_lock() {
        work.report.problems.extend(problems_of(document, &meaning));
    }
    let ignores_comments = job.rulesets[input.ruleset].ignores_comments;
    let today = age::day(job.now);
    let (suppressions, refused) = Suppressions::of(document, &told.build_args, &job.plugins, today, ignores_comments);
    work.report.problems.extend(refused);
    let ruleset = &job.rulesets[input.ruleset];
    let configured = job.plugins.iter().zip(&ruleset.settings);
    let narrowed = configured.map(|(plugin, settings)| narrowed(plugin, settings, ruleset, &suppressions)).collect();
    work.content = Some(Content {
        document: document.clone(),
        meaning,
        context: input.context.clone(),
        narrow_context: narrow(job, &input.context),
        suppressions,
        ruleset: input.ruleset,
        surroundings,
        narrowed,
        now: job.now,
        planned: vec![0; job.plugins.len()],
        unasked: HashSet::new(),
    });
}

fn check_and_plan(work: &mut Work, job: &Job, runner: &mut Runner, index: usize) {
    let Some(content) = &work.content else { return };
    let ruleset = &job.rulesets[content.ruleset];
    let draft = runner.draft(index, content.subject(job, index, content.meaning.clone()));
    let (names, mut unasked) = (&job.plugins[index].names, Vec::new());
    for (rule, finding) in draft.findings {
        match settle(ruleset, &content.suppressions, finding) {
            Some(Settled::Seen(finding)) => work.fast.push((index, rule, finding)),
            Some(Settled::Waved(finding)) => work.fast_waved.push((index, rule, finding)),
            None => {}
        }
    }
    for request in draft.planned {
        // What the whole file goes without is not worth a question.
        let rule = &names[request.rule as usize];
        if work.content.as_ref().is_some_and(|content| content.suppressions.entries.cover_all_of(rule)) {
            unasked.push(rule.clone());
        } else {
            work.wait(job, Pending::new(index, request, Vec::new()));
        }
    }
    if let Some(content) = &mut work.content {
        content.unasked.extend(unasked);
    }
    note(&mut work.report, &job.plugins[index], draft.failures, draft.log);
}

/// The build context without links, if there is a plugin that needs it so.
fn narrow(job: &Job, context: &Arc<BuildContext>) -> Arc<BuildContext> {
    match job.plugins.iter().all(|plugin| plugin.grants.has_whole_context()) {
        true => context.clone(),
        false => Arc::new(BuildContext { bars_links: true, ..(**context).clone() }),
    }
}

fn read(job: &Job, id: u64, input: &Input) -> Result<Document, Problem> {
    let problem = |kind, message: String| Problem { kind, message, line: None };
    let bytes = match &input.source {
        Source::Lock(lock) => return Ok(Document::of_lock(id, lock.clone())),
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
    let lock = job.lock.as_ref().map(|lock| lock.view.clone());
    Ok(Document::new(id, input.shown.clone(), bytes).beside(lock))
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

/// What is wrong with a text as that of a Dockerfile, in any build.
pub fn problems(path: &str, source: Vec<u8>, surroundings: &[Surroundings]) -> Vec<Problem> {
    let document = Arc::new(Document::new(0, path.to_owned(), source));
    let wrong = surroundings.iter().map(|told| problems_of(&document, &Meaning::new(document.clone(), told, &[])));
    wrong.reduce(|one, other| if one.len() < other.len() { other } else { one }).unwrap_or_default()
}

/// What is wrong with the text itself.
fn problems_of(document: &Document, meaning: &Meaning) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(place) = document.invalid_utf8() {
        let line = document.lines().line_of(place);
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
    let of_platforms = model.stages.iter().filter(|stage| matches!(stage.platform_flag, PlatformFlag::Unresolvable));
    let mut spans: Vec<Span> = of_arguments.chain(of_platforms).map(from).collect();
    spans.sort_by_key(|span| span.start);
    spans
}
