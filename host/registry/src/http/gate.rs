//! The gate before a server: how many requests may be on their way, and when none may.
//!
//! A server that answers well is asked more at a time; one that fails is asked one thing at a time; one that says
//! "too many" is left alone for as long as it says, and longer each time; one that fails again and again is left
//! alone for a while. So a server in trouble costs a few requests, however many questions there are.
//!
//! Invariant: what waits here ends at its deadline, with the reason for the wait where there is one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::failure::{Failure, Trouble};
use super::retry::jittered;
use crate::error::{Error, ErrorKind};
use crate::limits::{
    BREAKER_FAILURES, BREAKER_PAUSE, DEADLINE_MARGIN, IN_FLIGHT_FIRST, IN_FLIGHT_MAX, RATE_LIMIT_PAUSE_FIRST,
    RATE_LIMIT_PAUSE_MAX, RETRY_AFTER_MAX, STALLED_AFTER,
};

/// The gates of all servers, by scheme, host and port.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<HashMap<String, Arc<Gate>>>);

impl Gates {
    pub fn get(&self, url: &reqwest::Url) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(url.origin().ascii_serialization()).or_default())
    }
}

/// The gate of one server.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// How many requests may be on their way.
    window: usize,
    /// When each of those on their way was sent.
    in_flight: BTreeMap<u64, Instant>,
    next: u64,
    /// Failures since the last success.
    failures: usize,
    /// Answers "too many" since the last success; of several at a time one counts.
    limited: u32,
    /// Until when nothing is sent, and whether because of failures.
    closed: Option<(Instant, bool)>,
    /// When the server failed last, and how, if nothing sent since has succeeded.
    last: Option<(Instant, Error)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            window: IN_FLIGHT_FIRST,
            in_flight: BTreeMap::new(),
            next: 0,
            failures: 0,
            limited: 0,
            closed: None,
            last: None,
        }
    }
}

/// Leave to send one request; dropping it gives the place back.
pub(super) struct Pass {
    gate: Arc<Gate>,
    number: u64,
    sent: Instant,
}

/// What somebody at the gate has to do.
enum Step {
    Go(u64, Instant),
    Sleep(Instant),
    /// Until a place is free, or one that is taken counts no more.
    Wait(Instant),
}

impl Gate {
    /// Waits for leave to send a request.
    pub async fn enter(self: &Arc<Self>, host: &str, deadline: Option<Instant>) -> Result<Pass, Error> {
        // A little early, so that the reason for the wait is told and not only that time ran out.
        let last = deadline.map(|deadline| deadline.checked_sub(DEADLINE_MARGIN).unwrap_or(deadline));
        let began = Instant::now();
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            match self.step(began, last)? {
                Step::Go(number, sent) => return Ok(Pass { gate: Arc::clone(self), number, sent }),
                Step::Sleep(until) => tokio::time::sleep_until(until.into()).await,
                Step::Wait(until) => {
                    let until = last.map_or(until, |last| until.min(last));
                    let _ = tokio::time::timeout_at(until.into(), changed).await;
                    if last.is_some_and(|last| Instant::now() >= last) {
                        let error = self.state().last.clone().map(|(_, error)| error);
                        return Err(error.unwrap_or_else(|| Error::timeout(host)));
                    }
                }
            }
        }
    }

    fn step(&self, began: Instant, deadline: Option<Instant>) -> Result<Step, Error> {
        let mut state = self.state();
        let now = Instant::now();
        if let Some((until, failing)) = state.closed.filter(|(until, _)| *until > now) {
            let too_long = until >= deadline.unwrap_or(began + RETRY_AFTER_MAX);
            return match &state.last {
                Some((_, error)) if failing => Err(left_alone(error)),
                Some((_, error)) if too_long => Err(error.clone()),
                _ => Ok(Step::Sleep(until)),
            };
        }
        let window = if state.last.is_some() { 1 } else { state.window };
        let moving = state.in_flight.values().filter(|sent| now.duration_since(**sent) < STALLED_AFTER);
        let oldest = moving.clone().min().copied();
        if moving.count() < window && state.in_flight.len() < IN_FLIGHT_MAX {
            let number = state.next;
            state.next += 1;
            state.in_flight.insert(number, now);
            return Ok(Step::Go(number, now));
        }
        Ok(Step::Wait(oldest.unwrap_or(now) + STALLED_AFTER))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// The server answered, which makes room for more where it answered something that takes work. What was sent before
    /// it failed says nothing about now.
    pub fn succeeded(self, grow: bool) {
        let mut state = self.gate.state();
        if state.last.as_ref().is_some_and(|(when, _)| self.sent < *when) {
            return;
        }
        state.window = (state.window + usize::from(grow)).min(IN_FLIGHT_MAX);
        (state.failures, state.limited, state.last, state.closed) = (0, 0, None, None);
    }

    /// The server did not answer well; what counts is in `failure`.
    pub fn failed(self, failure: &Failure) {
        match failure.trouble {
            Trouble::None => self.succeeded(false),
            Trouble::Server => self.count(failure),
            Trouble::RateLimit => self.pause(failure),
        }
    }

    fn count(self, failure: &Failure) {
        let mut state = self.gate.state();
        state.failures += 1;
        state.last = Some((Instant::now(), failure.error.clone()));
        state.window = IN_FLIGHT_FIRST;
        if state.failures >= BREAKER_FAILURES {
            state.closed = Some((Instant::now() + BREAKER_PAUSE, true));
        } else if let Some(pause) = failure.retry_after {
            state.close(pause);
        }
    }

    fn pause(self, failure: &Failure) {
        let mut state = self.gate.state();
        // Requests that were under way together are told off together.
        let again = state.limited == 0 || state.closed.is_none_or(|(until, _)| self.sent >= until);
        if again {
            state.limited = state.limited.saturating_add(1);
        }
        state.last = Some((Instant::now(), failure.error.clone()));
        state.window = IN_FLIGHT_FIRST;
        let longer = RATE_LIMIT_PAUSE_FIRST.saturating_mul(4_u32.saturating_pow(state.limited.saturating_sub(1)));
        let asked = failure.retry_after.unwrap_or_default();
        match again {
            true => state.close(jittered(longer.min(RATE_LIMIT_PAUSE_MAX)).max(asked)),
            false => state.close(asked),
        }
    }
}

