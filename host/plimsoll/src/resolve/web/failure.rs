//! What went wrong between here and a server, and whether to try again.
//!
//! Input: an error of the transport, or a status. Output: a [`Trouble`] in words
//! for people. Invariant: nothing a server wrote is repeated, and no URL's query.

use std::fmt;
use std::time::{Duration, Instant};

use plimsoll_registry::transport::{cause, is_tls, sources};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::limits::RETRY_DELAYS;
use crate::question::{Failure, SkipReason};

/// A failure, and whether another try may help.
#[derive(Debug)]
pub(in crate::resolve) struct Trouble {
    pub(in crate::resolve) failure: Failure,
    is_transient: bool,
    retry_after: Option<Duration>,
}

/// Why a name leads nowhere that rules may reach.
#[derive(Debug)]
pub(super) struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its addresses are not public")
    }
}

impl std::error::Error for NotPublic {}

impl Trouble {
    /// One that another try would end in too.
    pub(in crate::resolve) fn lasting(reason: SkipReason, detail: String) -> Self {
        Self { failure: Failure { reason, detail }, is_transient: false, retry_after: None }
    }

    /// A server that answered what it should not.
    pub(in crate::resolve) fn answer(host: &str, what: impl fmt::Display) -> Self {
        Self::lasting(SkipReason::ResolverError, format!("{host} {what}"))
    }

    /// A host that rules may not reach.
    pub(super) fn denied(host: &str) -> Self {
        let detail = format!("{host} is this machine or in its network, which rules may not reach");
        Self::lasting(SkipReason::Denied, detail)
    }

    /// No answer, or only a part of one.
    pub(in crate::resolve) fn of_transport(host: &str, error: &reqwest::Error) -> Self {
        if sources(error).any(|source| source.is::<NotPublic>()) {
            return Self::denied(host);
        }
        let is_tls = is_tls(error);
        let what = match (is_tls, error.is_connect()) {
            (true, _) => "no secure connection to",
            (false, true) => "no connection to",
            (false, false) => "broken connection to",
        };
        let detail = format!("{what} {host} ({})", cause(error));
        Self { failure: Failure { reason: SkipReason::Network, detail }, is_transient: !is_tls, retry_after: None }
    }

    /// An answer without success.
    pub(in crate::resolve) fn of_status(host: &str, status: u16, headers: &HeaderMap) -> Self {
        let detail = match status {
            401 | 403 => format!("{host} answered {status}; only what anybody may see is asked"),
            407 => "the proxy answered 407; put its user and password into the proxy's variable".to_owned(),
            429 => format!("rate limited: {host} answered 429"),
            _ => format!("{host} answered {status}"),
        };
        let (reason, is_transient) = match status {
            401 | 403 | 407 => (SkipReason::Auth, false),
            404 | 410 => (SkipReason::NotFound, false),
            429 | 500.. => (SkipReason::Network, true),
            _ => (SkipReason::ResolverError, false),
        };
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self { failure: Failure { reason, detail }, is_transient, retry_after: retry_after.map(Duration::from_secs) }
    }

    /// How long to wait before the next try, if one may help and can begin
    /// before the deadline.
    pub(in crate::resolve) fn delay(&self, tries: usize, deadline: Instant) -> Option<Duration> {
        let delay = RETRY_DELAYS.get(tries).filter(|_| self.is_transient)?;
        let delay = self.retry_after.map_or(*delay, |wait| wait.max(*delay));
        (Instant::now().checked_add(delay)? < deadline).then_some(delay)
    }
}
