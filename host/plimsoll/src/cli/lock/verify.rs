//! `plimsoll lock verify`: is what the lock names still there?

use std::collections::BTreeMap;

use clap::Args;

use super::survey::Survey;
use crate::cli::lint::Scope;
use crate::cli::{CLEAN, FAILED, FOUND, complain, print_lines};
use crate::lock::delta::shown;
use crate::lock::{Entry, Key, Policy, keys};
use crate::question::{Question, SkipReason};

/// Ask whether what the lock names is still there, and what has moved since
///
/// Exit status: 1 if content is gone, is not what the lock says, or stands behind a
/// pinned URL or branch no more. That a tag has moved is told, and no failure. Plugins are
/// for `plimsoll plugin verify`.
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock verify")]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    // Content is asked for as the lock names it, by this and not by the run.
    let survey = Survey::of_entries(arguments.scope)?;
    let mut questions: BTreeMap<&Key, (Question, Option<Question>)> = BTreeMap::new();
    let (mut said, mut is_wrong, mut is_unknown) = (Vec::new(), false, false);
    for (key, entry) in survey.lock.iter().filter(|(key, _)| key.is_of_files()) {
        let Some(question) = keys::question(key) else {
            complain(&format!("note: {key} is not asked: what is needed for that does not stand in the lock"));
            continue;
        };
        let content = keys::instead(&question, entry);
        questions.insert(key, (question, content));
    }
    let all = questions.values().flat_map(|(name, content)| content.iter().chain([name]));
    let answers = survey.answers(&all.cloned().collect::<Vec<_>>());
    let at = survey.lines()?;
    for (key, (name, content)) in &questions {
        let Some(entry) = survey.lock.get(key) else { continue };
        let at = at(key);
        let told = |asked: &Question| match answers.get(asked)? {
            Ok(answer) => Some(Ok(keys::entry(name, answer, Policy::Float, "")?)),
            Err(failure) => Some(Err(failure)),
        };
        match content.as_ref().and_then(told) {
            Some(Ok(now)) if !keys::mean_the_same(entry, &now) => {
                is_wrong = true;
                said.push(format!("wrong: {at}: {key} {} is {}", told_of(entry), told_of(&now)));
            }
            Some(Err(failure)) if failure.reason == SkipReason::NotFound => {
                is_wrong = true;
                said.push(format!("gone: {at}: {key} {}", shown(entry)));
                continue;
            }
            _ => {}
        }
        match told(name) {
            Some(Ok(now)) if !keys::mean_the_same(entry, &now) => {
                is_wrong |= content.is_none() && entry.policy() == Some(Policy::Pin);
                said.push(format!("moved: {at}: {key} {} -> {}", shown(entry), shown(&now)));
            }
            Some(Err(failure)) if failure.reason == SkipReason::NotFound => {
                is_wrong |= content.is_none();
                said.push(format!("gone: {at}: {key}, by its name"));
            }
            Some(Err(failure)) => {
                is_unknown = true;
                complain(&format!("error: {at}: {key}: {}: {}", failure.reason.name(), failure.detail));
            }
            Some(Ok(_)) | None => {}
        }
    }
    print_lines(&said.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(match (is_wrong, is_unknown) {
        (_, true) => FAILED,
        (true, false) => FOUND,
        (false, false) => CLEAN,
    })
}

/// All that an entry says of an image: the manifest, and the index where there is one.
fn told_of(entry: &Entry) -> String {
    let manifest = entry.text().unwrap_or("none");
    match entry.more("index") {
        Some(index) => format!("{manifest} in {index}"),
        None => manifest.to_owned(),
    }
}
