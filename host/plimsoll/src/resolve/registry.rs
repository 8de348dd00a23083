//! Resolver `registry`: images and what is attached to them, by the client of `plimsoll-registry`.

use std::collections::BTreeMap;
use std::time::Instant;

use plimsoll_registry::config::PullSource;
use plimsoll_registry::{Client, ClientConfig, Error, ErrorKind, Statistics};

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
            let (client, deadline) = (&self.client, Some(deadline));
            let answer = match question {
                Question::Image { reference, platform } => {
                    client.image(reference, platform, deadline).await.map(Answer::Image)
                }
                Question::Index { reference, attestations } => {
                    client.index(reference, *attestations, deadline).await.map(Answer::Index)
                }
                Question::Tags { repository } => client.tags(repository, deadline).await.map(Answer::Tags),
                Question::Referrers { reference, artifact_type } => {
                    client.referrers(reference, artifact_type.as_deref(), deadline).await.map(Answer::Referrers)
                }
                _ => return Err(misdirected(question)),
            };
            answer.map_err(Failure::from)
        })
    }

    /// Mirrors and the like, as `registries.conf` has them: whoever changes them must not be answered by what
    /// others said. What is blocked is not answered at all.
    fn circumstances(&self, question: &Question) -> Option<String> {
        let (Question::Image { reference, .. }
        | Question::Index { reference, .. }
        | Question::Tags { repository: reference }
        | Question::Referrers { reference, .. }) = question
        else {
            return None;
        };
        // As the client asks: some mirrors are for tags only, or for digests.
        let reference = &reference.with_default_tag();
        let registries = self.client.registries()?;
        if registries.registry_of(reference).is_some_and(|registry| registry.blocked) {
            return None;
        }
        let sources = registries.pull_sources(reference).ok()?;
        if sources.iter().any(|source| source.is_presumptuous().is_some()) {
            return None;
        }
        let sources: Vec<_> = sources.into_iter().map(|source| PullSource { distrusted: None, ..source }).collect();
        let usual = PullSource { reference: reference.clone(), insecure: false, proxy: None, distrusted: None };
        if sources == [usual] {
            return Some(String::new());
        }
        let shown = |source: &PullSource| {
            let manner = if source.insecure { "insecure " } else { "" };
            let through = source.proxy.as_ref().map(|proxy| format!(" through {proxy}")).unwrap_or_default();
            format!("{manner}{}{through}", source.reference)
        };
        Some(sources.iter().map(shown).collect::<Vec<_>>().join(", then "))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = match error.kind {
            ErrorKind::Denied => SkipReason::Denied,
            ErrorKind::Auth => SkipReason::Auth,
            ErrorKind::NotFound => SkipReason::NotFound,
            ErrorKind::Network => SkipReason::Network,
            ErrorKind::Timeout => SkipReason::Timeout,
            ErrorKind::ResolverError => SkipReason::ResolverError,
        };
        Self { reason, detail: error.detail }
    }
}
