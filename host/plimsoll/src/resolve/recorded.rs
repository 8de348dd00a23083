//! Answers known beforehand: what rule pages say of the world.

use std::collections::HashMap;
use std::time::Instant;

use super::{Resolve, Resolving, context};
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
    fn answer(&self, question: &Question) -> Result<Answer, Failure> {
        match (self.answers.get(question), question) {
            (Some(known), _) => known.clone(),
            (None, Question::Ignored { paths, .. }) => {
                let file = self.ignore_file.as_deref().map(|content| (".dockerignore", content.as_bytes()));
                context::ignored(file, paths).map(Answer::Ignored)
            }
            (None, _) => Err(Failure {
                reason: SkipReason::ResolverError,
                detail: format!("no answer was recorded for {question}"),
            }),
        }
    }
}

impl Resolve for Recorded {
    fn resolve<'a>(&'a self, question: &'a Question, _deadline: Instant) -> Resolving<'a> {
        Box::pin(async move { self.answer(question) })
    }
}
