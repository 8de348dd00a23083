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
            for (index, name) in names(&step) {
                if is_secret(name) {
                    let name = text::quoted(name);
                    let message = format!("Do not use ARG or ENV instructions for sensitive data ({keyword} {name})");
                    report.add(place::of_word(document, &step, index), message);
                }
            }
        }
    }
}

/// The names that a step sets, each with its word.
fn names<'d>(step: &Step<'d>) -> impl Iterator<Item = (usize, &'d str)> + use<'d> {
    step.words().enumerate().filter_map(|(index, word)| match word.role() {
        WordRole::Key => Some((index, word.value().unwrap_or(word.text()))),
        WordRole::Plain => Some((index, word.text().split('=').next().unwrap_or_default())),
        _ => None,
    })
}

fn is_secret(name: &str) -> bool {
    // The long s is an s in every case, which lower case does not tell.
    let name = name.to_lowercase().replace('ſ', "s");
    let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    has(&SECRET) && !has(&HARMLESS)
}
