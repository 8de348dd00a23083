//! What the host keeps for one instance: the call in progress, and what the
//! guest has used up.
//!
//! Invariant: what is counted here is counted for all memories and all tables of
//! an instance together, so that many small ones are no way around a limit.

use std::time::Instant;

use wasmtime::ResourceLimiter;

use super::allowance::Limits;
use super::call::Call;
use super::failure::{Circumstances, Refusal};
use super::wasi::Wasi;
use crate::limits::{CORE_INSTANCES_MAX, MESSAGE_BYTES_MAX};

/// The data of a store.
pub struct Guest {
    pub(super) call: Option<Call>,
    /// When its time is up, that of a fresh instance or of the call in progress.
    pub(super) until: Instant,
    pub(super) wasi: Wasi,
    limits: Limits,
    memory_bytes: usize,
    table_elements: usize,
    refused: Option<Refusal>,
    panic: Option<String>,
}

impl Guest {
    pub(super) fn new(limits: Limits, until: Instant) -> Self {
        let (memory_bytes, table_elements) = (0, 0);
        let (call, wasi, refused, panic) = (None, Wasi::default(), None, None);
        Self { call, until, wasi, limits, memory_bytes, table_elements, refused, panic }
    }

    /// Takes up a call; without one, the guest describes itself or checks options
    /// in the time it was started with.
    pub(super) fn begin(&mut self, call: Option<Call>) {
        (self.refused, self.panic, self.wasi) = (None, None, Wasi::default());
        self.until = call.as_ref().and_then(Call::until).unwrap_or(self.until);
        self.call = call;
    }

    /// Lets go of the call.
    pub(super) fn end(&mut self) -> Option<Call> {
        self.end_lines();
        self.call.take()
    }

    /// Whether it was refused memory or a table, and so may be of no more use.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Keeps the message of a panic, which the guest says just before it traps.
    pub(super) fn record_panic(&mut self, message: String) {
        self.panic = Some(message.chars().take(MESSAGE_BYTES_MAX / 4).collect());
    }

    pub(super) fn circumstances(&mut self, call: Option<&Call>) -> Circumstances {
        Circumstances {
            limits: self.limits,
            running: call.and_then(Call::running),
            panic: self.panic.take(),
            refused: self.refused.take(),
        }
    }

    fn admit(&mut self, total: usize, limit: usize, refusal: Refusal) -> bool {
        let is_granted = total <= limit;
        if !is_granted {
            self.refused = Some(refusal);
        }
        is_granted
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        let is_granted = self.admit(total, self.limits.memory_bytes, Refusal::Memory);
        self.memory_bytes = if is_granted { total } else { self.memory_bytes };
        Ok(is_granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_add(desired.saturating_sub(current));
        let is_granted = self.admit(total, self.limits.table_elements, Refusal::Table);
        self.table_elements = if is_granted { total } else { self.table_elements };
        Ok(is_granted)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        CORE_INSTANCES_MAX
    }
}
