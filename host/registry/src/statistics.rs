//! What the client did, per registry: counters for `-v` and for tests.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was asked of one registry so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// HTTP requests for manifests and blobs, redirects and retries included.
    pub requests: u64,
    /// HTTP requests to `/v2/`, retries included.
    pub probes: u64,
    /// HTTP requests to the token service, retries included.
    pub tokens: u64,
    /// How many of all these repeated a request after a transient failure.
    pub retries: u64,
    /// Bytes of answers that were read, without headers.
    pub bytes: u64,
}

impl Statistics {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.probes += other.probes;
        self.tokens += other.tokens;
        self.retries += other.retries;
        self.bytes += other.bytes;
    }
}

/// The counters behind [`Statistics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub requests: AtomicU64,
    pub probes: AtomicU64,
    pub tokens: AtomicU64,
    pub retries: AtomicU64,
    pub bytes: AtomicU64,
}

impl Counters {
    pub fn read(&self) -> Statistics {
        Statistics {
            requests: self.requests.load(Ordering::Relaxed),
            probes: self.probes.load(Ordering::Relaxed),
            tokens: self.tokens.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    pub fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}
