//! One registry for the length of a run: its one probe, its grants, its counters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use reqwest::StatusCode;

use crate::auth::{Access, Asker, Challenge, Grant, establish, renew};
use crate::config::Proxy;
use crate::credentials::Store;
use crate::endpoint::{Endpoint, Manner};
use crate::error::Error;
use crate::http::{Call, Deed, Http, Purpose, Request, Response, refusal};
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
    grants: Mutex<Grants>,
}

/// By repository and what is wanted of it.
type Grants = HashMap<(String, Access), Arc<Shared<Grant>>>;

/// What the probe found.
#[derive(Debug)]
struct Contact {
    endpoint: Endpoint,
    /// What the registry asks of everybody.
    challenge: Challenge,
}

/// Something to get from a repository, or to put there.
pub(crate) struct Content<'a> {
    /// Words for errors, such as `python:3.12`.
    pub what: &'a str,
    pub repository: &'a str,
    pub access: Access,
    pub deed: Deed<'a>,
    /// Path on the server, such as `/v2/team/app/tags/list`, perhaps with a query.
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

    /// Gets or puts `content` with whatever authorization it takes.
    pub async fn send(
        &self,
        http: &Http,
        store: &Arc<Store>,
        call: Call,
        content: &Content<'_>,
    ) -> Result<Response, Error> {
        let &Content { repository, access, .. } = content;
        let cell = self.grant(repository, access);
        let contact = self.contact(http, call).await?;
        let (endpoint, counters) = (&contact.endpoint, &self.counters);
        let asker = Asker { http, store, endpoint, counters, repository, access, call };
        let first = async || establish(&asker, contact.challenge.clone()).await;
        let mut grant = cell.get(Grant::is_valid, first).await?;
        for _ in 0..AUTHORIZATIONS_MAX {
            let request = self.request(&contact.endpoint, content, &grant)?;
            let response = match content.deed {
                // What was sent in part cannot be sent again to the same place.
                Deed::Put { .. } => http.send_once_only(&request, call).await?,
                _ => http.send(&request, call).await?,
            };
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
            deed: Deed::Get,
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
            url: endpoint.url(&content.path)?,
            accept: content.accept,
            authorization: grant.header.clone(),
            deed: content.deed.clone(),
            bytes_max: content.bytes_max,
        })
    }

    fn grant(&self, repository: &str, access: Access) -> Arc<Shared<Grant>> {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(grants.entry((repository.to_owned(), access)).or_default())
    }
}
