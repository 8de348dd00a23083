//! One registry for the length of a run: its one probe, its grants, its counters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use reqwest::StatusCode;

use crate::auth::{Asker, Challenge, Grant, establish, renew};
use crate::config::Proxy;
use crate::credentials::Store;
use crate::endpoint::{Endpoint, Manner};
use crate::error::Error;
use crate::http::{Call, Http, Purpose, Request, Response, refusal};
use crate::limits::{AUTHORIZATIONS_MAX, ERROR_BYTES_MAX, INSECURE_TLS_TIMEOUT};
use crate::route::due;
use crate::shared::Shared;
use crate::statistics::Counters;

/// A registry and what is known about it.
#[derive(Debug)]
pub(crate) struct Host {
    /// The registry as references name it.
    pub name: String,
    pub counters: Counters,
    candidates: Vec<Endpoint>,
    contact: Shared<Arc<Contact>>,
    grants: Mutex<HashMap<String, Arc<Shared<Grant>>>>,
}

/// What the probe found.
#[derive(Debug)]
struct Contact {
    endpoint: Endpoint,
    /// What the registry asks of everybody.
    challenge: Challenge,
}

/// Something to get from a repository.
pub(crate) struct Content<'a> {
    /// Words for errors, such as `python:3.12`.
    pub what: &'a str,
    pub repository: &'a str,
    /// What follows the repository: `manifests/…`, `blobs/…` or `tags/list`, perhaps with a query.
    pub path: String,
    pub accept: &'static str,
    pub bytes_max: usize,
}

impl Contact {
    fn of(endpoint: &Endpoint, response: &Response) -> Arc<Self> {
        Arc::new(Self { endpoint: endpoint.clone(), challenge: Challenge::of(response) })
    }
}

impl Host {
    pub fn new(name: &str, manner: Manner, proxy: Option<&Proxy>) -> Self {
        Self {
            name: name.to_owned(),
            counters: Counters::default(),
            candidates: Endpoint::candidates(name, manner, proxy),
            contact: Shared::default(),
            grants: Mutex::default(),
        }
    }

    /// Gets `content` with whatever authorization it takes.
    pub async fn get(
        &self,
        http: &Http,
        store: &Arc<Store>,
        call: Call,
        content: &Content<'_>,
    ) -> Result<Response, Error> {
        let repository = content.repository;
        let cell = self.grant(repository);
        let contact = self.contact(http, call).await?;
        let asker = Asker { http, store, endpoint: &contact.endpoint, counters: &self.counters, repository, call };
        let first = async || establish(&asker, contact.challenge.clone()).await;
        let mut grant = cell.get(Grant::is_valid, first).await?;
        for _ in 0..AUTHORIZATIONS_MAX {
            let request = self.request(&contact.endpoint, content, &grant)?;
            let response = http.send(&request, call).await?;
            let status = response.status;
            if status.is_success() {
                return Ok(response);
            }
            if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || !response.same_origin {
                return Err(refusal(&self.name, content.what, &response));
            }
            let seen = grant;
            grant = cell.get(|now| now.id != seen.id, async || renew(&asker, &seen, &response).await).await?;
        }
        Err(Error::resolver(&self.name, "asks for ever other authorization"))
    }

    /// What its one `/v2/` probe finds; where there are several ways to speak, one probe for each until one works.
    async fn contact(&self, http: &Http, call: Call) -> Result<Arc<Contact>, Error> {
        let probe = async || {
            let (last, others) = self.candidates.split_last().expect("there is a way to speak to every registry");
            for endpoint in others {
                // A server that does not know TLS may just wait for more.
                let patience =
                    due(call.deadline, self.candidates.len()).unwrap_or(Instant::now() + INSECURE_TLS_TIMEOUT);
                let patience = patience.min(Instant::now() + INSECURE_TLS_TIMEOUT);
                let request = self.probe(endpoint)?;
                let reached = tokio::time::timeout_at(patience.into(), http.reach(&request, call)).await;
                if let Some(response) = reached.unwrap_or(Ok(None))? {
                    return Ok(Contact::of(endpoint, &response));
                }
            }
            let response = http.send(&self.probe(last)?, call).await?;
            Ok(Contact::of(last, &response))
        };
        self.contact.get(|_| true, probe).await
    }

    fn probe<'a>(&'a self, endpoint: &'a Endpoint) -> Result<Request<'a>, Error> {
        Ok(Request {
            endpoint,
            counters: &self.counters,
            purpose: Purpose::Probe,
            url: endpoint.url("/v2/")?,
            accept: "*/*",
            authorization: None,
            form: None,
            bytes_max: ERROR_BYTES_MAX,
        })
    }

    fn request<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        content: &'a Content<'_>,
        grant: &Grant,
    ) -> Result<Request<'a>, Error> {
        Ok(Request {
            endpoint,
            counters: &self.counters,
            purpose: Purpose::Content,
            url: endpoint.url(&format!("/v2/{}/{}", content.repository, content.path))?,
            accept: content.accept,
            authorization: grant.header.clone(),
            form: None,
            bytes_max: content.bytes_max,
        })
    }

    fn grant(&self, repository: &str) -> Arc<Shared<Grant>> {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(grants.entry(repository.to_owned()).or_default())
    }
}
