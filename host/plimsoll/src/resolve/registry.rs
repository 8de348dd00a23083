//! Resolver `registry`: images, by the client of `plimsoll-registry`.

use std::collections::BTreeMap;
use std::time::Instant;

use plimsoll_registry::{Client, ClientConfig, ErrorKind, Statistics};

use super::{Resolve, Resolving, misdirected};
use crate::question::{Answer, Failure, Question, SkipReason};

/// Asks registries, with one client for the whole run.
pub struct Registry {
    client: Client,
}

impl Registry {
    /// A resolver that has asked nothing yet.
    pub fn new(config: ClientConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// What was asked so far, by host.
    pub fn statistics(&self) -> BTreeMap<String, Statistics> {
        self.client.statistics()
    }
}

impl Resolve for Registry {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            let Question::Image { reference, platform } = question else { return Err(misdirected(question)) };
            let answer = self.client.image(reference, platform, Some(deadline)).await;
            answer.map(Answer::Image).map_err(|error| Failure { reason: reason(error.kind), detail: error.detail })
        })
    }
}

fn reason(kind: ErrorKind) -> SkipReason {
    match kind {
        ErrorKind::Denied => SkipReason::Denied,
        ErrorKind::Auth => SkipReason::Auth,
        ErrorKind::NotFound => SkipReason::NotFound,
        ErrorKind::Network => SkipReason::Network,
        ErrorKind::Timeout => SkipReason::Timeout,
        ErrorKind::ResolverError => SkipReason::ResolverError,
    }
}
