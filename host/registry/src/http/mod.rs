//! HTTP with bounds: one request in, one fully read answer or a classified failure out.
//!
//! Invariant: no body grows past its bound, no `Authorization` leaves the server it was meant for, and dropping a
//! future closes its connection. Everything that leaves this machine goes through [`Http::send`].

mod certificates;
mod client;
mod clients;
mod failure;
mod gate;
mod retry;
pub mod transport;

use std::time::Instant;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};

pub(crate) use certificates::folder as certificate_folder;
pub(crate) use client::Http;
pub(crate) use failure::refusal;

use crate::endpoint::Endpoint;
use crate::secret::Secret;
use crate::statistics::Counters;

/// What a request is for; chooses the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Probe,
    Token,
    Content,
}

/// What a request does, and what it carries.
#[derive(Clone)]
pub(crate) enum Deed<'a> {
    Get,
    Head,
    /// POST without a body.
    Begin,
    /// POST of an `application/x-www-form-urlencoded` body.
    Form(Secret),
    /// PUT of content.
    Put {
        media_type: &'a str,
        bytes: &'a [u8],
    },
}

impl Deed<'_> {
    /// Whether it may be sent on to another address.
    pub fn follows_redirects(&self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// What is sent.
pub(crate) struct Request<'a> {
    /// The registry that errors name, and how its servers are spoken to.
    pub endpoint: &'a Endpoint,
    pub counters: &'a Counters,
    pub purpose: Purpose,
    pub url: Url,
    pub accept: &'static str,
    /// Value of the `Authorization` header.
    pub authorization: Option<Secret>,
    pub deed: Deed<'a>,
    /// Most bytes of a successful answer.
    pub bytes_max: usize,
}

/// An answer, read to its end. It may hold a token, so it has no `Debug`.
pub(crate) struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Where the answer came from, after redirects.
    pub url: Url,
    /// Whether that is the server that was asked.
    pub same_origin: bool,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())
    }
}

/// One question of a caller: when it began and when its answer is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub started: Instant,
    pub deadline: Option<Instant>,
}

impl Call {
    pub fn new(deadline: Option<Instant>) -> Self {
        Self { started: Instant::now(), deadline }
    }
}
