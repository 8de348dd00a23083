//! Resolvers: who answers questions.
//!
//! Input: a typed question. Output: its answer, or a classified failure.
//! Invariant: a resolver never sees a plugin, a file or a rule, only the
//! question; dropping the future stops the work.

mod checksum;
pub mod console;
pub mod context;
mod earlier;
pub mod git;
mod http;
mod recorded;
mod registry;
mod web;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

pub use console::Console;
pub use context::Context;
pub use earlier::Earlier;
pub use git::Git;
pub use http::Http;
pub use recorded::Recorded;
pub use registry::Registry;
pub use web::Web;

use crate::question::{Answer, Failure, Question, SkipReason};

/// An answer on its way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send + 'a>>;

/// Answers on their way, in the order of the questions.
pub type ResolvingAll<'a> = Pin<Box<dyn Future<Output = Vec<Result<Answer, Failure>>> + Send + 'a>>;

/// Something that answers questions.
pub trait Resolve: Send + Sync {
    /// Answers one question. Past the deadline nobody waits: no retry is worth
    /// beginning that cannot end before.
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a>;

    /// Answers several questions, perhaps with less work than one by one.
    fn resolve_all<'a>(&'a self, questions: &'a [Question], deadline: Instant) -> ResolvingAll<'a> {
        Box::pin(one_by_one(self, questions, deadline))
    }

    /// What the answer depends on besides the question, such as where mirrors
    /// are: under equal circumstances a later run may be given the same answer.
    /// None if it may not.
    fn circumstances(&self, _question: &Question) -> Option<String> {
        None
    }

    /// The answer to a question, where it is known without asking anybody.
    fn known(&self, _question: &Question) -> Option<Answer> {
        None
    }

    /// The question that is asked in place of another one, whose answers earlier runs may know.
    fn instead(&self, _question: &Question) -> Option<Question> {
        None
    }

    /// Whether it is said already what a question means, so that its answer is no news.
    fn is_held(&self, question: &Question) -> bool {
        self.known(question).is_some() || self.instead(question).is_some()
    }

    /// Why a question is not even asked: a recorded run did not ask it, or the lock does not know it.
    fn why_not_asked(&self, _question: &Question) -> Option<Failure> {
        None
    }
}

/// Every resolver of a run, each for its questions.
pub struct World {
    /// Answers questions about images and what is attached to them.
    pub registry: Arc<dyn Resolve>,
    /// Answers questions about build contexts.
    pub context: Context,
    /// Answers questions about addresses of the web.
    pub http: Http,
    /// Answers questions about git repositories.
    pub git: Git,
    /// Has tools of this machine answer.
    pub console: Console,
}

impl World {
    /// The resolvers of the program. The hosts allowed, `host` or `host:port`, may be
    /// this machine or in its network; registries are the user's own choice anyway. No tool is run.
    pub fn new(registry: Arc<dyn Resolve>, allowed_hosts: impl IntoIterator<Item = String>) -> Self {
        let web = Arc::new(Web::new(allowed_hosts));
        let (http, git) = (Http::new(web.clone()), Git::new(web));
        Self { registry, context: Context::default(), http, git, console: Console::default() }
    }
}

impl Resolve for World {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        match question {
            Question::Image { .. } | Question::Index { .. } | Question::Tags { .. } | Question::Referrers { .. } => {
                self.registry.resolve(question, deadline)
            }
            Question::Ignored { .. } | Question::Files { .. } | Question::File { .. } | Question::Text { .. } => {
                self.context.resolve(question, deadline)
            }
            Question::Download { .. } => self.http.resolve(question, deadline),
            Question::Commit { .. } => self.git.resolve(question, deadline),
            Question::Run { .. } | Question::Check { .. } => self.console.resolve(question, deadline),
        }
    }

    fn resolve_all<'a>(&'a self, questions: &'a [Question], deadline: Instant) -> ResolvingAll<'a> {
        match questions.iter().all(|question| question.batch().is_some()) {
            true => self.console.resolve_all(questions, deadline),
            false => Box::pin(one_by_one(self, questions, deadline)),
        }
    }

    fn circumstances(&self, question: &Question) -> Option<String> {
        match question {
            Question::Image { .. } | Question::Index { .. } | Question::Tags { .. } | Question::Referrers { .. } => {
                self.registry.circumstances(question)
            }
            Question::Download { .. } => self.http.circumstances(question),
            Question::Commit { .. } => self.git.circumstances(question),
            Question::Ignored { .. } | Question::Files { .. } | Question::File { .. } | Question::Text { .. } => None,
            // Another day it may be another version of the tool.
            Question::Run { .. } | Question::Check { .. } => None,
        }
    }
}

/// Answers to questions that nobody has to answer together.
pub(crate) async fn one_by_one<R: Resolve + ?Sized>(
    resolver: &R,
    questions: &[Question],
    deadline: Instant,
) -> Vec<Result<Answer, Failure>> {
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        answers.push(resolver.resolve(question, deadline).await);
    }
    answers
}

/// A question that a resolver does not know, so that a mistake in [`World`] shows.
fn misdirected(question: &Question) -> Failure {
    let detail = format!("{question} was put to a resolver that cannot know");
    Failure { reason: SkipReason::ResolverError, detail }
}
