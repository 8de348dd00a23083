//! The entrance: one value per run, shared by everybody who has questions for registries.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use plimsoll_dockerfile::{Platform, Reference};

use crate::artifact::RawManifest;
use crate::cache::Cache;
use crate::config::{Loaded, Proxy, PullSource, Registries};
use crate::credentials::Store;
use crate::endpoint::{Manner, is_loopback};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::fetch::Resolver;
use crate::host::Host;
use crate::http::{Call, Http, certificate_folder};
use crate::image::Answer;
use crate::index::Index;
use crate::push::Upload;
use crate::referrers::Referrer;
use crate::remembered::Remembered;
use crate::route::{Route, due, failed};
use crate::statistics::Statistics;

/// What a client depends on.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where `registries.conf`, credentials and certificates are looked for.
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

/// Asks registries. Probes, tokens, connections, answers by digest and, for a while, what tags mean are
/// shared by all questions to one client.
///
/// Questions have much in common. A reference without tag and digest means tag `latest`. Mirrors of `registries.conf`
/// are asked first; when nobody answers, the error is the registry's own. With a `deadline` the answer or
/// [`Timeout`](ErrorKind::Timeout) is there by then, and pauses between retries fit it. Dropping the future closes its
/// connection. All of them need a tokio runtime with time and I/O.
#[derive(Debug)]
pub struct Client {
    config: Arc<Loaded>,
    insecure_hosts: Vec<String>,
    http: Http,
    store: Arc<Store>,
    hosts: Mutex<HashMap<HostKey, Arc<Host>>>,
    cache: Cache,
    errors: Remembered,
}

/// A registry, how it is spoken to, and through what.
type HostKey = (String, Manner, Option<Proxy>);

