//! How a plugin can fail, and whose fault it is said to be.

use std::fmt;

use thiserror::Error;
use wasmtime::Trap;

use crate::limits::{CALL_TIME_MAX, MEMORY_BYTES_MAX};

/// A call into a plugin that did not come back with a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The rule that ran, by index, where that is known.
    pub rule: Option<u32>,
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, for people.
    pub message: String,
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The component cannot be used at all.
    Load,
    /// A rule panicked, with its message.
    Panic,
    /// The guest trapped otherwise.
    Trap,
    /// The guest took longer than [`CALL_TIME_MAX`].
    Deadline,
    /// The guest wanted more than [`MEMORY_BYTES_MAX`].
    Memory,
    /// The guest broke a rule of the contract.
    Misuse,
}

impl FailureKind {
    /// Whether leaving one rule out may save the others.
    pub fn is_of_one_rule(self) -> bool {
        matches!(self, Self::Panic | Self::Misuse | Self::Trap)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a guest did that the contract forbids.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{what}", rule.as_deref().map(|rule| format!("rule {rule}: ")).unwrap_or_default())]
pub struct Misuse {
    /// The rule, by index, where that is known.
    pub index: Option<u32>,
    /// The rule's name.
    pub rule: Option<String>,
    /// What it did.
    pub what: String,
}

/// What the host knows when a call ends in an error.
#[derive(Debug, Default)]
pub(super) struct Circumstances {
    pub(super) running: Option<u32>,
    pub(super) panic: Option<String>,
    pub(super) memory_refused: bool,
}

/// Finds the reason of a failed call.
pub(super) fn classify(error: &wasmtime::Error, circumstances: Circumstances) -> Failure {
    let Circumstances { running, panic, memory_refused } = circumstances;
    let failure = |kind, message| Failure { rule: running, kind, message };
    if let Some(misuse) = error.downcast_ref::<Misuse>() {
        return Failure { rule: misuse.index, kind: FailureKind::Misuse, message: misuse.what.clone() };
    }
    if memory_refused {
        let limit = MEMORY_BYTES_MAX >> 20;
        return failure(FailureKind::Memory, format!("it asked for more memory than the {limit} MiB it may have"));
    }
    if let Some(message) = panic {
        return failure(FailureKind::Panic, message);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => failure(
            FailureKind::Deadline,
            format!("it took longer than the {} s a call may take", CALL_TIME_MAX.as_secs()),
        ),
        Some(Trap::StackOverflow) => failure(FailureKind::Trap, "it used up its stack".to_owned()),
        Some(trap) => failure(FailureKind::Trap, format!("it trapped: {trap}")),
        None => failure(FailureKind::Trap, format!("{error:#}")),
    }
}
