//! Signatures over what registries hold, made with a key by cosign.
//!
//! Input: a public key, the digest of a manifest, and a registry that may know
//! signatures of it. Output: whether one of them holds, else why not. Invariant:
//! nothing that a signature says is looked at before the key has verified it, and
//! it counts for the digest that it names alone. Nobody but the registry is asked:
//! no transparency log, no authority.
//!
//! In reading order: [`Key`], `bundle` and `simple` (the two forms of a
//! signature), `proof` (one that was found to hold), `find` (where a registry keeps
//! them), `repository` (a registry).

mod bundle;
mod find;
mod key;
mod proof;
mod repository;
mod simple;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

pub use bundle::verify_bundle;
pub use find::{Fetch, Form, Refusal, verify};
pub use key::{Key, KeyError};
pub use proof::Proof;
pub use repository::Repository;
pub use simple::verify_simple;

use crate::config::Digest;
use crate::limits::SIGNATURE_BYTES_MAX;

/// Why one signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Wrong {
    /// The key did not make it, or what it signs was changed.
    #[error("it is not by this key, or what it signs was changed")]
    OtherKey,
    /// The key made it, about something else.
    #[error("it is by this key, but of {}", .0.as_ref().map_or("nothing that can be told", Digest::as_str))]
    OtherContent(Option<Digest>),
    /// It does not read as one.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

fn unreadable(what: impl Into<String>) -> Wrong {
    Wrong::Unreadable(what.into())
}

/// What is malformed, by its place: texts of strangers are not repeated.
fn malformed(what: &str, error: &serde_json::Error) -> Wrong {
    unreadable(format!("{what} (line {}, column {})", error.line(), error.column()))
}

/// The bytes of a signature.
fn signature(base64: &str) -> Result<Vec<u8>, Wrong> {
    if base64.len() > SIGNATURE_BYTES_MAX {
        return Err(unreadable(format!("a signature of more than {SIGNATURE_BYTES_MAX} bytes")));
    }
    STANDARD.decode(base64).map_err(|_| unreadable("its signature is no Base64"))
}