impl State {
    /// Sends nothing for `pause`, or for longer where that was so already.
    fn close(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        let (before, failing) = self.closed.unwrap_or((until, false));
        self.closed = Some((until.max(before), failing && before > Instant::now()));
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.state().in_flight.remove(&self.number);
        self.gate.changed.notify_waiters();
    }
}

fn left_alone(last: &Error) -> Error {
    let detail =
        format!("{} is left alone after {BREAKER_FAILURES} failures in a row; the last: {}", last.host, last.detail);
    Error::new(ErrorKind::Network, &last.host, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(trouble: Trouble) -> Failure {
        let error = Error::new(ErrorKind::Network, "h", "no");
        Failure { error, transient: true, retry_after: None, unanswered: false, trouble }
    }

    fn enter(gate: &Arc<Gate>) -> Result<Pass, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(gate.enter("h", Some(Instant::now() + Duration::from_millis(60))))
    }

    /// As if all pauses were over.
    fn later(gate: &Gate) {
        let mut state = gate.state();
        state.closed = state.closed.map(|(_, failing)| (Instant::now(), failing));
    }

    #[test]
    fn an_unknown_server_gets_four_requests_and_more_when_it_answers() {
        let gate = Arc::new(Gate::default());
        let mut passes: Vec<Pass> = (0..IN_FLIGHT_FIRST).map(|_| enter(&gate).unwrap()).collect();
        assert_eq!(enter(&gate).err().unwrap().kind, ErrorKind::Timeout);
        passes.pop().unwrap().succeeded(true);
        passes.extend([enter(&gate).unwrap(), enter(&gate).unwrap()]);
        assert_eq!(enter(&gate).err().unwrap().kind, ErrorKind::Timeout);
        drop(passes);
        assert_eq!(gate.state().in_flight.len(), 0);
    }

    #[test]
    fn a_server_that_fails_is_asked_one_thing_at_a_time_and_then_nothing() {
        let gate = Arc::new(Gate::default());
        enter(&gate).unwrap().failed(&failure(Trouble::Server));
        let trial = enter(&gate).unwrap();
        assert_eq!(enter(&gate).err().unwrap().detail, "no");
        trial.failed(&failure(Trouble::Server));
        for _ in 2..BREAKER_FAILURES {
            enter(&gate).unwrap().failed(&failure(Trouble::Server));
        }
        assert_eq!(enter(&gate).err().unwrap().detail, "h is left alone after 5 failures in a row; the last: no");
        later(&gate);
        let trial = enter(&gate).unwrap();
        assert!(enter(&gate).is_err());
        trial.failed(&failure(Trouble::Server));
        assert!(enter(&gate).err().unwrap().detail.contains("left alone"));
        later(&gate);
        enter(&gate).unwrap().succeeded(false);
        let _all: Vec<Pass> = (0..IN_FLIGHT_FIRST).map(|_| enter(&gate).unwrap()).collect();
    }

    #[test]
    fn pauses_grow_until_the_server_answers() {
        let gate = Arc::new(Gate::default());
        let pause = || gate.state().closed.unwrap().0.saturating_duration_since(Instant::now()).as_millis();
        let together = [enter(&gate).unwrap(), enter(&gate).unwrap()];
        together.into_iter().for_each(|pass| pass.failed(&failure(Trouble::RateLimit)));
        assert!((60..=125).contains(&pause()), "{}", pause());
        assert_eq!(enter(&gate).err().map(|error| error.detail), Some("no".to_owned()));
        for longest in [500, 2000, 8000] {
            later(&gate);
            enter(&gate).unwrap().failed(&failure(Trouble::RateLimit));
            assert!((longest / 2..=longest).contains(&pause()), "{}", pause());
        }
        // An answer to what was sent before does not end a pause.
        later(&gate);
        let before = Pass { gate: Arc::clone(&gate), number: u64::MAX, sent: Instant::now() };
        enter(&gate).unwrap().failed(&failure(Trouble::RateLimit));
        before.succeeded(true);
        assert!(pause() > 1000, "{}", pause());
        let asked = Failure { retry_after: Some(Duration::from_secs(100)), ..failure(Trouble::RateLimit) };
        later(&gate);
        enter(&gate).unwrap().failed(&asked);
        assert!(pause() > 99_000, "{}", pause());
        later(&gate);
        enter(&gate).unwrap().succeeded(false);
        assert!(gate.state().closed.is_none());
    }
}
