//! The session of slow checks: one for each invocation.
//!
//! Input: questions of all files, again in each round of follow-ups. Output:
//! an answer or a failure for each distinct one. Invariant: a question is asked
//! at most once a session unless it was given up before it had an answer, and
//! not at all where an earlier run's answer still holds; at most so many are in
//! flight; nothing is awaited past the budget, which starts with the first
//! question and includes queueing unless the user wants otherwise. Questions that
//! one piece of work may answer have their turn together, so many at most.
//!
//! In reading order: [`Session`], `turns` (one question, or several that
//! are asked together: waiting for their turn, then for the answer).

#[cfg(test)]
mod tests;
mod turns;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};
use turns::{Asked, Turns, Wanted};

use crate::cache::Cache;
use crate::config::{Pools, TIMEOUT_DEFAULT, TimeoutMode};
use crate::limits::{CONSOLE_BATCH_BYTES_MAX, CONSOLE_BATCH_TEXTS_MAX, PROGRESS_TICK};
use crate::question::{Answer, Failure, Question, Tool};
use crate::resolve::Resolve;

/// What came of a question.
pub type Outcome = Result<Arc<Answer>, Failure>;

/// How questions are asked.
#[derive(Clone)]
pub struct Terms {
    /// The budget: of the session, or of each question, as the mode says.
    pub timeout: Duration,
    /// What budgets count.
    pub timeout_mode: TimeoutMode,
    /// How many are asked at once.
    pub pools: Pools,
    /// What earlier runs know.
    pub cache: Option<Arc<Cache>>,
    /// Who wants to know how far the session is.
    pub watch: Option<Arc<dyn Watch>>,
    /// Whether what came of each question is wanted afterwards.
    pub records: bool,
}

/// Somebody who wants to know how far a session is.
pub trait Watch: Send + Sync {
    /// Answers are waited for; said again and again.
    fn waiting(&self, progress: &Progress);
    /// They are waited for no more.
    fn done(&self);
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Distinct questions asked so far.
    pub asked: usize,
    /// Those that have an answer, or will have none.
    pub answered: usize,
    /// The time since the first.
    pub elapsed: Duration,
}

/// The questions of one invocation and what came of them.
pub struct Session {
    resolver: Arc<dyn Resolve>,
    terms: Terms,
    start: Option<Instant>,
    runtime: Option<Runtime>,
    outcomes: HashMap<Question, Outcome>,
    /// What the cache was asked, and knew.
    recalled: Mutex<HashMap<Question, Recollection>>,
    executed: Arc<AtomicUsize>,
    times: BTreeMap<String, Duration>,
}

/// Somebody who follows the answers of a round. It is called on the thread that all
/// connections wait for.
pub trait Listen {
    /// Questions are in flight.
    fn begun(&mut self, flight: Flight);
    /// It is known what came of one.
    fn arrived(&mut self, question: &Question, outcome: &Outcome);
}

/// Nobody.
impl Listen for () {
    fn begun(&mut self, _: Flight) {}
    fn arrived(&mut self, _: &Question, _: &Outcome) {}
}

/// The questions of a round that are in flight.
#[derive(Clone, Default)]
pub struct Flight(Arc<Mutex<Tasks>>);

/// Questions, with the tasks that wait for their answers.
#[derive(Default)]
struct Tasks {
    /// By question, the number of its task.
    questions: HashMap<Question, usize>,
    /// How many questions want the answers of each task.
    tasks: Vec<(AbortHandle, usize)>,
}

impl Flight {
    /// Gives a question up, from any thread: nobody wants the answer any more. What is
    /// asked together goes on as long as somebody wants an answer to any of it.
    pub fn give_up(&self, question: &Question) {
        let mut flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(number) = flight.questions.remove(question) else { return };
        let (task, count) = &mut flight.tasks[number];
        *count -= 1;
        if *count == 0 {
            task.abort();
        }
    }

    fn add(&self, questions: Vec<Question>, task: AbortHandle) {
        let mut flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = flight.tasks.len();
        flight.tasks.push((task, questions.len()));
        flight.questions.extend(questions.into_iter().map(|question| (question, number)));
    }
}

