//! What one plugin may use up, where the user allows it more or less than others.

use std::time::Duration;

use crate::limits::{CALL_TIME_MAX, MEMORY_BYTES_MAX};

/// The limits of one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// How long one call may take.
    pub call_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: MEMORY_BYTES_MAX, call_time: CALL_TIME_MAX }
    }
}