/// What can be asked about a reference.
#[derive(Debug)]
enum Question<'a> {
    Image(&'a Platform),
    Index { attestations: bool },
    Tags,
    Referrers { artifact_type: Option<&'a str> },
    Manifest,
    Blob { digest: &'a str, size: u64, bytes_max: usize },
}

enum Reply {
    Image(Answer),
    Index(Index),
    Tags(Vec<String>),
    Referrers(Vec<Referrer>),
    Manifest(RawManifest),
    Blob(Vec<u8>),
}

impl Client {
    /// A client that has done nothing yet: no file is read and no TLS root loaded before the first question.
    pub fn new(config: ClientConfig) -> Self {
        let http = Http::new(config.environment.clone(), config.user_agent);
        let loaded = Arc::new(Loaded::new(config.environment));
        Self {
            insecure_hosts: config.insecure_hosts,
            http,
            store: Arc::new(Store::new(Arc::clone(&loaded))),
            config: loaded,
            hosts: Mutex::default(),
            cache: Cache::default(),
            errors: Remembered::default(),
        }
    }

    /// The image that `reference` means for `platform`.
    pub async fn image(
        &self,
        reference: &Reference,
        platform: &Platform,
        deadline: Option<Instant>,
    ) -> Result<Answer, Error> {
        match self.ask(reference, &Question::Image(platform), deadline).await? {
            Reply::Image(answer) => Ok(answer),
            _ => Err(misdirected(reference)),
        }
    }

    /// All that `reference` offers. With `attestations`, what BuildKit attested is read too: with one request for each
    /// attestation manifest that an index lists, with none where `reference` is such a manifest.
    pub async fn index(
        &self,
        reference: &Reference,
        attestations: bool,
        deadline: Option<Instant>,
    ) -> Result<Index, Error> {
        match self.ask(reference, &Question::Index { attestations }, deadline).await? {
            Reply::Index(index) => Ok(index),
            _ => Err(misdirected(reference)),
        }
    }

    /// All tags of the repository of `reference`, sorted. Too many are an error, never a part.
    pub async fn tags(&self, reference: &Reference, deadline: Option<Instant>) -> Result<Vec<String>, Error> {
        match self.ask(reference, &Question::Tags, deadline).await? {
            Reply::Tags(tags) => Ok(tags),
            _ => Err(misdirected(reference)),
        }
    }

    /// All that refers to the manifest or index of `reference`, sorted by digest; of `artifact_type`, if it is given.
    /// Too many are an error, never a part.
    pub async fn referrers(
        &self,
        reference: &Reference,
        artifact_type: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<Vec<Referrer>, Error> {
        match self.ask(reference, &Question::Referrers { artifact_type }, deadline).await? {
            Reply::Referrers(referrers) => Ok(referrers),
            _ => Err(misdirected(reference)),
        }
    }

    /// The manifest or index that `reference` means, as its bytes: for artifacts that are no images.
    pub async fn manifest(&self, reference: &Reference, deadline: Option<Instant>) -> Result<RawManifest, Error> {
        match self.ask(reference, &Question::Manifest, deadline).await? {
            Reply::Manifest(manifest) => Ok(manifest),
            _ => Err(misdirected(reference)),
        }
    }

    /// A blob of the repository of `reference`, by digest, of `size` bytes as its descriptor promises. One of more than
    /// `bytes_max` is not asked for. It is not kept in memory.
    pub async fn blob(
        &self,
        reference: &Reference,
        digest: &str,
        size: u64,
        bytes_max: usize,
        deadline: Option<Instant>,
    ) -> Result<Vec<u8>, Error> {
        match self.ask(reference, &Question::Blob { digest, size, bytes_max }, deadline).await? {
            Reply::Blob(bytes) => Ok(bytes),
            _ => Err(misdirected(reference)),
        }
    }

    /// Puts an artifact into the registry, by the tag or digest of `reference`, and gives the digest of its manifest.
    /// Blobs that are there are not sent again; the manifest comes last, so that it is there whole or not at all.
    pub async fn push(
        &self,
        reference: &Reference,
        upload: &Upload<'_>,
        deadline: Option<Instant>,
    ) -> Result<String, Error> {
        let reference = reference.with_default_tag();
        let route = within(deadline, &reference.domain, self.push_route(&reference)).await?;
        let resolver = self.resolver(&route, deadline);
        within(deadline, &route.host.name, Box::pin(resolver.push(upload))).await
    }

    /// Where images come from, as the files say, which are read once; none if that cannot be told.
    pub fn registries(&self) -> Option<&Registries> {
        self.config.registries().ok()
    }

    /// What was asked of each registry so far.
    pub fn statistics(&self) -> BTreeMap<String, Statistics> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: BTreeMap<String, Statistics> = BTreeMap::new();
        for host in hosts.values() {
            all.entry(host.name.clone()).or_default().add(host.counters.read());
        }
        all
    }

    async fn ask(
        &self,
        reference: &Reference,
        question: &Question<'_>,
        deadline: Option<Instant>,
    ) -> Result<Reply, Error> {
        let reference = reference.with_default_tag();
        let key = format!("{question:?} {reference}");
        if let Some(error) = self.errors.error(&key) {
            return Err(error);
        }
        let reply = Box::pin(self.ask_routes(&reference, question, deadline)).await;
        self.errors.note(key, reply.as_ref().err());
        reply
    }

    async fn ask_routes(
        &self,
        reference: &Reference,
        question: &Question<'_>,
        deadline: Option<Instant>,
    ) -> Result<Reply, Error> {
        let routes = within(deadline, &reference.domain, self.routes(reference)).await?;
        let mut errors = Vec::new();
        for (number, route) in routes.iter().enumerate() {
            let due = due(deadline, routes.len() - number);
            match within(due, &route.host.name, self.ask_route(route, question, due)).await {
                // A mirror may have the image and not what refers to it.
                Ok(Reply::Referrers(none)) if none.is_empty() && number + 1 < routes.len() => {
                    errors.push(Error::new(ErrorKind::NotFound, &route.host.name, "nothing there refers to it"));
                }
                Ok(reply) => return Ok(reply),
                Err(error) => errors.push(error),
            }
        }
        match errors.pop() {
            Some(registry) => Err(failed(registry, &errors)),
            None => Err(misdirected(reference)),
        }
    }

    async fn ask_route(&self, route: &Route, question: &Question<'_>, due: Option<Instant>) -> Result<Reply, Error> {
        let resolver = self.resolver(route, due);
        match *question {
            Question::Image(platform) => resolver.image(platform).await.map(Reply::Image),
            Question::Index { attestations } => resolver.index(attestations).await.map(Reply::Index),
            Question::Tags => resolver.tags().await.map(Reply::Tags),
            Question::Referrers { artifact_type } => resolver.referrers(artifact_type).await.map(Reply::Referrers),
            Question::Manifest => resolver.raw_manifest().await.map(Reply::Manifest),
            Question::Blob { digest, size, bytes_max } => {
                resolver.raw_blob(digest, size, bytes_max).await.map(Reply::Blob)
            }
        }
    }

    fn resolver<'r>(&'r self, route: &'r Route, due: Option<Instant>) -> Resolver<'r> {
        Resolver {
            http: &self.http,
            store: &self.store,
            cache: &self.cache,
            host: &route.host,
            reference: &route.reference,
            call: Call::new(due),
        }
    }

    /// Where to push: the registry that the reference names, whatever else pulls are told to ask.
    async fn push_route(&self, reference: &Reference) -> Result<Route, Error> {
        let own = self.sources(reference).await?.into_iter().next_back().filter(|own| own.reference == *reference);
        let usual = PullSource { reference: reference.clone(), insecure: false, proxy: None, distrusted: None };
        self.route(own.unwrap_or(usual))
    }

    /// Where to ask: mirrors in order, then the registry.
    async fn routes(&self, reference: &Reference) -> Result<Vec<Route>, Error> {
        self.sources(reference).await?.into_iter().map(|source| self.route(source)).collect()
    }

    async fn sources(&self, reference: &Reference) -> Result<Vec<PullSource>, Error> {
        let domain = &reference.domain;
        if domain.is_empty() {
            return Err(Error::resolver(&reference.path, "the reference names no registry"));
        }
        if !self.config.is_known() {
            let config = Arc::clone(&self.config);
            let loaded = tokio::task::spawn_blocking(move || drop(config.registries())).await;
            loaded.map_err(|_| Error::resolver(domain, "reading registries.conf broke off"))?;
        }
        let registries = self.config.registries().map_err(of(domain))?;
        if let Some(registry) = registries.registry_of(reference).filter(|registry| registry.blocked) {
            let detail = format!("registries.conf on this machine blocks {}", registry.prefix);
            return Err(Error::new(ErrorKind::Denied, domain, detail));
        }
        registries.pull_sources(reference).map_err(of(domain))
    }

    fn route(&self, source: PullSource) -> Result<Route, Error> {
        let domain = &source.reference.domain;
        if domain.is_empty() {
            return Err(Error::resolver(&source.reference.path, "the rewritten reference names no registry"));
        }
        if let Some(what) = source.is_presumptuous() {
            return Err(Error::new(ErrorKind::Denied, domain, what));
        }
        let has_certificates = || certificate_folder(&self.config.environment, domain).is_some();
        let manner = if self.insecure_hosts.iter().any(|host| host == domain) {
            Manner::Plain
        } else if source.insecure {
            Manner::Insecure
        } else if is_loopback(domain) && !has_certificates() {
            Manner::Plain
        } else {
            Manner::Secure
        };
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry((domain.to_string(), manner, source.proxy.clone()));
        let host = host.or_insert_with(|| Arc::new(Host::new(domain, manner, source.proxy.as_ref())));
        let host = Arc::clone(host);
        Ok(Route { host, reference: source.reference })
    }
}

async fn within<T>(
    deadline: Option<Instant>,
    host: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match deadline {
        Some(deadline) => {
            tokio::time::timeout_at(deadline.into(), work).await.unwrap_or_else(|_| Err(Error::timeout(host)))
        }
        None => work.await,
    }
}

fn of(host: &str) -> impl Fn(crate::config::Problem) -> Error {
    move |problem| Error::new(ErrorKind::ResolverError, host, problem.to_string())
}

fn misdirected(reference: &Reference) -> Error {
    Error::resolver(&reference.domain, "the question has no answer of its kind")
}
