//! What is said of a run: the report, then notes, then how it went.

use super::job::Prepared;
use super::learned;
use super::setting::Setting;
use super::{Arguments, deliver};
use crate::cache::{Cache, Trouble};
use crate::cli::repository::Fetched;
use crate::cli::{CLEAN, FAILED, FOUND, complain, print};
use crate::config::FailLevel;
use crate::finding::{ProblemKind, Severity};
use crate::lint::{Ask, Job, Outcome, Source};
use crate::lock::Mode;
use crate::plugin::Unusable;
use crate::plugin::contract::Level;
use crate::question::SkipReason;
use crate::report::{self, Bar, Circumstances, Report, Traffic};
use plimsoll_registry::Statistics;

/// Says it, and what the exit status is.
pub(super) fn say(
    arguments: &Arguments,
    setting: &Setting,
    prepared: &Prepared,
    outcome: &Outcome,
    fetched: Option<&Fetched>,
    is_styled: bool,
) -> anyhow::Result<u8> {
    let (config, job) = (&setting.config, &prepared.job);
    if let Some(fetched) = fetched.filter(|_| !arguments.scope.quiet) {
        fetched.say();
    }
    if arguments.explain_plan {
        return explain_plan(arguments, setting, job, outcome);
    }
    let bar = Bar::of(outcome, config.fail_level, arguments.max_warnings);
    let report = Report {
        outcome,
        plugins: &job.plugins,
        unusable: &job.unusable,
        mode: config.slow_checks.name(),
        circumstances: &circumstances(setting, arguments.replay.is_some()),
        bar,
        repository: fetched.map(Fetched::shown),
        has_statistics: config.output.statistics,
        look: deliver::look(is_styled),
    };
    // What was given on standard input stands there as it should be.
    let is_given = job.inputs.iter().any(|input| matches!(input.source, Source::Bytes(_)));
    let is_taken = arguments.fix && (is_given || prepared.left_out.is_some());
    let is_delivered = deliver::deliver(&report, &config.output, is_taken)?;
    if !arguments.scope.quiet {
        let notes = notes(setting, prepared, outcome, arguments.replay.is_some());
        notes.iter().for_each(|note| complain(&format!("note: {note}")));
        say_more(arguments, prepared, outcome);
        if let Some(cache) = &prepared.cache {
            say_trouble(arguments, cache);
        }
    }
    let unlocked = learned::unlocked(setting, job, outcome);
    unlocked.iter().for_each(|missing| complain(&format!("error: {missing}")));
    let is_strict = config.lock.mode == Mode::Strict;
    let is_unanswered = is_strict && outcome.slow_checks.skipped.contains_key(&SkipReason::Offline);
    if is_unanswered {
        complain("error: --lock strict --offline: neither lock nor cache has the answers that are missing");
    }
    for Unusable { name, message } in &job.unusable {
        complain(&format!("error: plugin {name} cannot be used: {message}"));
    }
    if is_unanswered || !unlocked.is_empty() || !is_delivered {
        return Ok(FAILED);
    }
    Ok(match status(job, outcome, bar, arguments.fail_on_skipped) {
        FOUND if arguments.exit_zero => CLEAN,
        status => status,
    })
}

/// What the user may want to know of a run: of its questions, then of its configuration.
pub(in crate::cli) fn notes(setting: &Setting, prepared: &Prepared, outcome: &Outcome, is_replay: bool) -> Vec<String> {
    let (config, circumstances) = (&setting.config, circumstances(setting, is_replay));
    let unread = setting.configured.unread.iter();
    let unread = unread.map(|path| format!("{}: not read, since it lies in what is linted", path.display()));
    let odd = setting.locked.warnings.iter();
    let odd = odd.map(|(line, warning)| format!("{}:{line}: {warning}", setting.lock.path().display()));
    let notes = report::notes(outcome, &circumstances).into_iter().chain(prepared.notes.iter().cloned());
    notes.chain(unread).chain(odd).chain(config.refused.iter().cloned()).collect()
}

fn circumstances(setting: &Setting, is_replay: bool) -> Circumstances {
    Circumstances { ci: setting.ci.clone(), timeout: setting.config.timeout, is_replay }
}

