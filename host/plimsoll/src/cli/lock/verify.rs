//! `plimsoll lock verify`: is what the lock names still there?

use std::collections::BTreeMap;

use clap::Args;

use super::survey::Survey;
use crate::cli::lint::Scope;
use crate::cli::{CLEAN, FAILED, FOUND, complain, print};
use crate::lock::delta::shown;
use crate::lock::{Key, Policy, keys};
use crate::question::{Question, SkipReason};

/// Ask whether what the lock names is still there, and what has moved since
///
/// Exit status: 1 if something is gone or, though pinned, holds something else.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    // Content is asked for as the lock names it, by this and not by the run.
    let survey = Survey::of_entries(arguments.scope)?;
    let mut contents: BTreeMap<&Key, Question> = BTreeMap::new();
    let (mut said, mut is_unknown) = (Vec::new(), false);
    for (key, entry) in survey.lock.iter().filter(|(key, _)| key.is_known()) {
        let Some(question) = keys::question(key) else {
            complain(&format!("note: {key} is not asked: what is needed for that does not stand in the lock"));
            continue;
        };
        match keys::instead(&question, entry) {
            Some(content) => contents.insert(key, content),
            None => contents.insert(key, question),
        };
    }
    let answers = survey.answers(&contents.values().cloned().collect::<Vec<_>>());
    for (key, question) in &contents {
        let Some(entry) = survey.lock.get(key) else { continue };
        let at = format!("{}:{}", survey.file.path().display(), survey.lines.get(key).copied().unwrap_or_default());
        match answers.get(question) {
            Some(Ok(answer)) => {
                let now = keys::entry(question, answer, Policy::Float, "");
                if let Some(now) = now.filter(|now| !keys::mean_the_same(entry, now)) {
                    said.push(format!("moved: {at}: {key} {} -> {}", shown(entry), shown(&now)));
                }
            }
            Some(Err(failure)) if failure.reason == SkipReason::NotFound => {
                said.push(format!("gone: {at}: {key} {}", shown(entry)));
            }
            Some(Err(failure)) => {
                is_unknown = true;
                complain(&format!("error: {at}: {key}: {}: {}", failure.reason.name(), failure.detail));
            }
            None => {}
        }
    }
    print(&said.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(match (said.is_empty(), is_unknown) {
        (_, true) => FAILED,
        (true, false) => CLEAN,
        (false, false) => FOUND,
    })
}
