//! The HTTP clients, one for each way to speak to a server, built when first needed.
//!
//! TLS roots cost tens of milliseconds and may be missing on a machine that only asks its own registry, this machine is
//! never asked through a proxy of variables, and a registry may have a proxy of its own: so there is a client for each case, each server belongs to one, and all
//! connections to a server are in one pool.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;

use super::certificates::{self, Certificates};
use super::transport::cause;
use crate::config::Proxy;
use crate::endpoint::{Endpoint, is_loopback_url};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::limits::{CONNECT_TIMEOUT, READ_TIMEOUT, REQUEST_TIMEOUT};

/// Builds clients and keeps them.
pub(super) struct Clients {
    environment: Environment,
    user_agent: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clients: HashMap<Case, Result<reqwest::Client, Trouble>>,
    /// The folder with certificates of a server, by its name there.
    folders: HashMap<String, Option<PathBuf>>,
}

/// What a client must be able to do.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Case {
    loopback: bool,
    tls: Tls,
    proxy: Option<Proxy>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Tls {
    None,
    Verified { certificates: Option<PathBuf> },
    Unverified { certificates: Option<PathBuf> },
}

/// Why there is no client.
#[derive(Clone)]
enum Trouble {
    /// The operator's files are wrong.
    Files(String),
    /// This machine cannot speak TLS.
    Tls(String),
}

impl Clients {
    pub fn new(environment: Environment, user_agent: String) -> Self {
        Self { environment, user_agent, state: Mutex::default() }
    }

    /// The client for `url`, which belongs to `endpoint` or is where that sends us.
    pub fn get(&self, endpoint: &Endpoint, url: &Url) -> Result<reqwest::Client, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (loopback, proxy) = (is_loopback_url(url), endpoint.proxy.clone());
        let case = Case { loopback, tls: self.tls(&mut state, endpoint, url), proxy };
        let built = match state.clients.get(&case) {
            Some(built) => built.clone(),
            None => {
                let built = self.build(&case);
                state.clients.insert(case, built.clone());
                built
            }
        };
        built.map_err(|trouble| match trouble {
            Trouble::Files(what) => Error::resolver(&endpoint.name, what),
            Trouble::Tls(what) => {
                let detail = format!("no secure connection to {} ({what})", endpoint.name);
                Error::new(ErrorKind::Network, &endpoint.name, detail)
            }
        })
    }

    /// The operator's leave not to verify is for the registry itself, never for other servers that it names.
    fn tls(&self, state: &mut State, endpoint: &Endpoint, url: &Url) -> Tls {
        if url.scheme() != "https" {
            return Tls::None;
        }
        let own = endpoint.url("/").is_ok_and(|own| own.host() == url.host() && own.port() == url.port());
        let name = match (own, url.port()) {
            (true, _) => endpoint.name.clone(),
            (false, Some(port)) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            (false, None) => url.host_str().unwrap_or_default().to_owned(),
        };
        let folder = state.folders.entry(name);
        let folder = folder.or_insert_with_key(|name| certificates::folder(&self.environment, name));
        let certificates = folder.clone();
        if own && !endpoint.verify { Tls::Unverified { certificates } } else { Tls::Verified { certificates } }
    }

    fn build(&self, case: &Case) -> Result<reqwest::Client, Trouble> {
        // Whoever installed a provider first wins; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (certificates, verify) = match &case.tls {
            Tls::None => {
                // A proxy may itself be behind TLS.
                let builder = match &case.proxy {
                    Some(proxy) if proxy.is_behind_tls() => self.builder(case),
                    _ => self.builder(case).tls_certs_only([]),
                };
                return builder.build().map_err(|error| Trouble::Tls(cause(&error)));
            }
            Tls::Verified { certificates } => (certificates, true),
            Tls::Unverified { certificates } => (certificates, false),
        };
        let Certificates { authorities, identity } = match certificates {
            Some(folder) => certificates::read(&self.environment, folder).map_err(Trouble::Files)?,
            None => Certificates::default(),
        };
        let builder = || {
            let builder = self.builder(case).tls_danger_accept_invalid_certs(!verify);
            match identity.clone() {
                Some(identity) => builder.identity(identity),
                None => builder,
            }
        };
        let built = builder().tls_certs_merge(authorities.clone()).build();
        // A machine without roots of its own still has the operator's.
        let built = built.or_else(|error| match authorities.is_empty() {
            true => Err(error),
            false => builder().tls_certs_only(authorities).build(),
        });
        built.map_err(|error| Trouble::Tls(cause(&error)))
    }

    fn builder(&self, case: &Case) -> reqwest::ClientBuilder {
        let builder = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(REQUEST_TIMEOUT);
        match &case.proxy {
            Some(proxy) => builder.proxy(proxy.for_all()),
            None if case.loopback => builder.no_proxy(),
            None => builder,
        }
    }
}
