//! How a plugin can fail, and whose fault it is said to be.

use std::fmt;

use thiserror::Error;
use wasmtime::Trap;

use super::allowance::Limits;
use crate::config::show_duration;
use crate::limits::{FAILURE_BYTES_MAX, RERUNS_MAX};

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
    /// The guest took longer than [`Limits::call_time`].
    Deadline,
    /// The guest wanted more than [`Limits::memory_bytes`] or [`Limits::table_elements`].
    Memory,
    /// The guest broke a rule of the contract.
    Misuse,
    /// What the guest returned cannot be read.
    Result,
}

impl FailureKind {
    /// Whether leaving one rule out may save the others.
    pub fn is_of_one_rule(self) -> bool {
        !matches!(self, Self::Load | Self::Result)
    }

    /// How often it is worth trying without the rule.
    pub fn reruns_max(self) -> usize {
        if matches!(self, Self::Deadline | Self::Memory) { 1 } else { RERUNS_MAX }
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
    pub(super) limits: Limits,
    pub(super) running: Option<u32>,
    pub(super) panic: Option<String>,
    pub(super) refused: Option<Refusal>,
}

/// What a guest asked for and was not given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    Memory,
    Table,
}

/// Finds the reason of a failed call; `otherwise` is what to say where it is none
/// that the guest ran into.
pub(super) fn classify(error: &wasmtime::Error, circumstances: Circumstances, otherwise: &str) -> Failure {
    let Circumstances { limits, running, panic, refused } = circumstances;
    let failure = |kind, message: String| Failure { rule: running, kind, message: bounded(message, FAILURE_BYTES_MAX) };
    if let Some(misuse) = error.downcast_ref::<Misuse>() {
        return Failure { rule: misuse.index, ..failure(FailureKind::Misuse, misuse.what.clone()) };
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        let limit = show_duration(limits.call_time);
        return failure(FailureKind::Deadline, format!("it took longer than the {limit} a call may take"));
    }
    match refused {
        Some(Refusal::Memory) => {
            let limit = limits.memory_bytes >> 20;
            return failure(FailureKind::Memory, format!("it asked for more memory than the {limit} MiB it may have"));
        }
        Some(Refusal::Table) => {
            let limit = limits.table_elements;
            let message = format!("it asked for tables of more than the {limit} elements it may have");
            return failure(FailureKind::Memory, message);
        }
        None => {}
    }
    match (panic, trap) {
        (Some(message), _) => failure(FailureKind::Panic, message),
        (None, Some(Trap::StackOverflow)) => failure(FailureKind::Trap, "it used up its stack".to_owned()),
        (None, Some(trap)) => failure(FailureKind::Trap, format!("it trapped: {trap}")),
        (None, None) => Failure { rule: None, ..failure(FailureKind::Result, format!("{otherwise}: {error:#}")) },
    }
}

/// A text of at most so many bytes.
pub(super) fn bounded(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push('…');
    }
    text
}
