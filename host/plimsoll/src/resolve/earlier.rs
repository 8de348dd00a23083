//! What came of questions before: another run of this process asked them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Resolve, Resolving, ResolvingAll, one_by_one};
use crate::question::{Answer, Failure, Question};

/// The world, but for what an earlier run asked: that has the same answer again, or fails again.
pub struct Earlier {
    outcomes: HashMap<Question, Result<Arc<Answer>, Failure>>,
    world: Arc<dyn Resolve>,
}

impl Earlier {
    /// What came of each question, and who answers others.
    pub fn new(
        outcomes: impl IntoIterator<Item = (Question, Result<Arc<Answer>, Failure>)>,
        world: Arc<dyn Resolve>,
    ) -> Self {
        Self { outcomes: outcomes.into_iter().collect(), world }
    }
}

impl Resolve for Earlier {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        match self.outcomes.get(question) {
            Some(outcome) => Box::pin(async move { outcome.clone().map(Arc::unwrap_or_clone) }),
            None => self.world.resolve(question, deadline),
        }
    }

    fn resolve_all<'a>(&'a self, questions: &'a [Question], deadline: Instant) -> ResolvingAll<'a> {
        match questions.iter().any(|question| self.outcomes.contains_key(question)) {
            true => Box::pin(one_by_one(self, questions, deadline)),
            false => self.world.resolve_all(questions, deadline),
        }
    }

    fn known(&self, question: &Question) -> Option<Answer> {
        match self.outcomes.get(question) {
            Some(outcome) => outcome.as_deref().ok().cloned(),
            None => self.world.known(question),
        }
    }

    fn instead(&self, question: &Question) -> Option<Question> {
        if self.outcomes.contains_key(question) { None } else { self.world.instead(question) }
    }

    /// Nobody else's word counts for what failed.
    fn circumstances(&self, question: &Question) -> Option<String> {
        if self.outcomes.contains_key(question) { None } else { self.world.circumstances(question) }
    }

    fn why_not_asked(&self, question: &Question) -> Option<Failure> {
        match self.outcomes.get(question) {
            Some(outcome) => outcome.as_ref().err().cloned(),
            None => self.world.why_not_asked(question),
        }
    }
}
