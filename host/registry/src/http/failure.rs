//! Classification: what a broken connection or a status means, and which words tell a person.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::Response;
use super::retry::parse_retry_after;
use super::transport::{cause, is_tls};
use crate::error::{Error, ErrorKind};

/// An [`Error`] and whether another try may help.
#[derive(Debug)]
pub(crate) struct Failure {
    pub error: Error,
    pub transient: bool,
    pub retry_after: Option<Duration>,
    /// Whether there was no answer at all.
    pub unanswered: bool,
    /// What it says about the server.
    pub trouble: Trouble,
}

/// What a failure says about the server, beyond the one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing: it works.
    None,
    /// It does not work, or cannot be reached.
    Server,
    /// It is asked too much.
    RateLimit,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, transient: false, retry_after: None, unanswered: false, trouble: Trouble::None }
    }
}

impl Failure {
    /// A request that got no answer, or only a part of one.
    pub fn of_transport(host: &str, error: &reqwest::Error) -> Self {
        if error.is_timeout() && !error.is_connect() {
            return Self { trouble: Trouble::Server, ..Error::timeout(host).into() };
        }
        let tls = is_tls(error);
        let what = match (tls, error.is_timeout(), error.is_connect()) {
            (true, ..) => "no secure connection to",
            (_, true, _) => "no connection in time to",
            (.., true) => "no connection to",
            _ => "broken connection to",
        };
        let server = error.url().map(server).filter(|server| server != host);
        let server = server.map_or_else(|| host.to_owned(), |server| format!("{server} for {host}"));
        let detail = format!("{what} {server} ({})", cause(error));
        let error = Error::new(ErrorKind::Network, host, detail);
        Self { error, transient: !tls, retry_after: None, unanswered: true, trouble: Trouble::Server }
    }

    /// An answer that says "not now"; `None` for all others.
    pub fn of_status(host: &str, response: &Response) -> Option<Self> {
        let status = response.status;
        if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
            return None;
        }
        let retry_after = response.header(RETRY_AFTER.as_str()).and_then(parse_retry_after);
        let when = retry_after.map(|wait| format!("; try again in {} s", wait.as_secs())).unwrap_or_default();
        let code = code(&response.body);
        let detail = match status.as_u16() {
            429 => format!("rate limited: {host} answered 429{code}{when}"),
            other => format!("{host} answered {other}{code}{when}"),
        };
        let trouble = if status == StatusCode::TOO_MANY_REQUESTS { Trouble::RateLimit } else { Trouble::Server };
        let error = Error::new(ErrorKind::Network, host, detail);
        Some(Self { error, transient: true, retry_after, unanswered: false, trouble })
    }
}

/// The error for an answer without success that is not about authorization.
pub(crate) fn refusal(host: &str, what: &str, response: &Response) -> Error {
    let status = response.status.as_u16();
    let code = code(&response.body);
    let (kind, detail) = match (status, response.same_origin) {
        (404, _) => (ErrorKind::NotFound, format!("{host} has no {what} (404{code})")),
        (401 | 403, false) => {
            let storage = response.url.host_str().unwrap_or_default();
            (ErrorKind::Auth, format!("{storage}, where {host} keeps {what}, answered {status}"))
        }
        (401 | 403, true) => (ErrorKind::Auth, format!("{host} answered {status} for {what}{code}")),
        _ => (ErrorKind::ResolverError, format!("{host} answered {status} for {what}{code}")),
    };
    Error::new(kind, host, detail)
}

/// The error code of a registry, such as `, MANIFEST_UNKNOWN`: the one part of its text fit to be shown.
fn code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        code: String,
    }
    let errors = serde_json::from_slice(body).map_or_else(|_| Vec::new(), |errors: Errors| errors.errors);
    let fit = |code: &String| {
        (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    errors.into_iter().map(|item| item.code).find(fit).map(|code| format!(", {code}")).unwrap_or_default()
}

/// The part of a URL that is fit to be shown.
fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
