//! Credentials for a registry, as container tools keep them on this machine.
//!
//! Input: the [`Environment`] and a key (`host[:port][/path]`). Output: the [`Credentials`] of the first file that has
//! some, and the files looked at, for messages. Nothing is ever asked of the user, written, or kept on disk.

mod file;
mod helper;
mod key;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use helper::Cancel;
pub(crate) use store::Store;

use crate::config::Loaded;
use crate::environment::Environment;
use crate::secret::Secret;

/// What to prove one's identity with at a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user; may be empty beside an identity token.
    pub username: String,
    /// The password; empty beside an identity token.
    pub password: Secret,
    /// An OAuth2 refresh token, to be used instead of the password.
    pub identity_token: Option<Secret>,
    /// The file that held them or named the helper.
    pub source: PathBuf,
}

/// Credentials if there are any, and where they were looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The credentials, or `None` for an anonymous caller.
    pub credentials: Option<Credentials>,
    /// The files consulted, in order, existing or not.
    pub files: Vec<PathBuf>,
}

/// Why credentials cannot be told: a malformed key or file, or a helper that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(pub(crate) String);

/// Looks `key` up: a registry with or without a repository path, never a tag or digest.
pub fn find(environment: &Environment, key: &str) -> Result<Lookup, Problem> {
    Store::new(Arc::new(Loaded::new(environment.clone()))).find(key, &Cancel::default())
}
