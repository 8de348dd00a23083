//! What a case says of the world: questions and their answers, as JSON.
//!
//! An object of questions and facts, read and written by one form each:
//!
//! | question | fact |
//! |---|---|
//! | `IMAGE PLATFORM` | what the image brings into a build; `{}` says nothing of it |
//! | `index IMAGE`, `index IMAGE attestations` | what the reference offers |
//! | `tags REPOSITORY` | a list |
//! | `referrers IMAGE`, `referrers IMAGE TYPE` | a list |
//! | `http URL` | `{"sha256": …}`, or another algorithm |
//! | `git URL NAME` | `{"commit": …}` |
//! | `.dockerignore` | its lines, or null where there is none |
//! | `context` | `{"files": …, "ignore": …}`: a real folder with these files, by name alone or with their texts |
//! | `console` | what a tool says of texts, by text, whatever the tool and its arguments |
//! | `runs` | runs of tools, a list |
//!
//! Instead of a fact `{"skipped": REASON}` says that there is no answer. Invariant: what is written is read as
//! an answer that rules cannot tell from the one that was written.

mod folder;
mod image;
mod json;
mod listings;
#[cfg(test)]
mod tests;
mod tools;
mod web;

use std::collections::{BTreeMap, HashMap};

use plimsoll_dockerfile::Reference;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use folder::FolderFact;
pub(super) use json::spaced;

use crate::question::{Answer, Failure, Question, SkipReason};

/// What the facts call the ignore file of the build context.
pub(super) const IGNORE_FILE: &str = ".dockerignore";
/// What they call the files of the build context.
pub(super) const CONTEXT: &str = "context";
/// What they call the findings of tools.
pub(super) const CONSOLE: &str = "console";
/// What they call runs of tools.
pub(super) const RUNS: &str = "runs";

/// The forms of questions, as advice.
const QUESTIONS: &str = "`IMAGE PLATFORM`, `index IMAGE`, `tags REPOSITORY`, `referrers IMAGE`, `http URL`, `git URL NAME`, \
                         `.dockerignore`, `context`, `console` and `runs`";

/// An answer, or why there is none.
pub(super) type Outcome = Result<Answer, Failure>;

/// What a case says of the world.
#[derive(Debug, Default)]
pub struct Facts {
    /// Answers to the questions that have a key of their own, and to runs of tools.
    pub(super) answers: HashMap<Question, Outcome>,
    /// The lines of the ignore file or none, where they are told.
    pub(super) ignore_file: Option<Option<Vec<String>>>,
    /// The build context, where they say what is in it.
    pub(super) folder: Option<FolderFact>,
    /// What a tool says of each text.
    pub(super) console: Option<BTreeMap<String, Value>>,
}

/// What is wrong with facts.
#[derive(Debug)]
pub struct Wrong {
    /// The line of their text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl Wrong {
    fn of_json(error: &serde_json::Error) -> Self {
        let (line, message) = (error.line(), error.to_string());
        let message = message.split(" at line ").next().unwrap_or_default();
        Self { line, message: format!("facts: {message}") }
    }

    /// Something about a key, at the line that has it.
    fn of_key(text: &str, key: &str, error: &str) -> Self {
        let written = Value::from(key).to_string();
        let line = text.lines().position(|line| line.contains(&written)).unwrap_or_default() + 1;
        Self { line, message: format!("facts: {key}: {error}") }
    }
}

impl Facts {
    /// Reads a `facts` block.
    ///
    /// # Errors
    /// Where it is no JSON, or a question or fact has not the form above.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut facts: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|error| Wrong::of_json(&error))?;
        let mut special = |key: &str| facts.remove(key);
        let (ignore_file, folder) = (special(IGNORE_FILE), special(CONTEXT));
        let (console, runs) = (special(CONSOLE), special(RUNS));
        let mut answers = HashMap::new();
        for (key, fact) in facts {
            let (question, outcome) = read(&key, fact).map_err(|error| Wrong::of_key(text, &key, &error))?;
            answers.insert(question, outcome);
        }
        let of = |key: &str, error: String| Wrong::of_key(text, key, &error);
        let runs = runs.map(tools::runs).transpose().map_err(|error| of(RUNS, error))?;
        answers.extend(runs.into_iter().flatten());
        Ok(Self {
            answers,
            ignore_file: ignore_file.map(form).transpose().map_err(|error| of(IGNORE_FILE, error))?,
            folder: folder.map(form).transpose().map_err(|error| of(CONTEXT, error))?,
            console: console.map(form).transpose().map_err(|error| of(CONSOLE, error))?,
        })
    }
}

