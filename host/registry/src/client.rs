//! The client: one value per run, shared by everybody who has questions for registries.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use plimsoll_dockerfile::{Platform, Reference};

use crate::cache::Cache;
use crate::config::Loaded;
use crate::credentials::Store;
use crate::endpoint::Endpoint;
use crate::environment::Environment;
use crate::error::Error;
use crate::host::Host;
use crate::http::{Call, Http};
use crate::image::Answer;
use crate::resolve::Resolver;
use crate::statistics::Statistics;

/// What a client depends on.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where credentials are looked for.
    pub environment: Environment,
    /// Registries (`host` or `host:port`) that are asked without TLS, beside this machine.
    pub insecure_hosts: Vec<String>,
    /// The `User-Agent` of every request.
    pub user_agent: String,
}

impl ClientConfig {
    /// The defaults for `environment`.
    pub fn new(environment: Environment) -> Self {
        let user_agent = concat!("plimsoll/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { environment, insecure_hosts: Vec::new(), user_agent }
    }
}

/// Asks registries. Probes, tokens, connections and answers by digest are shared by all questions to one client.
#[derive(Debug)]
pub struct Client {
    insecure_hosts: Vec<String>,
    http: Http,
    store: Arc<Store>,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    cache: Cache,
}

impl Client {
    /// A client that has done nothing yet: no file is read and no TLS root loaded before the first question.
    pub fn new(config: ClientConfig) -> Self {
        Self {
            insecure_hosts: config.insecure_hosts,
            http: Http::new(config.user_agent),
            store: Arc::new(Store::new(Arc::new(Loaded::new(config.environment)))),
            hosts: Mutex::default(),
            cache: Cache::default(),
        }
    }

    /// The image that `reference` (tag `latest` where it has neither tag nor digest) means for `platform`.
    ///
    /// With a `deadline` the answer or [`Timeout`](crate::ErrorKind::Timeout) is there by then, and pauses between
    /// retries fit it. Dropping the future closes its connection. Needs a tokio runtime with time and I/O.
    pub async fn image(
        &self,
        reference: &Reference,
        platform: &Platform,
        deadline: Option<Instant>,
    ) -> Result<Answer, Error> {
        let reference = reference.with_default_tag();
        if reference.domain.is_empty() {
            return Err(Error::resolver(&reference.path, "the reference names no registry"));
        }
        let host = self.host(&reference.domain);
        let resolver = Resolver {
            http: &self.http,
            store: &self.store,
            cache: &self.cache,
            host: &host,
            reference: &reference,
            call: Call::new(deadline),
        };
        let work = Box::pin(resolver.image(platform));
        match deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), work)
                .await
                .unwrap_or_else(|_| Err(Error::timeout(&host.endpoint.name))),
            None => work.await,
        }
    }

    /// What was asked of each registry so far.
    pub fn statistics(&self) -> BTreeMap<String, Statistics> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.iter().map(|(name, host)| (name.clone(), host.counters.read())).collect()
    }

    fn host(&self, domain: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(domain) {
            return Arc::clone(host);
        }
        let host = Arc::new(Host::new(Endpoint::of(domain, &self.insecure_hosts)));
        hosts.insert(domain.to_owned(), Arc::clone(&host));
        host
    }
}
