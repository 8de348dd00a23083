//! A lock between questions and the world.
//!
//! Input: questions about what can move. Output: what the lock says they mean, or
//! what the world says where the lock has no say. Invariant: where the lock has
//! a say, nobody is asked by a name that can move.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::delta::shown;
use super::{Answers, Entry, FILE_NAME, Key, Lock, Mode, Policy, keys};
use crate::question::{Answer, Failure, Question, SkipReason};
use crate::resolve::{Resolve, Resolving, ResolvingAll, one_by_one};

/// The world, as far as the lock leaves questions to it.
pub struct Locked {
    inner: Arc<dyn Resolve>,
    lock: Lock,
    /// By reference, an entry that knows its index.
    indexes: HashMap<String, Key>,
    answers: Answers,
    path: PathBuf,
    mode: Mode,
    /// Whether the world is asked at all.
    asks: bool,
}

/// What the lock says of a question.
enum Stance<'l> {
    /// Nothing: ask the world.
    None,
    /// What it means.
    Held(&'l Entry),
    /// It has to say something, and does not.
    Missing,
}

impl Locked {
    /// A world with a lock, which was read from a path.
    pub fn new(inner: Arc<dyn Resolve>, lock: Lock, path: &Path, mode: Mode, asks: bool) -> Self {
        let with_index = lock.iter().filter(|(key, entry)| key.function == "resolve" && entry.more("index").is_some());
        let indexes = with_index.filter_map(|(key, _)| Some((key.arguments().into_iter().next()?, key.clone())));
        let indexes = indexes.collect();
        Self { inner, lock, indexes, answers: Answers::default(), path: path.to_owned(), mode, asks }
    }

    /// The same, where these answers are known of content.
    pub fn knowing(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    fn stance(&self, question: &Question) -> Stance<'_> {
        if self.mode == Mode::Update {
            return Stance::None;
        }
        let Some(key) = keys::key(question) else { return Stance::None };
        // An index is good for every platform.
        let other = || match question {
            Question::Image { reference, .. } if self.mode != Mode::Complete => {
                self.lock.get(self.indexes.get(&reference.canonical())?)
            }
            _ => None,
        };
        match self.lock.get(&key).or_else(other) {
            Some(entry) if matches!(self.mode, Mode::Strict | Mode::Complete) || !self.asks => Stance::Held(entry),
            Some(entry) if entry.policy() == Some(Policy::Pin) => Stance::Held(entry),
            None if self.mode == Mode::Strict => Stance::Missing,
            Some(_) | None => Stance::None,
        }
    }

    async fn answer(&self, question: &Question, deadline: Instant) -> Result<Answer, Failure> {
        let entry = match self.stance(question) {
            Stance::None => return self.inner.resolve(question, deadline).await,
            Stance::Missing => return Err(self.missing(question)),
            Stance::Held(entry) => entry,
        };
        if let Some(answer) = keys::answer(question, entry) {
            return Ok(answer);
        }
        let Some(content) = keys::instead(question, entry) else { return Err(self.odd(question)) };
        let answer = self.inner.resolve(&content, deadline).await;
        answer.map_err(|failure| match failure.reason {
            SkipReason::NotFound => self.gone(question, &content),
            _ => failure,
        })
    }

    fn missing(&self, question: &Question) -> Failure {
        let detail = format!("{} has no entry for {question}: run `plimsoll lock`", self.shown());
        Failure { reason: SkipReason::Lock, detail }
    }

    fn odd(&self, question: &Question) -> Failure {
        let detail = match keys::key(question) {
            Some(key) => {
                format!("what {} says under {key} is no such answer: run `plimsoll lock update`", self.shown())
            }
            None => format!("{} says nothing of it", self.shown()),
        };
        Failure { reason: SkipReason::Lock, detail }
    }

    fn gone(&self, question: &Question, content: &Question) -> Failure {
        let at = match content {
            Question::Image { reference, .. } | Question::Index { reference, .. } => reference.canonical(),
            _ => content.to_string(),
        };
        let detail = format!(
            "{} has {question} at {at}, which the registry has no more: run `plimsoll lock update`",
            self.shown()
        );
        Failure { reason: SkipReason::Lock, detail }
    }

    fn shown(&self) -> String {
        self.path.file_name().map_or_else(|| FILE_NAME.into(), |name| name.to_string_lossy().into_owned())
    }
}

impl Resolve for Locked {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(self.answer(question, deadline))
    }

    fn resolve_all<'a>(&'a self, questions: &'a [Question], deadline: Instant) -> ResolvingAll<'a> {
        match questions.iter().all(|question| keys::key(question).is_none()) {
            true => self.inner.resolve_all(questions, deadline),
            false => Box::pin(one_by_one(self, questions, deadline)),
        }
    }

    fn known(&self, question: &Question) -> Option<Answer> {
        match self.stance(question) {
            Stance::Held(entry) => {
                keys::answer(question, entry).or_else(|| self.answers.get(&keys::instead(question, entry)?))
            }
            Stance::None => self.answers.get(question).or_else(|| self.inner.known(question)),
            Stance::Missing => None,
        }
    }

    fn instead(&self, question: &Question) -> Option<Question> {
        match self.stance(question) {
            Stance::Held(entry) => keys::instead(question, entry),
            Stance::None | Stance::Missing => None,
        }
    }

    fn circumstances(&self, question: &Question) -> Option<String> {
        match self.stance(question) {
            // What earlier runs were told may have moved since.
            Stance::None if self.mode == Mode::Update && keys::key(question).is_some() => None,
            Stance::None => {
                let circumstances = self.inner.circumstances(question)?;
                // An answer from before the lock was updated would seem to be news.
                let entry = keys::key(question).and_then(|key| self.lock.get(&key));
                Some(match entry {
                    Some(entry) => format!("{circumstances} since {FILE_NAME} says {}", shown(entry)),
                    None => circumstances,
                })
            }
            // By what cannot be read nobody is asked, nor is it known from before.
            Stance::Held(entry) => {
                keys::instead(question, entry)?;
                self.inner.circumstances(question)
            }
            Stance::Missing => None,
        }
    }

    fn why_not_asked(&self, question: &Question) -> Option<Failure> {
        match self.stance(question) {
            Stance::Missing => Some(self.missing(question)),
            Stance::None | Stance::Held(_) => self.inner.why_not_asked(question),
        }
    }
}
