//! Sending: through the gate of each server, redirects by hand, bodies read up to a bound.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::clients::Clients;
use super::failure::Failure;
use super::gate::Gates;
use super::{Call, Deed, Purpose, Request, Response};
use crate::endpoint::may_follow;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::limits::{ERROR_BYTES_MAX, REDIRECTS_MAX};
use crate::statistics::Counters;

/// Sends requests.
pub(crate) struct Http {
    clients: Clients,
    gates: Gates,
}

impl Http {
    pub fn new(environment: Environment, user_agent: String) -> Self {
        Self { clients: Clients::new(environment, user_agent), gates: Gates::default() }
    }

    /// Sends `request`, again after transient failures, and reads the answer. Any status but 429 and 5xx is an answer.
    pub async fn send(&self, request: &Request<'_>, call: Call) -> Result<Response, Error> {
        self.send_again(request, call, |_| false).await.map_err(|failure| failure.error)
    }

    /// The same, but once only: for what cannot be sent again as it is.
    pub async fn send_once_only(&self, request: &Request<'_>, call: Call) -> Result<Response, Error> {
        self.send_again(request, call, |_| true).await.map_err(|failure| failure.error)
    }

    /// As [`Http::send`] where there is another way to ask: `None` when nobody answers, which is not tried again.
    pub async fn reach(&self, request: &Request<'_>, call: Call) -> Result<Option<Response>, Error> {
        match self.send_again(request, call, |failure| failure.unanswered).await {
            Ok(response) => Ok(Some(response)),
            Err(failure) if failure.unanswered => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    async fn send_again(
        &self,
        request: &Request<'_>,
        call: Call,
        is_final: fn(&Failure) -> bool,
    ) -> Result<Response, Failure> {
        let mut tries = 0;
        loop {
            let failure = match self.send_once(request, call, tries > 0).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let Some(delay) = failure.delay(tries, call.deadline).filter(|_| !is_final(&failure)) else {
                return Err(failure);
            };
            tokio::time::sleep(delay).await;
            Counters::add(&request.counters.retries, 1);
            tries += 1;
        }
    }

    async fn send_once(&self, request: &Request<'_>, call: Call, again: bool) -> Result<Response, Failure> {
        let host = &request.endpoint.name;
        let mut url = request.url.clone();
        let mut same_origin = true;
        for _ in 0..=REDIRECTS_MAX {
            // Once elsewhere, nothing is sent any more, not even on the way back.
            same_origin &= url.origin() == request.url.origin();
            let client = self.clients.get(request.endpoint, &url)?;
            let pass = self.gates.get(&url).enter(host, call.deadline, again).await?;
            let outcome = match exchange(request, client, url.clone(), same_origin).await {
                Ok(response) if is_redirect(response.status()) => {
                    Ok(Step::Redirect(response.headers().get(LOCATION).cloned()))
                }
                Ok(response) => read(request, response, same_origin).await.map(Step::Done),
                Err(failure) => Err(failure),
            };
            match &outcome {
                Ok(_) => pass.succeeded(request.purpose == Purpose::Content),
                Err(failure) => pass.failed(failure),
            }
            let location = match outcome? {
                Step::Done(response) => return Ok(response),
                Step::Redirect(location) => location,
            };
            if !request.deed.follows_redirects() {
                let what = if request.purpose == Purpose::Token { "a request for a token" } else { "an upload" };
                return Err(Error::resolver(host, format_args!("redirects {what}")).into());
            }
            url = redirect_target(request, &url, location.as_ref())?;
        }
        Err(Error::resolver(host, format_args!("more than {REDIRECTS_MAX} redirects")).into())
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Http").finish_non_exhaustive()
    }
}

/// What one exchange leads to.
enum Step {
    Done(Response),
    Redirect(Option<HeaderValue>),
}

async fn exchange(
    request: &Request<'_>,
    client: reqwest::Client,
    url: Url,
    same_origin: bool,
) -> Result<reqwest::Response, Failure> {
    let method = match request.deed {
        Deed::Get => Method::GET,
        Deed::Head => Method::HEAD,
        Deed::Begin | Deed::Form(_) => Method::POST,
        Deed::Put { .. } => Method::PUT,
    };
    let mut builder = client.request(method, url).header(ACCEPT, request.accept);
    if let Some(authorization) = request.authorization.as_ref().filter(|_| same_origin) {
        let mut value = HeaderValue::from_str(authorization.expose()).map_err(|_| {
            Error::new(
                ErrorKind::Auth,
                &request.endpoint.name,
                format!("{}: credentials cannot be sent in a header", request.endpoint.name),
            )
        })?;
        value.set_sensitive(true);
        builder = builder.header(AUTHORIZATION, value);
    }
    builder = match &request.deed {
        Deed::Get | Deed::Head => builder,
        Deed::Begin => builder.body(Vec::new()),
        Deed::Form(form) => {
            builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.expose().to_owned())
        }
        Deed::Put { media_type, bytes } => builder.header(CONTENT_TYPE, *media_type).body(bytes.to_vec()),
    };
    Counters::add(counter(request), 1);
    builder.send().await.map_err(|error| Failure::of_transport(&request.endpoint.name, &error))
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
        Some(_) => Err(Error::resolver(&request.endpoint.name, "redirects to where it must not").into()),
        None => Err(Error::resolver(&request.endpoint.name, "redirects without saying where to").into()),
    }
}

async fn read(request: &Request<'_>, mut response: reqwest::Response, same_origin: bool) -> Result<Response, Failure> {
    let status = response.status();
    let (url, headers) = (response.url().clone(), response.headers().clone());
    let bytes_max = if status.is_success() { request.bytes_max } else { ERROR_BYTES_MAX };
    let oversize =
        || Failure::from(Error::resolver(&request.endpoint.name, format_args!("sent more than {bytes_max} bytes")));
    if status.is_success() && response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(oversize());
    }
    // Nothing is ever unpacked here, so nothing can burst.
    let encoding = response.headers().get(CONTENT_ENCODING).filter(|value| *value != "identity");
    if status.is_success() && encoding.is_some() {
        return Err(Error::resolver(&request.endpoint.name, "sent a compressed answer, which was not asked for").into());
    }
    let mut body = Vec::new();
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // What an error says is only a hint, and may end early.
            Err(_) if !status.is_success() => break,
            Err(error) => return Err(Failure::of_transport(&request.endpoint.name, &error)),
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
    Failure::of_status(&request.endpoint.name, &response).map_or(Ok(response), Err)
}
