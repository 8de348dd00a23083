//! `plimsoll lock` and `plimsoll lock update`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use plimsoll_dockerfile::Platform;

use super::survey::{Asking, Survey};
use crate::age;
use crate::cli::lint::Scope;
use crate::cli::{CLEAN, FAILED, complain, print, print_lines};
use crate::config::parse_platforms;
use crate::distribution::{configuration_entry, configuration_key, record};
use crate::lock::delta::{self, Change};
use crate::lock::select::{self, is_selected, names};
use crate::lock::{Entry, Key, Lock, Policy};
use crate::question::{Answer, Question};

/// Take over what references mean now, pinned ones too
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll lock update                     everything
  plimsoll lock update python 'ghcr.io/*'  what is called so, whatever its tag; * stands for anything
  plimsoll lock update --min-age 3d        only images that were made three days ago or before")]
pub(super) struct Arguments {
    /// What to update: images with or without tag, URLs, repositories; * stands for anything [default: all]
    selectors: Vec<String>,
    /// Files or folders whose references count
    #[arg(long = "in", value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave images for later that were made less than so long ago, such as 3d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    min_age: Option<u32>,
    /// Leave images for later whose index does not hold all of these platforms yet
    #[arg(long, value_name = "PLATFORM[,PLATFORM]", value_parser = platforms)]
    require_platforms: Option<Platforms>,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    scope: Scope,
}

/// What the command line says of when entries may move.
#[derive(Args)]
pub(super) struct Told {
    /// Let what is called so move only when you ask for it; * stands for anything
    #[arg(long, value_name = "PATTERN")]
    pin: Vec<String>,
    /// Let what is called so move in every run that may ask
    #[arg(long, value_name = "PATTERN")]
    float: Vec<String>,
}

impl Told {
    fn policy(&self, key: &Key) -> Option<Policy> {
        match (is_selected(key, &self.pin), is_selected(key, &self.float)) {
            (true, _) => Some(Policy::Pin),
            (false, true) => Some(Policy::Float),
            (false, false) => None,
        }
    }
}

/// The value of `--require-platforms`, of which the last counts as a whole.
#[derive(Clone)]
struct Platforms(Vec<Platform>);

/// Puts into the lock what does not stand there.
pub(super) fn complete(paths: Vec<PathBuf>, told: &Told, scope: Scope) -> anyhow::Result<u8> {
    let is_quiet = scope.quiet;
    let survey = Survey::of(paths, scope, Asking::World, Clone::clone)?;
    let changes = changes(&survey, told);
    save(&survey, &changes)?;
    if !is_quiet {
        let new = changes.iter().filter(|change| change.old.is_none()).count();
        let all = survey.lock.len() + new;
        print(&format!("{}: {new} new, {all} in all\n", survey.file().path().display()))?;
    }
    Ok(complain_of_failures(&survey, |_| true))
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let selectors = arguments.selectors;
    let is_wanted = |key: &Key| selectors.is_empty() || is_selected(key, &selectors);
    let others = |lock: &Lock| -> Lock {
        // What plugins are is for `plimsoll plugin update`, and they run meanwhile.
        let others = lock.iter().filter(|(key, _)| !is_wanted(key) || record::is_key(key));
        others.map(|(key, entry)| (key.clone(), entry.clone())).collect()
    };
    let all = ["*".to_owned()];
    let anew = if selectors.is_empty() { &all } else { selectors.as_slice() };
    let survey = Survey::updating(arguments.paths, arguments.scope, Asking::World, others, anew)?;
    let is_extended = survey.setting.extended.iter().any(|(source, _)| is_wanted(&configuration_key(source)));
    if !selectors.is_empty() && !is_extended && !survey.references.places.keys().any(is_wanted) {
        bail!("nothing that these files refer to is called {}; see `plimsoll lock list`", selectors.join(" or "));
    }
    let mut changes: Vec<Change> =
        changes(&survey, &arguments.told).into_iter().filter(|change| is_wanted(&change.key)).collect();
    let waiting = waiting(&survey, &changes, arguments.min_age, arguments.require_platforms.as_ref());
    changes.retain(|change| names(&change.key).first().is_none_or(|name| !waiting.contains(name)));
    let moved = changes.iter().filter(|change| change.old.as_ref().and_then(Entry::value) != change.new.value());
    let shown: String = moved.map(|change| change.shown() + "\n").collect();
    print_lines(&shown)?;
    if !arguments.dry_run {
        save(&survey, &changes)?;
    }
    Ok(complain_of_failures(&survey, is_wanted))
}

