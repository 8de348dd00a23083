//! Tokens: one request to the token service of a registry.

use std::time::{Duration, Instant};

use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::challenge::Bearer;
use super::grant::{Asker, basic};
use crate::credentials::Credentials;
use crate::endpoint::{is_loopback_url, may_follow};
use crate::error::{Error, ErrorKind};
use crate::http::{Deed, Purpose, Request, Response, refusal};
use crate::limits::{TOKEN_BYTES_MAX, TOKEN_LIFE_DEFAULT, TOKEN_LIFE_MARGIN, TOKEN_LIFE_MAX};
use crate::secret::Secret;

/// A token and how long to use it.
pub(super) struct Token {
    pub secret: Secret,
    pub expires: Instant,
}

/// What the service says to the question for a token.
pub(super) enum Answer {
    Token(Token),
    /// It refuses the credentials, or the lack of them.
    Refused(StatusCode),
}

#[derive(Deserialize)]
struct Body {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Asks the service of `bearer` for a token for what the asker wants of its repository.
pub(super) async fn ask(
    asker: &Asker<'_>,
    bearer: &Bearer,
    credentials: Option<&Credentials>,
) -> Result<Answer, Error> {
    let host = asker.host();
    check_realm(asker, bearer, credentials.is_some())?;
    let request = match credentials.and_then(|credentials| credentials.identity_token.as_ref()) {
        Some(identity) => by_identity(asker, bearer, identity),
        None => by_password(asker, bearer, credentials),
    };
    let response = asker.http.send(&request, asker.call).await?;
    match response.status {
        status if status.is_success() => read(host, &response).map(Answer::Token),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Answer::Refused(response.status)),
        // OAuth2 says "invalid grant" with 400.
        StatusCode::BAD_REQUEST if matches!(request.deed, Deed::Form(_)) => Ok(Answer::Refused(response.status)),
        _ => Err(token_service_failed(host, &response)),
    }
}

fn token_service_failed(host: &str, response: &Response) -> Error {
    let error = refusal(host, "a token", response);
    // A missing token service is no missing image.
    let kind = if error.kind == ErrorKind::NotFound { ErrorKind::ResolverError } else { error.kind };
    Error { kind, ..error }
}

fn check_realm(asker: &Asker<'_>, bearer: &Bearer, with_credentials: bool) -> Result<(), Error> {
    let server = asker.endpoint.url("/v2/")?;
    let realm = &bearer.realm;
    if !may_follow(&server, realm) {
        return Err(Error::resolver(asker.host(), "names a token service that must not be asked"));
    }
    let safe = realm.scheme() == "https" || is_loopback_url(realm);
    if with_credentials && !safe {
        return Err(Error::new(
            ErrorKind::Auth,
            asker.host(),
            format!("{} wants credentials for a token service without TLS; they were not sent", asker.host()),
        ));
    }
    Ok(())
}

fn by_password<'a>(asker: &Asker<'a>, bearer: &Bearer, credentials: Option<&Credentials>) -> Request<'a> {
    let mut url = bearer.realm.clone();
    append_service(&mut url, bearer);
    for scope in scopes(asker, bearer) {
        url.query_pairs_mut().append_pair("scope", &scope);
    }
    if let Some(credentials) = credentials {
        url.query_pairs_mut().append_pair("account", &credentials.username);
    }
    Request { authorization: credentials.map(basic), ..request(asker, url) }
}

/// OAuth2 with a refresh token, sent in the body and never in the address.
fn by_identity<'a>(asker: &Asker<'a>, bearer: &Bearer, identity: &Secret) -> Request<'a> {
    let mut form = bearer.realm.clone();
    form.set_query(None);
    form.query_pairs_mut()
        .append_pair("grant_type", "refresh_token")
        .append_pair("client_id", "plimsoll")
        .append_pair("refresh_token", identity.expose())
        .append_pair("scope", &scopes(asker, bearer).join(" "));
    append_service(&mut form, bearer);
    let deed = Deed::Form(Secret::new(form.query().unwrap_or_default()));
    Request { deed, ..request(asker, bearer.realm.clone()) }
}

fn append_service(url: &mut Url, bearer: &Bearer) {
    if let Some(service) = &bearer.service {
        url.query_pairs_mut().append_pair("service", service);
    }
}

/// The scope of the repository, then what the server asks for beyond it.
fn scopes(asker: &Asker<'_>, bearer: &Bearer) -> Vec<String> {
    let repository = asker.scope();
    let asked = bearer.scope.as_deref().unwrap_or_default().split_ascii_whitespace();
    let more: Vec<_> = asked.filter(|scope| *scope != repository).map(str::to_owned).collect();
    std::iter::once(repository).chain(more).collect()
}

fn request<'a>(asker: &Asker<'a>, url: Url) -> Request<'a> {
    Request {
        endpoint: asker.endpoint,
        counters: asker.counters,
        purpose: Purpose::Token,
        url,
        accept: "application/json",
        authorization: None,
        deed: Deed::Get,
        bytes_max: TOKEN_BYTES_MAX,
    }
}

fn read(host: &str, response: &Response) -> Result<Token, Error> {
    let body: Body = serde_json::from_slice(&response.body)
        .map_err(|_| Error::resolver(host, "the token service did not answer with a token"))?;
    let fit = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let text = body.token.filter(fit).or(body.access_token.filter(fit));
    let text = text.ok_or_else(|| Error::resolver(host, "the token service answered without a token"))?;
    let life = body.expires_in.map_or(TOKEN_LIFE_DEFAULT, Duration::from_secs);
    // The protocol promises sixty seconds at least.
    let life = life.clamp(TOKEN_LIFE_DEFAULT, TOKEN_LIFE_MAX) - TOKEN_LIFE_MARGIN;
    Ok(Token { secret: Secret::new(format!("Bearer {text}")), expires: Instant::now() + life })
}
