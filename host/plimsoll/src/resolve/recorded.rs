//! Answers known beforehand: what rule pages say of the world.

use std::collections::HashMap;
use std::time::Instant;

use super::context::IgnoreFile;
use super::{Resolve, Resolving};
use crate::question::{Answer, Failure, Question, SkipReason};

/// Answers by question.
#[derive(Default)]
pub struct Recorded {
    /// The answers.
    pub answers: HashMap<Question, Result<Answer, Failure>>,
    /// The content of `.dockerignore` in every build context; none where there is no such file.
    pub ignore_file: Option<String>,
}

impl Recorded {
    fn answer(&self, question: &Question, deadline: Instant) -> Result<Answer, Failure> {
        match (self.answers.get(question), question) {
            (Some(known), _) => known.clone(),
            (None, Question::Ignored { paths, .. }) => {
                let file = self.ignore_file.as_deref();
                let file = file.map(|content| IgnoreFile::new(".dockerignore", content.as_bytes()));
                file.unwrap_or_else(IgnoreFile::none).ignored(paths, deadline).map(Answer::Ignored)
            }
            (None, _) => Err(Failure {
                reason: SkipReason::ResolverError,
                detail: format!("no answer was recorded for {question}"),
            }),
        }
    }
}

impl Resolve for Recorded {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move { self.answer(question, deadline) })
    }
}
