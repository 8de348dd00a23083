//! The session of slow checks: one for each invocation.
//!
//! Input: questions of all files, again in each round of follow-ups. Output:
//! an answer or a failure for each distinct one. Invariant: a question is asked
//! at most once a session, at most so many are in flight, and nothing is
//! awaited past the budget, which starts with the first question and includes
//! queueing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::config::show_duration;
use crate::limits::{HOST_CONCURRENCY, NETWORK_CONCURRENCY};
use crate::question::{Answer, Failure, Question, SkipReason};
use crate::resolve::Resolve;

/// What came of a question.
pub type Outcome = Result<Arc<Answer>, Failure>;

/// The questions of one invocation and what came of them.
pub struct Session {
    resolver: Arc<dyn Resolve>,
    budget: Duration,
    deadline: Option<Instant>,
    runtime: Option<Runtime>,
    outcomes: HashMap<Question, Outcome>,
}

impl Session {
    /// A session that has asked nothing yet.
    pub fn new(resolver: Arc<dyn Resolve>, budget: Duration) -> Self {
        Self { resolver, budget, deadline: None, runtime: None, outcomes: HashMap::new() }
    }

    /// How many distinct questions were asked.
    pub fn executed(&self) -> usize {
        self.outcomes.len()
    }

    /// What came of a question that [`Session::ask`] was given.
    pub fn outcome(&self, question: &Question) -> Option<&Outcome> {
        self.outcomes.get(question)
    }

    /// Asks what was not asked before, and waits for all answers. Of equal
    /// questions the longest budget counts; none means the session's own.
    pub fn ask<'q>(&mut self, questions: impl Iterator<Item = (&'q Question, Option<Duration>)>) {
        let mut wanted: Vec<(Question, Option<Duration>)> = Vec::new();
        let mut places: HashMap<&Question, usize> = HashMap::new();
        for (question, budget) in questions {
            if self.outcomes.contains_key(question) {
                continue;
            }
            match places.get(question) {
                Some(place) => wanted[*place].1 = longest(wanted[*place].1, budget),
                None => {
                    places.insert(question, wanted.len());
                    wanted.push((question.clone(), budget));
                }
            }
        }
        if wanted.is_empty() {
            return;
        }
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.budget);
        let runtime = self.runtime.get_or_insert_with(|| {
            Builder::new_current_thread().enable_all().build().expect("a runtime needs only the process's own means")
        });
        let asked = runtime.block_on(ask_all(self.resolver.clone(), wanted, deadline, self.budget));
        self.outcomes.extend(asked);
    }
}

impl Drop for Session {
    /// Name look-ups run on threads that cannot be stopped; they are not waited for.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn longest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    Some(one?.max(other?))
}

async fn ask_all(
    resolver: Arc<dyn Resolve>,
    wanted: Vec<(Question, Option<Duration>)>,
    deadline: Instant,
    budget: Duration,
) -> Vec<(Question, Outcome)> {
    let all = Arc::new(Semaphore::new(NETWORK_CONCURRENCY));
    let mut hosts: HashMap<String, Arc<Semaphore>> = HashMap::new();
    let mut tasks = JoinSet::new();
    for (question, own_budget) in wanted {
        let host = hosts
            .entry(question.host().unwrap_or_default().to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(HOST_CONCURRENCY)));
        let (resolver, host, all) = (resolver.clone(), host.clone(), all.clone());
        tasks.spawn(async move {
            let answered = timeout_at(deadline, async {
                // The host's turn comes first: waiting for one host holds up no other.
                let _host = host.acquire().await;
                let _all = all.acquire().await;
                let own = own_budget.map_or(deadline, |own| deadline.min(Instant::now() + own));
                let answered = timeout_at(own, resolver.resolve(&question, own.into_std())).await;
                answered
                    .map(|outcome| outcome.map(Arc::new))
                    .unwrap_or_else(|_| Err(out_of_time(&question, own_budget.unwrap_or(budget))))
            });
            let outcome = answered.await.unwrap_or_else(|_| Err(out_of_time(&question, budget)));
            (question, outcome)
        });
    }
    let mut outcomes = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        // A task ends early only by a panic of a resolver, which has its own message.
        outcomes.extend(joined);
    }
    outcomes
}

fn out_of_time(question: &Question, budget: Duration) -> Failure {
    let detail =
        format!("{} did not answer within {}", question.host().unwrap_or("the file system"), show_duration(budget));
    Failure { reason: SkipReason::Timeout, detail }
}