/// What the cache knows of a question, once it was looked for. Each has a lock of
/// its own, so that nobody waits for a file that he does not need.
type Recollection = Arc<OnceLock<Option<Arc<Answer>>>>;

impl Default for Terms {
    fn default() -> Self {
        Self::within(TIMEOUT_DEFAULT)
    }
}

impl Terms {
    /// The default, with another budget.
    pub fn within(timeout: Duration) -> Self {
        let (timeout_mode, pools) = (TimeoutMode::default(), Pools::default());
        Self { timeout, timeout_mode, pools, cache: None, watch: None, records: false }
    }
}

impl Session {
    /// A session that has asked nothing yet.
    pub fn new(resolver: Arc<dyn Resolve>, terms: Terms) -> Self {
        Self {
            resolver,
            terms,
            start: None,
            runtime: None,
            outcomes: HashMap::new(),
            recalled: Mutex::default(),
            executed: Arc::default(),
            times: BTreeMap::new(),
        }
    }

    /// How many distinct questions were asked of the world; those that had no
    /// turn in time were not.
    pub fn executed(&self) -> usize {
        self.executed.load(Ordering::Relaxed)
    }

    /// How long answers of a host were waited for.
    pub fn time_of(&self, host: &str) -> Duration {
        self.times.get(host).copied().unwrap_or_default()
    }

    /// Whether an earlier run's answer to a question still holds. It is looked
    /// for once.
    pub fn recalls(&self, question: &Question) -> bool {
        self.recall(question).is_some()
    }

    /// Whether an earlier run's answer to a question was looked for and found.
    pub fn has_recalled(&self, question: &Question) -> bool {
        let recalled = self.recalled.lock().unwrap_or_else(PoisonError::into_inner);
        recalled.get(question).and_then(|known| known.get()).is_some_and(Option::is_some)
    }

    /// What came of a question that [`Session::ask`] was given, or that an
    /// earlier run's answer is known to.
    pub fn outcome(&self, question: &Question) -> Option<Outcome> {
        self.outcomes.get(question).cloned().or_else(|| self.recall(question).map(Ok))
    }

    fn recall(&self, question: &Question) -> Option<Arc<Answer>> {
        // What the files on this machine say is read where they are.
        question.host()?;
        let has_cache = self.terms.cache.as_ref().is_some_and(|cache| cache.may_know());
        if !has_cache && self.resolver.known(question).is_none() {
            return None;
        }
        let recollection = {
            let mut recalled = self.recalled.lock().unwrap_or_else(PoisonError::into_inner);
            match recalled.get(question) {
                Some(known) => known.clone(),
                None => recalled.entry(question.clone()).or_default().clone(),
            }
        };
        recollection.get_or_init(|| self.look_up(question).map(Arc::new)).clone()
    }

    fn look_up(&self, question: &Question) -> Option<Answer> {
        if let Some(known) = self.resolver.known(question) {
            return Some(known);
        }
        let cache = self.terms.cache.as_ref().filter(|cache| cache.may_know())?;
        let instead = self.resolver.instead(question);
        let circumstances = self.resolver.circumstances(question)?;
        cache.known(instead.as_ref().unwrap_or(question), &circumstances)
    }

    /// Asks what was not asked before and is not known, and waits for all
    /// answers. Of equal questions the longest budget counts; none means the
    /// session's own.
    pub fn ask<'q>(
        &mut self,
        questions: impl Iterator<Item = (&'q Question, Option<Duration>)>,
        listener: &mut dyn Listen,
    ) {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut places: HashMap<&Question, Option<usize>> = HashMap::new();
        for (question, budget) in questions {
            match places.get(question) {
                Some(Some(place)) => wanted[*place].1 = longest(wanted[*place].1, budget),
                Some(None) => {}
                None => {
                    let is_wanted = !self.outcomes.contains_key(question) && !self.recalls(question);
                    places.insert(question, is_wanted.then_some(wanted.len()));
                    if is_wanted {
                        wanted.push((question.clone(), budget));
                    }
                }
            }
        }
        if wanted.is_empty() {
            return;
        }
        let start = *self.start.get_or_insert_with(Instant::now);
        let runtime = self.runtime.take().unwrap_or_else(|| {
            Builder::new_current_thread().enable_all().build().expect("a runtime needs only the process's own means")
        });
        let asked = runtime.block_on(self.ask_all(wanted, start, listener));
        self.runtime = Some(runtime);
        self.take(asked);
    }

