//! Secrets should come through mounts.

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct SecretsUsedInArgOrEnv;

/// Words that make a name one of a secret.
const SECRET: [&str; 10] =
    ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];

/// Words beside which it is none.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

impl Rule for SecretsUsedInArgOrEnv {
    const NAME: &'static str = "SecretsUsedInArgOrEnv";
    const SUMMARY: &'static str = "Secrets should come through mounts, not through ARG or ENV, which stay in the image";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/");

    fn check(&self, document: &Document, report: &mut Report) {
        for step in document.steps().filter(|step| step.stage().is_some_and(|stage| stage.is_needed())) {
            let keyword = match step.keyword() {
                Keyword::Arg => "ARG",
                Keyword::Env => "ENV",
                _ => continue,
            };
            for (index, name) in names(document, &step) {
                if is_secret(&name) {
                    let name = text::quoted(&name);
                    let message = format!("Do not use ARG or ENV instructions for sensitive data ({keyword} {name})");
                    report.add(place::of_word(document, &step, index), message);
                }
            }
        }
    }
}

/// The names that a step sets, each with its word.
fn names(document: &Document, step: &Step) -> Vec<(usize, String)> {
    if let Some(names) = step.instruction().and_then(|instruction| plain_names(document, step, &instruction)) {
        return names;
    }
    let words = step.words().into_iter().enumerate();
    let name = |(index, word): (usize, StepWord)| match word.role() {
        WordRole::Key => Some((index, word.value.unwrap_or(word.text))),
        WordRole::Plain => Some((index, before_equals(&word.text))),
        _ => None,
    };
    words.filter_map(name).collect()
}

/// The same where all are written as they are read, which is seen without asking.
fn plain_names(document: &Document, step: &Step, instruction: &Instruction) -> Option<Vec<(usize, String)>> {
    let is_arg = step.keyword() == Keyword::Arg;
    let special = ['$', '"', '\'', document.escape()];
    let words = instruction.words().enumerate().step_by(if is_arg { 1 } else { 2 });
    words
        .map(|(index, word)| {
            let text = word.text();
            let name = if is_arg { before_equals(&text) } else { text.into_owned() };
            (is_arg || !name.contains(special)).then_some((index, name))
        })
        .collect()
}

fn before_equals(text: &str) -> String {
    text.split('=').next().unwrap_or_default().to_owned()
}

fn is_secret(name: &str) -> bool {
    // The long s is an s in every case, which lower case does not tell.
    let name = name.to_lowercase().replace('ſ', "s");
    let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    has(&SECRET) && !has(&HARMLESS)
}
