//! Who may pull, and the token endpoint.
//!
//! Tokens are counted strings that stand for the scopes they were given for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::error;
use crate::http::{Reply, Request};

/// Who may pull from a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Anyone.
    #[default]
    Open,
    /// Who sends these with every request.
    Basic {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
    /// Who fetches a token with these. An identity token that equals the
    /// password is taken too, posted as `refresh_token`.
    Token {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
    /// Who fetches a token, which anyone may.
    AnonymousToken,
}

/// Why a request was turned away, in the words of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Missing,
    InvalidToken,
    InsufficientScope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Granted,
    Denied(Reason),
}

pub(super) struct Tokens {
    lifetime: Option<Duration>,
    given: HashMap<String, Token>,
    count: u64,
}

struct Token {
    scopes: Vec<String>,
    until: Option<Instant>,
}

/// What a token says of its lifetime when it has no end.
const EXPIRES_IN_SECONDS: u64 = 3600;

impl Auth {
    /// [`Auth::Basic`] with these.
    #[must_use]
    pub fn basic(user: &str, password: &str) -> Self {
        Self::Basic { user: user.to_owned(), password: password.to_owned() }
    }

    /// [`Auth::Token`] with these.
    #[must_use]
    pub fn token(user: &str, password: &str) -> Self {
        Self::Token { user: user.to_owned(), password: password.to_owned() }
    }

    pub(super) fn challenge(&self, host: &str, repository: Option<&str>, reason: Reason) -> String {
        if let Self::Open | Self::Basic { .. } = self {
            return "Basic realm=\"test registry\"".to_owned();
        }
        let mut challenge = format!("Bearer realm=\"http://{host}/token\",service=\"{host}\"");
        if let Some(repository) = repository {
            challenge += &format!(",scope=\"{}\"", pull_scope(repository));
        }
        match reason {
            Reason::Missing => {}
            Reason::InvalidToken => challenge += ",error=\"invalid_token\"",
            Reason::InsufficientScope => challenge += ",error=\"insufficient_scope\"",
        }
        challenge
    }
}

impl Tokens {
    pub(super) fn new(lifetime: Option<Duration>) -> Self {
        Self { lifetime, given: HashMap::new(), count: 0 }
    }

    pub(super) fn revoke(&mut self) {
        self.given.clear();
    }

    pub(super) fn access(&self, auth: &Auth, request: &Request, repository: Option<&str>) -> Access {
        match auth {
            Auth::Open => Access::Granted,
            Auth::Basic { user, password } => match is_basic(request, user, password) {
                true => Access::Granted,
                false => Access::Denied(Reason::Missing),
            },
            Auth::Token { .. } | Auth::AnonymousToken => self.bearer_access(request, repository),
        }
    }

    /// Answers a request to the token endpoint.
    pub(super) fn answer(&mut self, auth: &Auth, request: &Request, host: &str) -> Reply {
        let welcome = match auth {
            Auth::Open | Auth::Basic { .. } => return error(404, "NOT_FOUND", "no such page"),
            Auth::AnonymousToken => true,
            Auth::Token { user, password } if request.method == "POST" => {
                let field = |name: &str| request.parameters(name).into_iter().next();
                match field("grant_type").as_deref() {
                    Some("refresh_token") => field("refresh_token").as_ref() == Some(password),
                    Some("password") => {
                        field("username").as_ref() == Some(user) && field("password").as_ref() == Some(password)
                    }
                    _ => false,
                }
            }
            Auth::Token { user, password } => is_basic(request, user, password),
        };
        let service = request.parameters("service");
        if !welcome || service != [host] {
            return error(401, "UNAUTHORIZED", "no token for these credentials")
                .header("WWW-Authenticate", "Basic realm=\"test registry\"");
        }
        self.give(&request.parameters("scope"))
    }

    fn give(&mut self, scopes: &[String]) -> Reply {
        self.count += 1;
        let name = format!("token-{}", self.count);
        let token = Token {
            scopes: scopes.iter().flat_map(|scope| scope.split(' ')).map(str::to_owned).collect(),
            until: self.lifetime.map(|lifetime| Instant::now() + lifetime),
        };
        self.given.insert(name.clone(), token);
        let seconds = self.lifetime.map_or(EXPIRES_IN_SECONDS, |lifetime| lifetime.as_secs());
        let body = json!({ "token": name, "access_token": name, "expires_in": seconds });
        Reply::new(200, body.to_string()).header("Content-Type", "application/json")
    }

    fn bearer_access(&self, request: &Request, repository: Option<&str>) -> Access {
        let header = request.header("authorization").unwrap_or_default();
        let Some(name) = header.strip_prefix("Bearer ") else {
            return Access::Denied(Reason::Missing);
        };
        let token = self.given.get(name);
        let valid = token.filter(|token| token.until.is_none_or(|until| Instant::now() < until));
        let Some(token) = valid else {
            return Access::Denied(Reason::InvalidToken);
        };
        match repository {
            Some(repository) if !token.allows(repository) => Access::Denied(Reason::InsufficientScope),
            _ => Access::Granted,
        }
    }
}

impl Token {
    /// Whether a scope `repository:<name>:<actions>` includes pulling.
    fn allows(&self, repository: &str) -> bool {
        let prefix = format!("repository:{repository}:");
        let actions = self.scopes.iter().filter_map(|scope| scope.strip_prefix(&prefix));
        actions.flat_map(|actions| actions.split(',')).any(|action| action == "pull")
    }
}

fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

fn is_basic(request: &Request, user: &str, password: &str) -> bool {
    let credentials = STANDARD.encode(format!("{user}:{password}"));
    request.header("authorization") == Some(&format!("Basic {credentials}"))
}
