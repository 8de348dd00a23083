//! One question, or several that are asked together: waiting for their turn, then
//! for the answer.
//!
//! Input: questions with their own budgets, of which the longest counts. Output: what
//! came of each, and when they had their turn. Invariant: whoever waits for one host holds up no other; past
//! its time a question's work is dropped, which closes its connection.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::{Outcome, Terms, longest};
use crate::config::{Pool, Pools, TimeoutMode, show_duration};
use crate::question::{Failure, Question, SkipReason};
use crate::resolve::Resolve;

/// A question, and its own budget.
pub(super) type Wanted = (Question, Option<Duration>);

/// What came of one question.
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) outcome: Outcome,
    /// When it was its turn; none if it never was.
    pub(super) turn: Option<Instant>,
    pub(super) end: Instant,
}

/// The turns of one round.
pub(super) struct Turns {
    resolver: Arc<dyn Resolve>,
    /// When the session began.
    start: Instant,
    budget: Duration,
    mode: TimeoutMode,
    pools: Pools,
    network: Arc<Semaphore>,
    hosts: HashMap<String, Arc<Semaphore>>,
    context: Arc<Semaphore>,
    console: Arc<Semaphore>,
    /// How many questions had their turn so far.
    begun: Arc<AtomicUsize>,
}

impl Turns {
    pub(super) fn new(resolver: Arc<dyn Resolve>, terms: &Terms, start: Instant, begun: Arc<AtomicUsize>) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            resolver,
            start,
            budget: terms.timeout,
            mode: terms.timeout_mode,
            pools: terms.pools,
            network: places(terms.pools.network.concurrency),
            hosts: HashMap::new(),
            context: places(terms.pools.context.concurrency),
            console: places(terms.pools.console.concurrency),
            begun,
        }
    }

    /// Asks questions when it is their turn. They are for the same host and pool.
    pub(super) fn ask(&mut self, wanted: Vec<Wanted>) -> impl Future<Output = Vec<Asked>> + use<> {
        let (questions, own): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let own = own.into_iter().reduce(longest).flatten();
        let first = &questions[0];
        let pool = Pool::of(first);
        let queue = self.queue(pool, first);
        let budgets = Budgets::new(self.budget, own, pool, &self.pools);
        let (resolver, mode, start, begun) = (self.resolver.clone(), self.mode, self.start, self.begun.clone());
        async move {
            let whole = (mode == TimeoutMode::IncludeQueue).then(|| budgets.due(start, Instant::now()));
            let permits = match whole {
                // When time is over for many at once, some may have their turn in that very moment.
                Some((due, _)) => timeout_at(due, queue.turn()).await.ok().filter(|_| Instant::now() < due),
                None => Some(queue.turn().await),
            };
            let Some(permits) = permits else {
                let (_, budget) = whole.unwrap_or_else(|| budgets.due(start, start));
                let end = Instant::now();
                let missed = |question: Question| {
                    let outcome = Err(budget.is_over(&question, "was not asked"));
                    Asked { question, outcome, turn: None, end }
                };
                return questions.into_iter().map(missed).collect();
            };
            let turn = Instant::now();
            begun.fetch_add(questions.len(), Ordering::Relaxed);
            let (due, budget) = whole.unwrap_or_else(|| budgets.due(turn, turn));
            let resolved = timeout_at(due, resolve(resolver, pool, &questions, due, permits)).await;
            let end = Instant::now();
            let mut outcomes = resolved.unwrap_or_default().into_iter();
            let answered = |question: Question| {
                let is_late = |failure: &Failure| pool == Pool::Console && failure.reason == SkipReason::Timeout;
                let outcome = match outcomes.next() {
                    Some(Err(failure)) if !is_late(&failure) => Err(failure),
                    Some(Ok(answer)) => Ok(answer),
                    Some(Err(_)) | None => Err(budget.is_over(&question, "did not answer")),
                };
                Asked { question, outcome, turn: Some(turn), end }
            };
            questions.into_iter().map(answered).collect()
        }
    }

    fn queue(&mut self, pool: Pool, question: &Question) -> Queue {
        match (pool, question.host()) {
            (Pool::Context, _) => Queue { host: None, pool: self.context.clone() },
            (Pool::Console, _) => Queue { host: None, pool: self.console.clone() },
            (Pool::Network, None) => Queue { host: None, pool: self.network.clone() },
            (Pool::Network, Some(host)) => {
                let places = || Arc::new(Semaphore::new(self.pools.host_concurrency));
                let host = match self.hosts.get(host) {
                    Some(host) => host.clone(),
                    None => self.hosts.entry(host.to_owned()).or_insert_with(places).clone(),
                };
                Queue { host: Some(host), pool: self.network.clone() }
            }
        }
    }
}