    async fn ask_all(&self, wanted: Vec<Wanted>, start: Instant, listener: &mut dyn Listen) -> Vec<Asked> {
        let mut turns = Turns::new(self.resolver.clone(), &self.terms, start, self.executed.clone());
        let mut tasks = JoinSet::new();
        let (known, total) = (self.outcomes.len(), self.outcomes.len() + wanted.len());
        let mut asked = Vec::with_capacity(wanted.len());
        let flight = Flight::default();
        for batch in batches(wanted) {
            let questions: Vec<_> = batch.iter().map(|(question, _)| question.clone()).collect();
            flight.add(questions, tasks.spawn(turns.ask(batch)));
        }
        listener.begun(flight);
        loop {
            let joined = match &self.terms.watch {
                None => tasks.join_next().await,
                Some(watch) => match timeout(PROGRESS_TICK, tasks.join_next()).await {
                    Ok(joined) => joined,
                    Err(_) => {
                        let answered = known + asked.len();
                        watch.waiting(&Progress { asked: total, answered, elapsed: start.elapsed() });
                        continue;
                    }
                },
            };
            // A task ends early where it was given up, or by a panic of a resolver, which has its own message.
            let Some(joined) = joined else { break };
            let Ok(batch): Result<Vec<Asked>, _> = joined else { continue };
            for one in batch {
                listener.arrived(&one.question, &one.outcome);
                asked.push(one);
            }
        }
        if let Some(watch) = &self.terms.watch {
            watch.done();
        }
        asked
    }

    /// Takes what came of a round, and keeps the answers for later runs.
    fn take(&mut self, asked: Vec<Asked>) {
        let mut spans: BTreeMap<String, (Instant, Instant)> = BTreeMap::new();
        for Asked { question, turn, end, .. } in &asked {
            let Some(turn) = *turn else { continue };
            let span = spans.entry(question.host().unwrap_or_default().to_owned()).or_insert((turn, *end));
            *span = (span.0.min(turn), span.1.max(*end));
        }
        for (host, (turn, end)) in spans {
            *self.times.entry(host).or_default() += end - turn;
        }
        if let Some(cache) = &self.terms.cache {
            let answers = asked.iter().filter_map(|asked| {
                let answer = asked.outcome.as_ref().ok()?;
                let circumstances = self.resolver.circumstances(&asked.question)?;
                let question = self.resolver.instead(&asked.question).unwrap_or_else(|| asked.question.clone());
                Some((question, circumstances, &**answer))
            });
            let answers: Vec<_> = answers.collect();
            cache.keep(answers.iter().map(|(question, circumstances, answer)| (question, &**circumstances, *answer)));
        }
        self.outcomes.extend(asked.into_iter().map(|asked| (asked.question, asked.outcome)));
    }
}

impl Drop for Session {
    /// Name look-ups and files are waited for on threads that cannot be stopped; these are left alone.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What is asked together: in the order of the first question of each batch.
fn batches(wanted: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let mut batches: Vec<Vec<Wanted>> = Vec::new();
    let mut open: HashMap<(Tool, String), (usize, usize)> = HashMap::new();
    for (question, budget) in wanted {
        let Some((tool, suffix)) = question.batch() else {
            batches.push(vec![(question, budget)]);
            continue;
        };
        let bytes = question.bytes();
        let key = (tool.clone(), suffix.to_owned());
        let is_open = |(place, size): &&mut (usize, usize)| {
            batches[*place].len() < CONSOLE_BATCH_TEXTS_MAX && *size + bytes <= CONSOLE_BATCH_BYTES_MAX
        };
        match open.get_mut(&key).filter(is_open) {
            Some((place, size)) => {
                *size += bytes;
                batches[*place].push((question, budget));
            }
            None => {
                open.insert(key, (batches.len(), bytes));
                batches.push(vec![(question, budget)]);
            }
        }
    }
    batches
}

fn longest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    Some(one?.max(other?))
}
