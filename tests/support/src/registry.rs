//! A registry inside the test process: plain HTTP on a loopback port.
//!
//! Serves `/v2/`, manifests by tag and by digest, blobs, tag lists, and tokens;
//! logs every request as it arrives; answers slowly, wrongly or never when a
//! [`Fault`] asks for it.

mod auth;
mod fault;
mod log;
mod silent;
mod store;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

pub use auth::Auth;
pub use fault::Fault;
pub use log::{Counts, Entry};
pub use silent::{NeverAnswers, never_answers};

use crate::http::{Reply, Request, Server};
use crate::image::{Image, Index, Referrers, Tree};
use auth::{Access, Tokens};
use fault::Faults;
use store::{Route, Store};

/// A registry that runs until it is dropped.
pub struct Registry {
    state: Arc<Mutex<State>>,
    server: Server,
}

/// How a [`Registry`] is to start.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    latency: Duration,
    auth: Auth,
    token_lifetime: Option<Duration>,
    has_referrers: bool,
}

struct State {
    host: String,
    latency: Duration,
    auth: Auth,
    tokens: Tokens,
    faults: Faults,
    store: Store,
    log: Vec<Entry>,
}

impl Registry {
    /// A registry that is open and answers at once, unless told otherwise.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// An open registry that answers at once.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Where it listens: `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    /// The whole reference of something pushed, such as `127.0.0.1:PORT/team/app:1.0`.
    #[must_use]
    pub fn reference(&self, reference: &str) -> String {
        format!("{}/{reference}", self.host())
    }

    /// Puts an image under `repository:tag`, and says its digest.
    pub fn push(&self, reference: &str, image: &Image) -> String {
        self.put(reference, &image.tree())
    }

    /// Puts an index under `repository:tag`, and says its digest.
    pub fn push_index(&self, reference: &str, index: impl Into<Index>) -> String {
        self.put(reference, &index.into().tree())
    }

    /// Puts any manifest under `repository:tag`, with what it names, and says its digest.
    pub fn push_tree(&self, reference: &str, tree: &Tree) -> String {
        self.put(reference, tree)
    }

    /// Attaches artifacts to what they refer to: where this registry has no list of
    /// its own, under the tag that stands in for it.
    pub fn refer(&self, repository: &str, referrers: &Referrers) {
        self.state().store.refer(repository, referrers);
    }

    /// Removes a tag; its content stays reachable by digest.
    pub fn remove(&self, reference: &str) {
        self.state().store.remove(reference);
    }

    /// From now on, answers requests whose path contains `path` with a fault.
    /// The empty path is every request. The latest matching fault counts.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.state().faults.add(path, fault, None);
    }

    /// The same for the next `times` requests that match.
    pub fn fault_times(&self, path: &str, fault: Fault, times: usize) {
        self.state().faults.add(path, fault, Some(times));
    }

    /// Answers properly again.
    pub fn clear_faults(&self) {
        self.state().faults = Faults::default();
    }

    /// Changes the delay of every answer.
    pub fn set_latency(&self, latency_ms: u64) {
        self.state().latency = Duration::from_millis(latency_ms);
    }

    /// Changes who may pull, and forgets the tokens given out.
    pub fn set_auth(&self, auth: Auth) {
        let mut state = self.state();
        state.auth = auth;
        state.tokens.revoke();
    }

    /// Makes every token given out so far invalid.
    pub fn revoke_tokens(&self) {
        self.state().tokens.revoke();
    }

    /// Every request so far, in the order of arrival.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.state().log.clone()
    }

    /// The log in numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::new(&self.state().log, self.server.load())
    }

    /// Forgets the log; connections and the concurrent maximum stay counted.
    pub fn clear_log(&self) {
        self.state().log.clear();
    }

    /// Answers a request that came another way than through this registry's port.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        self.state().answer(request)
    }

    pub(crate) fn put(&self, reference: &str, tree: &Tree) -> String {
        self.state().store.put(reference, tree);
        tree.root.digest.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Builder {
    /// Delays every answer.
    #[must_use]
    pub fn latency(mut self, latency_ms: u64) -> Self {
        self.latency = Duration::from_millis(latency_ms);
        self
    }

    /// Says who may pull.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Says how long a token is valid; without this, as long as the registry runs.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }

    /// Keeps lists of referrers of its own, as newer registries do.
    #[must_use]
    pub fn referrers(mut self) -> Self {
        self.has_referrers = true;
        self
    }

    /// Starts listening on a free port.
    #[must_use]
    pub fn start(self) -> Registry {
        let state = Arc::new(Mutex::new(State {
            host: String::new(),
            latency: self.latency,
            auth: self.auth,
            tokens: Tokens::new(self.token_lifetime),
            faults: Faults::default(),
            store: Store::new(self.has_referrers),
            log: Vec::new(),
        }));
        let server = Server::start(|address: SocketAddr| {
            lock(&state).host = address.to_string();
            let state = Arc::clone(&state);
            move |request: &Request| lock(&state).answer(request)
        });
        Registry { state, server }
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        let fault = self.faults.take(&request.path);
        let mut reply = match fault {
            Some(Fault::Status(code, ref headers)) => fault::status(code, headers),
            _ => self.proper_answer(request),
        };
        if let Some(fault) = fault {
            fault.spoil(request, &mut reply);
        }
        reply.latency = self.latency;
        self.log.push(Entry::new(request, &reply));
        reply
    }

    fn proper_answer(&mut self, request: &Request) -> Reply {
        let route = Route::new(&request.path);
        if route == Route::Token {
            return self.tokens.answer(&self.auth, request, &self.host);
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return error(405, "UNSUPPORTED", "this registry is read-only");
        }
        match self.tokens.access(&self.auth, request, route.repository()) {
            Access::Granted => self.store.answer(&route),
            Access::Denied(reason) => {
                let challenge = self.auth.challenge(&self.host, route.repository(), reason);
                error(401, "UNAUTHORIZED", "authentication required").header("WWW-Authenticate", &challenge)
            }
        }
        .header("Docker-Distribution-Api-Version", "registry/2.0")
    }
}

/// An answer with the error body of the distribution specification.
fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({ "errors": [{ "code": code, "message": message, "detail": null }] });
    Reply::new(status, body.to_string()).header("Content-Type", "application/json")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
