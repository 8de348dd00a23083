//! Grants: what one repository's requests carry, and what to do when that is refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::challenge::{Bearer, Challenge};
use super::token::{self, Token};
use crate::credentials::{Cancel, Credentials, Store};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::http::{Call, Http, Response};
use crate::secret::Secret;
use crate::statistics::Counters;

/// What is wanted of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
}

/// Who asks: everything that authorization for one repository depends on.
pub(crate) struct Asker<'a> {
    pub http: &'a Http,
    pub store: &'a Arc<Store>,
    pub endpoint: &'a Endpoint,
    pub counters: &'a Counters,
    pub repository: &'a str,
    pub access: Access,
    pub call: Call,
}

/// The authorization in force for a repository.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Tells grants apart, so that of many callers with a refused one only the first renews it.
    pub id: u64,
    /// The `Authorization` header.
    pub header: Option<Secret>,
    challenge: Challenge,
    known: Known,
    obtained: Instant,
    expires: Option<Instant>,
}

/// What this machine knows about the caller's identity; all of it empty where nobody had to look.
#[derive(Clone, Debug, Default)]
struct Known {
    credentials: Option<Credentials>,
    files: Vec<PathBuf>,
    problem: Option<String>,
}

/// Meets `challenge`, the one of the probe.
pub(crate) async fn establish(asker: &Asker<'_>, challenge: Challenge) -> Result<Grant, Error> {
    let challenge = challenge.without_scope(&asker.scope());
    let known = match challenge {
        Challenge::Open => Known::default(),
        _ => asker.look_up().await?,
    };
    meet(asker, challenge, known).await
}

/// The grant to try after `seen` was refused with `response`; an error where nothing else can be tried.
///
/// First what the server asks for now, if that is new or the token is from an earlier question; then credentials that
/// have changed on this machine since.
pub(crate) async fn renew(asker: &Asker<'_>, seen: &Grant, response: &Response) -> Result<Grant, Error> {
    let offered = Challenge::of(response).without_scope(&asker.scope());
    let stale = seen.expires.is_some() && seen.obtained < asker.call.started;
    if offered != Challenge::Open && (offered != seen.challenge || stale) {
        let known = match seen.challenge {
            Challenge::Open => asker.look_up().await?,
            _ => seen.known.clone(),
        };
        if offered != Challenge::Basic || known.credentials.is_some() {
            return meet(asker, offered, known).await;
        }
        return Err(asker.refused(response.status.as_u16(), &known));
    }
    if seen.challenge == Challenge::Open {
        return Err(asker.no_way_in(response));
    }
    match asker.look_up_again(&seen.known).await? {
        Some(known) => meet(asker, seen.challenge.clone(), known).await,
        None => Err(asker.refused(response.status.as_u16(), &seen.known)),
    }
}

async fn meet(asker: &Asker<'_>, challenge: Challenge, mut known: Known) -> Result<Grant, Error> {
    let (header, expires) = match &challenge {
        Challenge::Open => (None, None),
        Challenge::Basic => (known.credentials.as_ref().map(basic), None),
        Challenge::Bearer(bearer) => {
            let token = ask_for_token(asker, bearer, &mut known).await?;
            (Some(token.secret), Some(token.expires))
        }
    };
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    Ok(Grant { id, header, challenge, known, obtained: Instant::now(), expires })
}

/// One question, and a second one where the first is refused and the credentials on this machine have changed.
async fn ask_for_token(asker: &Asker<'_>, bearer: &Bearer, known: &mut Known) -> Result<Token, Error> {
    let status = match token::ask(asker, bearer, known.credentials.as_ref()).await? {
        token::Answer::Token(token) => return Ok(token),
        token::Answer::Refused(status) => status,
    };
    let Some(changed) = asker.look_up_again(known).await? else {
        return Err(asker.refused(status.as_u16(), known));
    };
    *known = changed;
    match token::ask(asker, bearer, known.credentials.as_ref()).await? {
        token::Answer::Token(token) => Ok(token),
        token::Answer::Refused(status) => Err(asker.refused(status.as_u16(), known)),
    }
}

/// The header for user and password.
pub(super) fn basic(credentials: &Credentials) -> Secret {
    let pair = format!("{}:{}", credentials.username, credentials.password.expose());
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

impl Grant {
    /// Whether it can still be used.
    pub fn is_valid(&self) -> bool {
        self.expires.is_none_or(|expires| Instant::now() < expires)
    }
}

impl<'a> Asker<'a> {
    pub fn host(&self) -> &'a str {
        &self.endpoint.name
    }

    /// What a token is asked for.
    pub fn scope(&self) -> String {
        let actions = match self.access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.repository)
    }

    /// What a refusal says of the repository.
    fn barred(&self) -> &'static str {
        match self.access {
            Access::Pull => "which is private or missing",
            Access::Push => "which not everybody may push to",
        }
    }

    /// Reads files and runs helpers on a thread that may block; they are told to stop when nobody waits any more.
    async fn look_up(&self) -> Result<Known, Error> {
        struct CancelOnDrop(Cancel);
        impl Drop for CancelOnDrop {
            fn drop(&mut self) {
                self.0.cancel();
            }
        }
        let key = format!("{}/{}", self.host(), self.repository);
        let (store, guard) = (Arc::clone(self.store), CancelOnDrop(Cancel::default()));
        let cancel = guard.0.clone();
        let found = tokio::task::spawn_blocking(move || store.find(&key, &cancel)).await;
        let found = found.map_err(|_| Error::resolver(self.host(), "the search for credentials broke off"))?;
        Ok(match found {
            Ok(lookup) => Known { credentials: lookup.credentials, files: lookup.files, problem: None },
            // Most images are public: a broken file matters only once access is refused.
            Err(problem) => Known { problem: Some(problem.to_string()), ..Known::default() },
        })
    }

    /// What is known now, where that differs from what was `known`.
    async fn look_up_again(&self, known: &Known) -> Result<Option<Known>, Error> {
        self.store.forget(self.call.started);
        let now = self.look_up().await?;
        let changed = now.credentials.is_some() && now.credentials != known.credentials;
        Ok(changed.then_some(now))
    }

    /// The error where the server refuses without a challenge that can be met.
    fn no_way_in(&self, response: &Response) -> Error {
        let (host, repository, status) = (self.host(), self.repository, response.status.as_u16());
        let barred = self.barred();
        let detail = format!("{host} answered {status} for {repository}, {barred}, and offers no way to log in");
        Error::new(ErrorKind::Auth, host, detail)
    }

    /// The error for a refusal: who refused what, and what to do about it.
    fn refused(&self, status: u16, known: &Known) -> Error {
        let (host, repository) = (self.host(), self.repository);
        let environment = self.store.environment();
        let why = match known {
            Known { problem: Some(problem), .. } => format!("credentials cannot be read: {problem}"),
            Known { credentials: Some(credentials), .. } => {
                format!("the credentials from {} do not suffice", environment.display(&credentials.source))
            }
            Known { files, .. } if files.is_empty() => "there is no place to look for credentials".to_owned(),
            Known { files, .. } => {
                let files: Vec<String> = files.iter().map(|file| environment.display(file)).collect();
                format!("no credentials in {}", files.join(", "))
            }
        };
        let login = if host == "docker.io" { "docker login".to_owned() } else { format!("docker login {host}") };
        let detail = format!("{host} answered {status} for {repository}, {}; {why}: try `{login}`", self.barred());
        Error::new(ErrorKind::Auth, host, detail)
    }
}
