//! Why a question to a registry has no answer: one kind for machines, one short sentence for people.
//!
//! Invariant: a detail never holds a secret, a URL's query, or unfiltered text of a server.

use std::fmt;

/// The class of a failure; its name is the word that reports use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The operator of this machine has blocked the registry.
    Denied,
    /// 401 or 403: credentials are missing, refused, or do not suffice.
    Auth,
    /// 404: no such repository, tag or digest.
    NotFound,
    /// No connection, a broken one, 429 or 5xx; may be better later.
    Network,
    /// The deadline of the caller, or the limit for one request, has passed.
    Timeout,
    /// The registry answered, but not with what the protocol says.
    ResolverError,
}

impl ErrorKind {
    /// The word for this kind in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Auth => "auth",
            Self::NotFound => "not-found",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::ResolverError => "resolver-error",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A question that has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// The class of the failure.
    pub kind: ErrorKind,
    /// The registry asked, as references name it (`docker.io`, `localhost:5000`).
    pub host: String,
    /// One sentence that names the host and says what to do where that is known.
    pub detail: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, host: &str, detail: impl Into<String>) -> Self {
        Self { kind, host: host.to_owned(), detail: detail.into() }
    }

    pub(crate) fn resolver(host: &str, detail: impl fmt::Display) -> Self {
        Self::new(ErrorKind::ResolverError, host, format!("{host}: {detail}"))
    }

    pub(crate) fn timeout(host: &str) -> Self {
        Self::new(ErrorKind::Timeout, host, format!("{host} did not answer in time"))
    }
}