/// What was learnt, and entries that are told to move at other times.
fn changes(survey: &Survey, told: &Told) -> Vec<Change> {
    let config = &survey.setting.config.lock;
    let wish = |key: &Key| told.policy(key).or_else(|| survey.references.wishes.get(key).copied());
    let news =
        delta::answers(survey.settled.iter()).filter(|(question, _)| !survey.prepared.job.resolver.is_held(question));
    let now = age::text(survey.prepared.job.now);
    let mut changes = delta::learn(&survey.lock, news, |key| select::policy(config, key), &now);
    let known: BTreeSet<Key> = changes.iter().map(|change| change.key.clone()).collect();
    let others = survey.references.places.keys().filter(|key| !known.contains(key) && wish(key).is_some());
    changes.extend(others.filter_map(|key| {
        let entry = survey.lock.get(key)?;
        Some(Change { key: key.clone(), old: Some(entry.clone()), new: entry.clone() })
    }));
    for change in &mut changes {
        if let Some(policy) = wish(&change.key) {
            change.new = change.new.clone().under(policy);
        }
    }
    changes.extend(survey.setting.extended.iter().map(|(source, content)| {
        let (key, new) = (configuration_key(source), configuration_entry(content));
        Change { old: survey.lock.get(&key).cloned(), key, new }
    }));
    changes.retain(|change| change.old.as_ref() != Some(&change.new));
    changes.sort_by(|one, other| one.key.cmp(&other.key));
    changes
}

/// Writes once, at the end, what is known by then.
fn save(survey: &Survey, changes: &[Change]) -> anyhow::Result<()> {
    if !changes.is_empty() {
        survey.file().change(|lock| delta::write(lock, changes))?;
    }
    if survey.setting.config.lock.answers {
        let lock = survey.file().read()?.lock;
        let mut named: BTreeSet<String> = lock.iter().map(|(_, entry)| delta::shown(entry)).collect();
        named.extend(survey.references.legacy.iter().map(|(_, pin)| pin.digest.clone()));
        let is_wanted = |digest: &str| named.contains(digest) || !survey.covers_all;
        survey.file().keep_answers(delta::of_content(delta::answers(survey.settled.iter())), is_wanted)?;
    }
    Ok(())
}

/// References whose images are too young or not whole yet; says so of each.
fn waiting(
    survey: &Survey,
    changes: &[Change],
    min_age: Option<u32>,
    required: Option<&Platforms>,
) -> BTreeSet<String> {
    let mut waiting = BTreeSet::new();
    let is_changed = |question: &&Question| {
        let key = survey.references.questions.get(question);
        key.is_some_and(|key| changes.iter().any(|change| change.key == *key))
    };
    let mut images: Vec<&Question> = survey.settled.keys().filter(is_changed).collect();
    images.sort_by_cached_key(ToString::to_string);
    let indexes: Vec<Question> = images.iter().filter_map(|image| index_of(image)).collect();
    let indexes = required.map(|_| survey.answers(&indexes)).unwrap_or_default();
    for question in images {
        let Question::Image { reference, .. } = question else { continue };
        let answer = survey.settled[question].as_deref().ok();
        let created = answer.and_then(Answer::image).and_then(|image| image.created.as_deref());
        let days = age::days(created, survey.prepared.job.now);
        if let Some(min) = min_age.filter(|min| days.is_none_or(|days| days < *min)) {
            let made = days.map_or_else(
                || "it does not say when it was made".to_owned(),
                |days| format!("it was made {days} days ago"),
            );
            complain(&format!("note: {question} waits: {made}, and --min-age is {min}d"));
            waiting.insert(reference.canonical());
        }
        let Some(Platforms(required)) = required else { continue };
        let missing = match index_of(question).and_then(|index| indexes.get(&index)) {
            Some(Ok(answer)) => missing_platforms(answer, question, required),
            _ => required.iter().map(ToString::to_string).collect(),
        };
        if !missing.is_empty() && waiting.insert(reference.canonical()) {
            complain(&format!("note: {question} waits: its index does not hold {} yet", missing.join(", ")));
        }
    }
    waiting
}

/// What is asked of the index of an image.
fn index_of(image: &Question) -> Option<Question> {
    let Question::Image { reference, .. } = image else { return None };
    Some(Question::Index { reference: reference.clone(), attestations: false })
}

fn missing_platforms(answer: &Answer, question: &Question, required: &[Platform]) -> Vec<String> {
    let (Answer::Index(index), Question::Image { platform, .. }) = (answer, question) else { return Vec::new() };
    let mut held: BTreeSet<String> =
        index.entries.iter().filter_map(|entry| entry.platform.as_ref()).map(ToString::to_string).collect();
    // A manifest without an index does not tell; but it was an answer.
    held.extend((!index.is_index).then(|| platform.to_string()));
    required.iter().map(ToString::to_string).filter(|platform| !held.contains(platform)).collect()
}

/// What could not be asked keeps what the lock said of it.
fn complain_of_failures(survey: &Survey, is_wanted: impl Fn(&Key) -> bool) -> u8 {
    let mut failures = survey.failures();
    failures.retain(|key, _| is_wanted(key));
    for (key, failure) in &failures {
        complain(&format!("error: {}{key}: {}: {}", survey.place(key), failure.reason.name(), failure.detail));
    }
    if failures.is_empty() && !survey.references.has_unread { CLEAN } else { FAILED }
}

fn days(text: &str) -> Result<u32, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    days.ok_or_else(|| "write a number of days, such as 3d".to_owned())
}

fn platforms(text: &str) -> Result<Platforms, String> {
    parse_platforms(text).map(Platforms)
}
