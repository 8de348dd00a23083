//! A value that many callers want and one of them gets: the others wait and share it.
//!
//! Invariant: whoever began to wait before a failure shares that failure; whoever comes later tries again.
//! A caller that gives up leaves no trace, and the next in line takes over.

use std::time::Instant;

use tokio::sync::Mutex;

use crate::error::Error;

/// A cell for a value of type `T`, filled by the first caller that succeeds.
#[derive(Debug)]
pub(crate) struct Shared<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    failure: Option<(Instant, Error)>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(State { value: None, failure: None }))
    }
}

impl<T: Clone> Shared<T> {
    /// A cell that has its value already.
    pub fn filled(value: T) -> Self {
        Self(Mutex::new(State { value: Some(value), failure: None }))
    }

    /// The value where there is a `valid` one, else what `make` gives.
    pub async fn get(
        &self,
        valid: impl Fn(&T) -> bool,
        make: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let asked = Instant::now();
        let mut state = self.0.lock().await;
        if let Some(value) = state.value.as_ref().filter(|value| valid(value)) {
            return Ok(value.clone());
        }
        if let Some((when, error)) = &state.failure
            && *when > asked
        {
            return Err(error.clone());
        }
        let made = make().await;
        match &made {
            Ok(value) => *state = State { value: Some(value.clone()), failure: None },
            Err(error) => state.failure = Some((Instant::now(), error.clone())),
        }
        made
    }
}