/// What a question and its fact mean.
fn read(key: &str, fact: Value) -> Result<(Question, Outcome), String> {
    match key.split_once(' ') {
        Some(("http", url)) => web::download(url, fact),
        Some(("git", question)) => web::commit(question, fact),
        Some(("index", question)) => listings::index(question, fact),
        Some(("tags", repository)) => listings::tags(repository, fact),
        Some(("referrers", question)) => listings::referrers(question, fact),
        Some((reference, platform)) => image::image(reference, platform, fact),
        None => Err(format!("this is no question; those are {QUESTIONS}")),
    }
}

/// What facts tell by question, each with its key as it is written; of runs each with none.
pub(super) fn keyed(facts: &BTreeMap<String, Value>) -> HashMap<Question, (String, Value)> {
    let mut keyed = HashMap::new();
    for (key, fact) in facts.iter().filter(|(key, _)| ![IGNORE_FILE, CONTEXT, CONSOLE].contains(&key.as_str())) {
        if key == RUNS {
            let entries = fact.as_array().into_iter().flatten();
            let runs = tools::runs(fact.clone()).unwrap_or_default().into_iter().zip(entries);
            keyed.extend(runs.map(|((question, _), fact)| (question, (String::new(), fact.clone()))));
        } else if let Ok((question, _)) = read(key, fact.clone()) {
            keyed.insert(question, (key.clone(), fact.clone()));
        }
    }
    keyed
}

/// The key under which facts answer a question; none for those that share one.
pub(super) fn key(question: &Question) -> Option<String> {
    Some(match question {
        Question::Image { reference, platform } => format!("{} {platform}", reference.familiar()),
        Question::Index { reference, attestations } => {
            format!("index {}{}", reference.familiar(), if *attestations { " attestations" } else { "" })
        }
        Question::Tags { repository } => format!("tags {}", repository.familiar()),
        Question::Referrers { reference, artifact_type } => {
            let kind = artifact_type.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
            format!("referrers {}{kind}", reference.familiar())
        }
        Question::Download { url, .. } => format!("http {url}"),
        Question::Commit { remote, reference } => format!("git {remote} {reference}"),
        _ => return None,
    })
}

/// The fact that says what came of a question; none for those that share a key.
pub(super) fn fact(question: &Question, outcome: &Outcome) -> Option<Value> {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure) => return Some(web::skipped(question, failure)),
    };
    Some(match (question, answer) {
        (Question::Image { platform, .. }, Answer::Image(image)) => image::fact(platform, image),
        (Question::Index { .. }, Answer::Index(index)) => listings::index_fact(index),
        (_, Answer::Tags(tags)) => tags.clone().into(),
        (_, Answer::Referrers(referrers)) => listings::referrers_fact(referrers),
        (Question::Download { url, algorithm }, Answer::Download(download)) => {
            web::download_fact(url, *algorithm, download)
        }
        (_, Answer::Commit(commit)) => serde_json::json!({ "commit": commit }),
        _ => return None,
    })
}

/// The entry of [`RUNS`] that says what came of a run.
pub(super) fn run_fact(question: &Question, outcome: &Outcome) -> Option<Value> {
    tools::run_fact(question, outcome)
}

fn form<T: DeserializeOwned>(fact: Value) -> Result<T, String> {
    serde_json::from_value(fact).map_err(|error| error.to_string())
}

fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).map_err(|error| error.to_string())
}

/// Why there is no answer, if that is what a fact says.
pub(super) fn failure(skipped: Option<&str>) -> Result<Option<Failure>, String> {
    let Some(skipped) = skipped else { return Ok(None) };
    let reasons =
        [SkipReason::Auth, SkipReason::NotFound, SkipReason::Network, SkipReason::Timeout, SkipReason::ResolverError];
    let reason = reasons.into_iter().find(|known| known.name() == skipped).ok_or_else(|| {
        let names = reasons.map(SkipReason::name).join(", ");
        format!("there is no reason {skipped:?} to skip a question; there are {names}")
    })?;
    Ok(Some(Failure { reason, detail: String::new() }))
}

/// A digest where none is told: any will do.
fn some_digest(number: usize) -> String {
    format!("sha256:{number:064}")
}