/// Where a question waits for its turn.
struct Queue {
    host: Option<Arc<Semaphore>>,
    pool: Arc<Semaphore>,
}

/// A turn, which ends when this is dropped.
struct Permits {
    _host: Option<OwnedSemaphorePermit>,
    _pool: OwnedSemaphorePermit,
}

impl Queue {
    async fn turn(self) -> Permits {
        const OPEN: &str = "nobody closes a queue";
        // The host's turn comes first: waiting for one host holds up no other.
        let host = match self.host {
            Some(host) => Some(host.acquire_owned().await.expect(OPEN)),
            None => None,
        };
        Permits { _host: host, _pool: self.pool.acquire_owned().await.expect(OPEN) }
    }
}

/// How long a question may take.
struct Budgets {
    session: Budget,
    /// The lesser of the request's and the pool's.
    own: Option<Budget>,
}

#[derive(Clone, Copy)]
struct Budget {
    time: Duration,
    /// Who set it, where the user would look elsewhere.
    whose: Whose,
}

#[derive(Clone, Copy)]
enum Whose {
    Session,
    Rule,
    Pool(Pool),
}

impl Budgets {
    fn new(session: Duration, rule: Option<Duration>, pool: Pool, pools: &Pools) -> Self {
        let rule = rule.map(|time| Budget { time, whose: Whose::Rule });
        let pool = pools.of(pool).timeout.map(|time| Budget { time, whose: Whose::Pool(pool) });
        let own = rule.into_iter().chain(pool).min_by_key(|budget| budget.time);
        Self { session: Budget { time: session, whose: Whose::Session }, own }
    }

    /// When time is over, and by which budget, if the session's counts from one
    /// moment and the question's own from another.
    fn due(&self, session: Instant, own: Instant) -> (Instant, Budget) {
        let own = self.own.map(|budget| (own + budget.time, budget));
        let session = (session + self.session.time, self.session);
        own.into_iter().chain([session]).min_by_key(|(due, _)| *due).unwrap_or(session)
    }
}

impl Budget {
    fn is_over(self, question: &Question, what: &str) -> Failure {
        let who = question.host().unwrap_or_else(|| Pool::of(question).whom());
        let why = match self.whose {
            Whose::Session => String::new(),
            Whose::Rule => ", all that the rule allows".to_owned(),
            Whose::Pool(pool) => format!(", the timeout of [slow-checks.{}]", pool.name()),
        };
        let detail = format!("{who} {what} within {}{why}", show_duration(self.time));
        Failure { reason: SkipReason::Timeout, detail }
    }
}

impl Pool {
    /// Who is asked where no host is.
    fn whom(self) -> &'static str {
        match self {
            Self::Network => "the network",
            Self::Context => "the file system",
            Self::Console => "the tool",
        }
    }
}

async fn resolve(
    resolver: Arc<dyn Resolve>,
    pool: Pool,
    questions: &[Question],
    due: Instant,
    permits: Permits,
) -> Vec<Outcome> {
    let due = due.into_std();
    let shared = |answers: Vec<Result<_, _>>| answers.into_iter().map(|answer| answer.map(Arc::new)).collect();
    if pool != Pool::Context {
        let answers = resolver.resolve_all(questions, due).await;
        drop(permits);
        return shared(answers);
    }
    // Files block, and their thread has its turn until it really ends.
    let (handle, asked) = (Handle::current(), questions.to_vec());
    let answering = spawn_blocking(move || {
        let _turn = permits;
        handle.block_on(resolver.resolve_all(&asked, due))
    });
    let gave_up = Failure { reason: SkipReason::ResolverError, detail: "the resolver gave up".to_owned() };
    shared(answering.await.unwrap_or_else(|_| vec![Err(gave_up); questions.len()]))
}
