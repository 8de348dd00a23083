//! One question: waiting for its turn, then for its answer.
//!
//! Input: a question with its own budget. Output: what came of it, and when it
//! had its turn. Invariant: whoever waits for one host holds up no other; past
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

use super::{Outcome, Terms};
use crate::config::{Pool, Pools, TimeoutMode, show_duration};
use crate::question::{Failure, Question, SkipReason};
use crate::resolve::Resolve;

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

    /// Asks a question when it is its turn.
    pub(super) fn ask(&mut self, question: Question, own: Option<Duration>) -> impl Future<Output = Asked> + use<> {
        let pool = Pool::of(&question);
        let queue = self.queue(pool, &question);
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
                let outcome = Err(budget.is_over(&question, "was not asked"));
                return Asked { question, outcome, turn: None, end: Instant::now() };
            };
            let turn = Instant::now();
            begun.fetch_add(1, Ordering::Relaxed);
            let (due, budget) = whole.unwrap_or_else(|| budgets.due(turn, turn));
            let resolved = timeout_at(due, resolve(resolver, pool, &question, due, permits)).await;
            let outcome = resolved.unwrap_or_else(|_| Err(budget.is_over(&question, "did not answer")));
            Asked { question, outcome, turn: Some(turn), end: Instant::now() }
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
    question: &Question,
    due: Instant,
    permits: Permits,
) -> Outcome {
    let due = due.into_std();
    if pool != Pool::Context {
        let answer = resolver.resolve(question, due).await;
        drop(permits);
        return answer.map(Arc::new);
    }
    // Files block, and their thread has its turn until it really ends.
    let (handle, question) = (Handle::current(), question.clone());
    let answering = spawn_blocking(move || {
        let _turn = permits;
        handle.block_on(resolver.resolve(&question, due))
    });
    let gave_up = |_| Err(Failure { reason: SkipReason::ResolverError, detail: "the resolver gave up".to_owned() });
    answering.await.unwrap_or_else(gave_up).map(Arc::new)
}
