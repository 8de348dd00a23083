//! The time that a call and its reruns have together.
//!
//! Input: the limit of one call. Output: when the next attempt must be over.
//! Invariant: however often a call is made again, all attempts together take no
//! longer than the limit and a fifth of it.

use std::time::{Duration, Instant};

use crate::limits::{EPOCH_TICK, OVERTIME_PARTS, OVERTIMES_MAX};

/// A clock that runs from the first attempt on.
pub(super) struct Overtime {
    started: Instant,
    limit: Duration,
    used: u32,
}

impl Overtime {
    pub(super) fn new(limit: Duration) -> Self {
        Self { started: Instant::now(), limit, used: 0 }
    }

    /// When the attempt must be over. The guest stops at the epoch after that, so
    /// each overtime begins as much earlier.
    pub(super) fn until(&self) -> Instant {
        let overtime = (self.limit / OVERTIME_PARTS).saturating_sub(EPOCH_TICK);
        self.started + self.limit + overtime * self.used
    }

    /// Whether there is time for another attempt; if what there was is used up, from
    /// the overtime.
    pub(super) fn allows_another(&mut self) -> bool {
        if Instant::now() < self.until() {
            return true;
        }
        self.used += 1;
        self.used <= OVERTIMES_MAX
    }
}
