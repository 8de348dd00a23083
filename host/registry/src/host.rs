//! One registry for the length of a run: its one probe, its grants, its counters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::StatusCode;

use crate::auth::{Asker, Challenge, Grant, establish, renew};
use crate::credentials::Store;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::http::{Call, Http, Purpose, Request, Response, refusal};
use crate::limits::{AUTHORIZATIONS_MAX, ERROR_BYTES_MAX};
use crate::shared::Shared;
use crate::statistics::Counters;

/// A registry and what is known about it.
#[derive(Debug)]
pub(crate) struct Host {
    pub endpoint: Endpoint,
    pub counters: Counters,
    challenge: Shared<Challenge>,
    grants: Mutex<HashMap<String, Arc<Shared<Grant>>>>,
}

/// Something to get from a repository.
pub(crate) struct Content<'a> {
    /// Words for errors, such as `python:3.12`.
    pub what: &'a str,
    pub repository: &'a str,
    /// What follows the repository: `manifests/…` or `blobs/…`.
    pub path: String,
    pub accept: &'static str,
    pub bytes_max: usize,
}

impl Host {
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, counters: Counters::default(), challenge: Shared::default(), grants: Mutex::default() }
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
        let asker = Asker { http, store, endpoint: &self.endpoint, counters: &self.counters, repository, call };
        let cell = self.grant(repository);
        let first = async || establish(&asker, self.challenge(http, call).await?).await;
        let mut grant = cell.get(Grant::is_valid, first).await?;
        for _ in 0..AUTHORIZATIONS_MAX {
            let request = self.request(content, &grant)?;
            let response = http.send(&request, call).await?;
            let status = response.status;
            if status.is_success() {
                return Ok(response);
            }
            if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || !response.same_origin {
                return Err(refusal(&self.endpoint.name, content.what, &response));
            }
            let seen = grant;
            grant = cell.get(|now| now.id != seen.id, async || renew(&asker, &seen, &response).await).await?;
        }
        Err(Error::resolver(&self.endpoint.name, "asks for ever other authorization"))
    }

    /// What the registry asks of everybody, from its one `/v2/` probe.
    async fn challenge(&self, http: &Http, call: Call) -> Result<Challenge, Error> {
        let probe = async || {
            let request = Request {
                host: &self.endpoint.name,
                counters: &self.counters,
                purpose: Purpose::Probe,
                url: self.endpoint.url("/v2/")?,
                accept: "*/*",
                authorization: None,
                form: None,
                bytes_max: ERROR_BYTES_MAX,
            };
            let response = http.send(&request, call).await?;
            Ok(Challenge::of(&response))
        };
        self.challenge.get(|_| true, probe).await
    }

    fn request<'a>(&'a self, content: &'a Content<'_>, grant: &Grant) -> Result<Request<'a>, Error> {
        Ok(Request {
            host: &self.endpoint.name,
            counters: &self.counters,
            purpose: Purpose::Content,
            url: self.endpoint.url(&format!("/v2/{}/{}", content.repository, content.path))?,
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