/// Shows what would be asked. What kept a file or plugin from saying so is told.
fn explain_plan(arguments: &Arguments, setting: &Setting, job: &Job, outcome: &Outcome) -> anyhow::Result<u8> {
    if matches!(setting.ask, Ask::Nothing | Ask::Offline) && !arguments.scope.quiet {
        let why = if setting.ask == Ask::Offline { "--offline" } else { "slow checks are off" };
        complain(&format!("note: this is what --slow-checks=on would ask ({why})"));
    }
    if let Some(ci) = setting.ci.as_ref().filter(|_| !arguments.scope.quiet) {
        complain(&format!("note: registries are asked with --slow-checks=on only (CI detected: {ci})"));
    }
    print(&report::plan(outcome, job.slow_checks.fail_fast, &job.slow_checks.terms.pools))?;
    for file in &outcome.files {
        for problem in &file.problems {
            complain(&format!("{}: {}", file.path, problem.message));
        }
    }
    Ok(status(job, outcome, Bar::of(outcome, FailLevel::Never, None), false))
}

/// Says what kept files from being looked at as asked, where there is no report that does; and the status of that.
pub(super) fn wrongs(job: &Job, outcome: &Outcome) -> u8 {
    for Unusable { name, message } in &job.unusable {
        complain(&format!("error: plugin {name} cannot be used: {message}"));
    }
    let mut count = 0;
    for file in &outcome.files {
        for problem in file.problems.iter().filter(|problem| problem.kind != ProblemKind::PluginUnusable) {
            let line = problem.line.map_or(String::new(), |line| format!(":{line}"));
            complain(&format!("{}{line}: error[{}] {}", file.path, problem.kind.name(), problem.message));
            count += 1;
        }
    }
    let found = if count == 0 { CLEAN } else { FOUND };
    found.max(status(job, outcome, Bar::of(outcome, FailLevel::Never, None), false))
}

/// What `-v` adds.
fn say_more(arguments: &Arguments, prepared: &Prepared, outcome: &Outcome) {
    for (plugin, level, message) in outcome.files.iter().flat_map(|file| &file.log) {
        let wanted = match level {
            Level::Warn => 0,
            Level::Info => 1,
            Level::Debug => 2,
        };
        if arguments.verbose >= wanted {
            complain(&format!("{plugin}: {message}"));
        }
    }
    if arguments.verbose == 0 {
        return;
    }
    let tally = &outcome.slow_checks;
    complain(&format!(
        "slow checks: {} planned, {} deduplicated, {} from cache, {} executed",
        tally.planned, tally.deduplicated, tally.from_cache, tally.executed
    ));
    let traffic = prepared.registry.statistics().into_iter().map(|(host, statistics)| {
        let Statistics { requests, probes, tokens, retries, bytes } = statistics;
        (host, Traffic { requests: requests + probes + tokens, retries, bytes })
    });
    report::hosts(outcome, &traffic.collect()).lines().for_each(complain);
    complain(&format!("components compiled by this process: {}", prepared.host.compiled()));
    if let Some(trouble) = prepared.host.store_trouble() {
        complain(&format!("cache: {trouble}"));
    }
}

/// What the cache has to say of itself. A folder that cannot be used is no news to whoever set it up so.
fn say_trouble(arguments: &Arguments, cache: &Cache) {
    let Trouble { damaged, folder } = cache.trouble();
    let place = cache.folder().display();
    if damaged > 0 {
        complain(&format!("note: {place}: answers that were damaged: {damaged}; they are asked for again"));
    }
    if let Some(trouble) = folder.filter(|_| arguments.verbose > 0) {
        complain(&format!("cache: {trouble}; use --cache-dir for another folder"));
    }
}

fn status(job: &Job, outcome: &Outcome, bar: Bar, fail_on_skipped: bool) -> u8 {
    let mut problems = outcome.files.iter().flat_map(|file| &file.problems).map(|problem| problem.kind).peekable();
    // What was linted is not what the lock says.
    let is_unlocked = outcome.slow_checks.skipped.contains_key(&SkipReason::Lock);
    if is_unlocked || !job.unusable.is_empty() || problems.clone().any(ProblemKind::is_not_checked) {
        FAILED
    } else if outcome.files.iter().flat_map(|file| &file.findings).any(|finding| bar.fails(finding.severity))
        || (problems.peek().is_some() && bar.fails(Severity::Error))
        || (fail_on_skipped && !outcome.slow_checks.skipped.is_empty())
    {
        FOUND
    } else {
        CLEAN
    }
}
