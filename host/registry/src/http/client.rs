//! Sending: lazily built clients, redirects by hand, bodies read up to a bound.

use std::sync::OnceLock;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::failure::{Failure, cause};
use super::{Call, Purpose, Request, Response};
use crate::endpoint::{is_loopback_url, may_follow};
use crate::error::{Error, ErrorKind};
use crate::limits::{CONNECT_TIMEOUT, ERROR_BYTES_MAX, READ_TIMEOUT, REDIRECTS_MAX, REQUEST_TIMEOUT};
use crate::statistics::Counters;

/// The HTTP clients, built when first needed. TLS roots cost tens of milliseconds and may be missing on a machine
/// that only asks its own registry, and this machine is never asked through a proxy: so there is a client for each
/// case, and each server belongs to one.
#[derive(Debug)]
pub(crate) struct Http {
    user_agent: String,
    /// Indexed by [`Case::index`].
    clients: [OnceLock<Result<reqwest::Client, String>>; 4],
}

/// What a client must be able to do.
#[derive(Clone, Copy)]
struct Case {
    loopback: bool,
    tls: bool,
}

impl Case {
    fn of(url: &Url) -> Self {
        Self { loopback: is_loopback_url(url), tls: url.scheme() == "https" }
    }

    fn index(self) -> usize {
        usize::from(self.loopback) + 2 * usize::from(self.tls)
    }
}

impl Http {
    pub fn new(user_agent: String) -> Self {
        Self { user_agent, clients: Default::default() }
    }

    /// Sends `request`, again after transient failures, and reads the answer. Any status but 429 and 5xx is an answer.
    pub async fn send(&self, request: &Request<'_>, call: Call) -> Result<Response, Error> {
        let mut tries = 0;
        loop {
            let failure = match self.send_once(request).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let Some(delay) = failure.delay(tries, call.deadline) else {
                return Err(failure.error);
            };
            tokio::time::sleep(delay).await;
            Counters::add(&request.counters.retries, 1);
            tries += 1;
        }
    }

    async fn send_once(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let mut url = request.url.clone();
        let mut same_origin = true;
        for _ in 0..=REDIRECTS_MAX {
            // Once elsewhere, nothing is sent any more, not even on the way back.
            same_origin &= url.origin() == request.url.origin();
            let response = self.exchange(request, url.clone(), same_origin).await?;
            if !is_redirect(response.status()) {
                return read(request, response, same_origin).await;
            }
            if request.form.is_some() {
                return Err(Error::resolver(request.host, "redirects a request for a token").into());
            }
            url = redirect_target(request, &url, response.headers().get(LOCATION))?;
        }
        Err(Error::resolver(request.host, format_args!("more than {REDIRECTS_MAX} redirects")).into())
    }

    async fn exchange(&self, request: &Request<'_>, url: Url, same_origin: bool) -> Result<reqwest::Response, Failure> {
        let client = self.client(&url).map_err(|what| {
            let detail = format!("no secure connection to {} ({what})", request.host);
            Error::new(ErrorKind::Network, request.host, detail)
        })?;
        let method = if request.form.is_some() { Method::POST } else { Method::GET };
        let mut builder = client.request(method, url).header(ACCEPT, request.accept);
        if let Some(authorization) = request.authorization.as_ref().filter(|_| same_origin) {
            let mut value = HeaderValue::from_str(authorization.expose()).map_err(|_| {
                Error::new(
                    ErrorKind::Auth,
                    request.host,
                    format!("{}: credentials cannot be sent in a header", request.host),
                )
            })?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(form) = &request.form {
            builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            builder = builder.body(form.expose().to_owned());
        }
        Counters::add(counter(request), 1);
        builder.send().await.map_err(|error| Failure::of_transport(request.host, &error))
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let case = Case::of(url);
        let built = self.clients[case.index()].get_or_init(|| build(&self.user_agent, case));
        built.as_ref().map_err(Clone::clone)
    }
}

fn build(user_agent: &str, case: Case) -> Result<reqwest::Client, String> {
    // Whoever installed a provider first wins; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(REQUEST_TIMEOUT);
    if case.loopback {
        builder = builder.no_proxy();
    }
    if !case.tls {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| cause(&error))
}

fn counter<'a>(request: &Request<'a>) -> &'a std::sync::atomic::AtomicU64 {
    match request.purpose {
        Purpose::Probe => &request.counters.probes,
        Purpose::Token => &request.counters.tokens,
        Purpose::Content => &request.counters.requests,
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirect_target(request: &Request<'_>, from: &Url, location: Option<&HeaderValue>) -> Result<Url, Failure> {
    let target = location.and_then(|value| value.to_str().ok()).and_then(|value| from.join(value).ok());
    match target {
        Some(target) if may_follow(from, &target) => Ok(target),
        Some(_) => Err(Error::resolver(request.host, "redirects to where it must not").into()),
        None => Err(Error::resolver(request.host, "redirects without saying where to").into()),
    }
}

async fn read(request: &Request<'_>, mut response: reqwest::Response, same_origin: bool) -> Result<Response, Failure> {
    let status = response.status();
    let (url, headers) = (response.url().clone(), response.headers().clone());
    let bytes_max = if status.is_success() { request.bytes_max } else { ERROR_BYTES_MAX };
    let oversize = || Failure::from(Error::resolver(request.host, format_args!("sent more than {bytes_max} bytes")));
    if status.is_success() && response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(oversize());
    }
    let mut body = Vec::new();
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // What an error says is only a hint, and may end early.
            Err(_) if !status.is_success() => break,
            Err(error) => return Err(Failure::of_transport(request.host, &error)),
        };
        Counters::add(&request.counters.bytes, chunk.len() as u64);
        let rest = bytes_max - body.len();
        if chunk.len() > rest && status.is_success() {
            return Err(oversize());
        }
        body.extend_from_slice(&chunk[..chunk.len().min(rest)]);
        if chunk.len() > rest {
            break;
        }
    }
    let response = Response { status, headers, body, url, same_origin };
    Failure::of_status(request.host, &response).map_or(Ok(response), Err)
}
