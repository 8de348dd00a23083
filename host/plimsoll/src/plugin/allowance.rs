//! What one plugin may use up, where the user allows it more or less than others.

use std::time::Duration;

use crate::limits::{CALL_TIME_MAX, FINDINGS_MAX, LOG_BYTES_MAX, MEMORY_BYTES_MAX, REQUESTS_MAX, TABLE_ELEMENTS_MAX};

/// The limits of one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// Elements of all tables of one instance.
    pub table_elements: usize,
    /// How long one call may take, a fresh instance for it included.
    pub call_time: Duration,
    /// Requests for one file, follow-ups included.
    pub requests: usize,
    /// Findings of one rule in one file.
    pub findings: usize,
    /// Bytes of log of one call.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: MEMORY_BYTES_MAX,
            table_elements: TABLE_ELEMENTS_MAX,
            call_time: CALL_TIME_MAX,
            requests: REQUESTS_MAX,
            findings: FINDINGS_MAX,
            log_bytes: LOG_BYTES_MAX,
        }
    }
}
