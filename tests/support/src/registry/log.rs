//! What the registry was asked.

use crate::http::{Load, Reply, Request};

use super::store::Route;

/// One request, logged on arrival.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// What follows `?`, or nothing.
    pub query: String,
    /// The headers as sent, names in the client's spelling.
    pub headers: Vec<(String, String)>,
    /// The status that the answer has, if the answer is ever given.
    pub status: u16,
}

/// A log in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests of any kind.
    pub requests: usize,
    /// Requests for `/v2/`.
    pub probes: usize,
    /// Requests for tokens.
    pub tokens: usize,
    /// Requests for manifests, `HEAD` and `GET`.
    pub manifests: usize,
    /// Requests for blobs, `HEAD` and `GET`.
    pub blobs: usize,
    /// Requests that were refused with 401.
    pub challenges: usize,
    /// Connections that were opened.
    pub connections: usize,
    /// The most requests that were open at one time.
    pub concurrent_max: usize,
}

impl Entry {
    /// Whether the request carried an `Authorization` header.
    #[must_use]
    pub fn is_authorized(&self) -> bool {
        self.header("authorization").is_some()
    }

    /// A header's value, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    pub(super) fn new(request: &Request, reply: &Reply) -> Self {
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            status: reply.status,
        }
    }
}

impl Counts {
    pub(super) fn new(log: &[Entry], load: Load) -> Self {
        let mut counts = Self {
            requests: log.len(),
            connections: load.connections,
            concurrent_max: load.concurrent_max,
            ..Self::default()
        };
        for entry in log {
            match Route::new(&entry.path) {
                Route::Probe => counts.probes += 1,
                Route::Token => counts.tokens += 1,
                Route::Manifest { .. } => counts.manifests += 1,
                Route::Blob { .. } => counts.blobs += 1,
                Route::Tags { .. } | Route::Referrers { .. } | Route::Other => {}
            }
            if entry.status == 401 {
                counts.challenges += 1;
            }
        }
        counts
    }
}
