//! Who can be asked for plugins: registries, as container tools are told of them, and
//! servers of the web.
//!
//! Invariant: every question ends at its deadline.

use std::time::{Duration, Instant};

use plimsoll_dockerfile::Reference;
use plimsoll_registry::{Client, ClientConfig, RawManifest, Upload};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout_at;
use url::Url;

use crate::config::Digest;
use crate::limits::{COMPONENT_BYTES_MAX, TRANSFER_TIMEOUT};
use crate::question::{Failure, SkipReason};
use crate::resolve::{Http, Web};
use crate::signature::{self, Key, Proof, Refusal, Repository};

/// Registries and the web, asked from one thread.
pub struct Remote {
    client: Client,
    http: Http,
    runtime: Runtime,
    /// When all answers are due, where that is said.
    until: Option<Instant>,
}

impl Remote {
    /// Nobody is asked yet. The hosts allowed, `host` or `host:port`, may be this machine or in its network, also where
    /// they are asked for an address of the web.
    ///
    /// # Errors
    /// When this process can wait for nothing.
    pub fn new(config: ClientConfig, allowed_hosts: impl IntoIterator<Item = String>) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let http = Http::new(Web::new(allowed_hosts).into());
        Ok(Self { client: Client::new(config), http, runtime, until: None })
    }

    /// The same where all answers are due within this time.
    pub fn within(self, patience: Duration) -> Self {
        Self { until: Some(Instant::now() + patience), ..self }
    }

    /// The manifest that a reference means, by tag or by digest.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn manifest(&self, reference: &Reference) -> Result<RawManifest, Failure> {
        self.wait(self.client.manifest(reference, Some(self.deadline())))
    }

    /// A blob of the repository of a reference, of this size.
    ///
    /// # Errors
    /// When there is no answer, or another than its digest says.
    pub fn blob(
        &self,
        reference: &Reference,
        digest: &Digest,
        size: u64,
        bytes_max: usize,
    ) -> Result<Vec<u8>, Failure> {
        self.wait(self.client.blob(reference, digest.as_str(), size, bytes_max, Some(self.deadline())))
    }

    /// A signature by the key of the manifest with this digest, in the repository of a reference.
    ///
    /// # Errors
    /// Why there is none that holds.
    pub fn proof(&self, key: &Key, reference: &Reference, digest: &Digest) -> Result<Proof, Refusal> {
        let repository = Repository { client: &self.client, reference, deadline: Some(self.deadline()) };
        self.runtime.block_on(signature::verify(key, &repository, digest))
    }

    /// Puts an artifact into a registry, and gives the digest of its manifest.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn push(&self, reference: &Reference, upload: &Upload) -> Result<String, Failure> {
        self.wait(self.client.push(reference, upload, Some(self.deadline())))
    }

    /// The component at an address.
    ///
    /// # Errors
    /// When there is none, or it is too large.
    pub fn download(&self, url: &Url) -> Result<Vec<u8>, Failure> {
        let deadline = self.deadline();
        let content = self.http.content(url, COMPONENT_BYTES_MAX, deadline);
        let late = || Failure { reason: SkipReason::Timeout, detail: format!("{url} did not answer in time") };
        self.runtime.block_on(async { timeout_at(deadline.into(), content).await.unwrap_or_else(|_| Err(late())) })
    }

    fn deadline(&self) -> Instant {
        let patient = Instant::now() + TRANSFER_TIMEOUT;
        self.until.map_or(patient, |until| until.min(patient))
    }

    fn wait<T>(&self, asked: impl Future<Output = Result<T, plimsoll_registry::Error>>) -> Result<T, Failure> {
        self.runtime.block_on(asked).map_err(Failure::from)
    }
}
