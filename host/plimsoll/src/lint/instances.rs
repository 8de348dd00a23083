//! Instances that outlive a run, so that it can be seen whether what they served before shows, and what
//! their calls cost.
//!
//! Invariant: no two documents that they serve have the same number, as in one run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::plugin::{Meter, Plugin, Runner};

/// Instances of plugins, for one run at a time.
pub struct Instances {
    runner: Mutex<Runner>,
    next_id: AtomicU64,
}

impl Instances {
    /// None yet; they are made when first needed.
    pub fn new(plugins: Arc<[Plugin]>) -> Self {
        Self { runner: Mutex::new(Runner::new(plugins)), next_id: AtomicU64::new(0) }
    }

    /// The same, where each call is put on a meter.
    pub fn metered(plugins: Arc<[Plugin]>, meter: Arc<Meter>) -> Self {
        Self { runner: Mutex::new(Runner::new(plugins).metered(meter)), next_id: AtomicU64::new(0) }
    }

    /// Who runs them; whoever wants him too waits.
    pub(super) fn runner(&self) -> MutexGuard<'_, Runner> {
        self.runner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the first of some documents.
    pub(super) fn first_id(&self, documents: usize) -> u64 {
        self.next_id.fetch_add(documents as u64, Ordering::Relaxed)
    }
}
