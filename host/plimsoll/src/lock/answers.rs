//! `plimsoll.answers`: what was learnt of the content that a lock names, so that a run
//! without network finds the same.
//!
//! JSON, one value a line: first the version, then each question about content with its
//! answer, sorted. Invariants: only content is in it, which cannot move; and of an
//! image only what rules can read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use plimsoll_registry::Answer as RegistryAnswer;
use serde::{Deserialize, Serialize};

use super::pins::is_digest;
use super::{CONFLICT_MARKERS, Malformed};
use crate::form::{Form, Key, VERSION};
use crate::limits::{ANSWERS_BYTES_MAX, ANSWERS_LINE_BYTES_MAX};
use crate::question::{Answer, Question};

/// What the file is called.
pub const ANSWERS_FILE_NAME: &str = "plimsoll.answers";

/// Answers about content, by what they are found by.
#[derive(Debug, Default)]
pub struct Answers(BTreeMap<String, Form>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    answers: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    question: Key,
    answer: Form,
}

impl Answers {
    /// Reads a file's text; no text is no answers. Those of another version are none: they are asked anew.
    ///
    /// # Errors
    /// Where a line does not hold up.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        const AGAIN: &str = "take the file away and run `plimsoll lock`";
        let wrong = |line: usize, what: String| Malformed { line, message: format!("{what}: {AGAIN}") };
        if text.len() as u64 > ANSWERS_BYTES_MAX {
            return Err(wrong(1, format!("it is larger than {ANSWERS_BYTES_MAX} bytes")));
        }
        let mut rows = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let Some((number, first)) = rows.next() else { return Ok(Self::default()) };
        let header: Header =
            serde_json::from_str(first).map_err(|error| wrong(number, format!("it begins as no answers ({error})")))?;
        if header.answers != VERSION {
            return Ok(Self::default());
        }
        let mut answers = BTreeMap::new();
        for (number, row) in rows {
            if row.len() > ANSWERS_LINE_BYTES_MAX {
                return Err(wrong(number, format!("the line is longer than {ANSWERS_LINE_BYTES_MAX} bytes")));
            }
            if is_marker(row) {
                let message = "git left a conflict here: run `plimsoll lock merge`".to_owned();
                return Err(Malformed { line: number, message });
            }
            let line: Line = serde_json::from_str(row).map_err(|error| wrong(number, error.to_string()))?;
            answers.insert(name(&line.question), line.answer);
        }
        Ok(Self(answers))
    }

    /// Reads a text in which git left conflicts. What both sides say of content holds: they cannot contradict.
    ///
    /// # Errors
    /// Where a line does not hold up.
    pub fn joined(text: &str) -> Result<Self, Malformed> {
        // Lines stay where they are, so that complaints name them.
        let rows = text.lines().map(|row| if is_marker(row) { "" } else { row });
        Self::parse(&rows.flat_map(|row| [row, "\n"]).collect::<String>())
    }

    /// The file's text; none where there are none.
    pub fn text(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let header = serde_json::to_string(&Header { answers: VERSION }).expect("it has string keys only");
        self.0.iter().fold(format!("{header}\n"), |mut text, (question, answer)| {
            let answer = serde_json::to_string(answer).expect("it has string keys only");
            let _ = writeln!(text, "{{\"question\":{question},\"answer\":{answer}}}");
            text
        })
    }

    /// The answer to a question about content.
    pub fn get(&self, question: &Question) -> Option<Answer> {
        let answer = self.0.get(&name(&key(question)?)).cloned()?.answer(question)?;
        is_of(question, &answer).then_some(answer)
    }

    /// Lets go of answers about content that nobody wants.
    pub fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.0.retain(|question, _| digest(question).is_some_and(&is_wanted));
    }

    /// Adds the answer to a question about content; others are left out.
    pub fn add(&mut self, question: &Question, answer: &Answer) {
        let Some(key) = key(question) else { return };
        let answer = match answer {
            Answer::Image(RegistryAnswer::Image(image)) => {
                let mut image = image.clone();
                (image.entrypoint, image.cmd) = (Vec::new(), Vec::new());
                &Answer::Image(RegistryAnswer::Image(image))
            }
            answer => answer,
        };
        self.0.insert(name(&key), Form::of(question, answer));
    }

    /// Adds all that others are not in there yet.
    pub fn extend(&mut self, others: Self) {
        for (key, form) in others.0 {
            self.0.entry(key).or_insert(form);
        }
    }
}

fn is_marker(row: &str) -> bool {
    CONFLICT_MARKERS.iter().any(|marker| row.starts_with(marker))
}

/// None for a question about what can move. Where content came from is no matter.
fn key(question: &Question) -> Option<Key> {
    Some(Key::of(question, "", Path::new(""))).filter(Key::is_content)
}

/// The digest of the content that a question is about.
fn digest(question: &str) -> Option<&str> {
    let (_, rest) = question.split_once('@')?;
    rest.split('"').next()
}

/// Whether an answer is about the content that the question names, as far as it says so itself.
fn is_of(question: &Question, answer: &Answer) -> bool {
    let (Question::Image { reference, .. } | Question::Index { reference, .. }) = question else { return false };
    let Some(content) = reference.digest.as_deref() else { return false };
    match answer {
        Answer::Image(RegistryAnswer::Image(image)) => {
            is_digest(&image.digest) && image.index_digest.as_deref().unwrap_or(&image.digest) == content
        }
        Answer::Image(RegistryAnswer::PlatformMismatch { index_digest, .. }) => index_digest == content,
        Answer::Index(index) => index.digest == content,
        _ => false,
    }
}

fn name(key: &Key) -> String {
    serde_json::to_string(key).expect("keys are strings")
}
