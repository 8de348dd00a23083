//! Registries that ask who is there, token services, and homes with credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fixture::app;
use super::server::{Reply, Seen, Server};
use crate::{Client, ClientConfig, Environment};

/// A home with `~/.docker/config.json` for `host`.
pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(home.0.path().join(".docker")).unwrap();
        home
    }

    pub fn login(&self, host: &str, user: &str, password: &str) {
        let auth = STANDARD.encode(format!("{user}:{password}"));
        self.write(&format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#));
    }

    pub fn write(&self, text: &str) {
        std::fs::write(self.0.path().join(".docker/config.json"), text).unwrap();
    }

    pub fn client(&self) -> Client {
        let environment = Environment { home: Some(self.0.path().to_owned()), ..Environment::default() };
        Client::new(ClientConfig::new(environment))
    }
}

/// `app:1` for whoever sends `expected` as authorization; others are challenged.
pub fn guarded(challenge: impl Into<String>, expected: impl Into<String>) -> Server {
    let (contents, challenge, expected) = (app(), challenge.into(), expected.into());
    Server::start(move |request| match request.authorization.as_ref() {
        Some(authorization) if *authorization == expected => contents.reply(request),
        _ => Reply::new(401, "{}").header("WWW-Authenticate", challenge.clone()),
    })
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A token service that gives `token` to whom `check` lets in.
pub fn token_service(token: &'static str, check: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Server {
    Server::start(move |request| match check(request) {
        true => Reply::new(200, format!(r#"{{"token": "{token}", "expires_in": 300}}"#)),
        false => Reply::new(401, r#"{"details": "incorrect username or password"}"#),
    })
}

pub fn bearer(service: &Server) -> String {
    format!(r#"Bearer realm="http://{}/token?x=1",service="the registry""#, service.host)
}
