//! A web server inside the test process, and git repositories behind one.
//!
//! [`Site`] serves what a function makes of each request, and keeps a log.
//! [`git_site`] serves real repositories through git's own `http-backend`.
//! Loopback only; drop stops it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::http::{Delivery, Reply, Request, Server};
use crate::process::{Running, find};
use crate::{limits, servers};

/// A server that runs until it is dropped.
pub struct Site {
    server: Server,
    log: Arc<Mutex<Vec<Visit>>>,
}

/// A request, as it came in.
#[derive(Clone, Debug)]
pub struct Visit {
    /// `GET`, `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// What stands behind `?`.
    pub query: String,
    /// The headers, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How many requests for the same path came before.
    pub before: usize,
}

/// What is answered, and in which manner.
#[derive(Clone, Debug)]
pub struct Page(Reply);

impl Site {
    /// Starts serving what `page` makes of each request.
    #[must_use]
    pub fn start(page: impl Fn(&Visit) -> Page + Send + Sync + 'static) -> Self {
        let log: Arc<Mutex<Vec<Visit>>> = Arc::default();
        let visits = Arc::clone(&log);
        let server = Server::start(move |_| {
            move |request: &Request| {
                let mut visits = visits.lock().unwrap_or_else(PoisonError::into_inner);
                let visit = Visit {
                    method: request.method.clone(),
                    path: request.path.clone(),
                    query: request.query.clone(),
                    headers: request.headers.clone(),
                    body: request.body.clone(),
                    before: visits.iter().filter(|visit| visit.path == request.path).count(),
                };
                visits.push(visit.clone());
                drop(visits);
                page(&visit).0
            }
        });
        Self { server, log }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address().to_string()
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host())
    }

    /// All requests so far.
    #[must_use]
    pub fn log(&self) -> Vec<Visit> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

impl Visit {
    /// A header's value, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Page {
    /// 200 and a body.
    #[must_use]
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        Self(Reply::new(200, body))
    }

    /// A status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self(Reply::new(status, ""))
    }

    /// 302 to another place.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::status(302).header("Location", location)
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Never answered, on a connection that stays open.
    #[must_use]
    pub fn never(mut self) -> Self {
        self.0.delivery = Delivery::Never;
        self
    }

    /// Reset after half of it.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.0.delivery = Delivery::Reset;
        self
    }

    /// Byte by byte, with a pause after each.
    #[must_use]
    pub fn trickle(mut self, pause: Duration) -> Self {
        self.0.delivery = Delivery::Trickle(pause);
        self
    }

    /// Announced to have so many bytes.
    #[must_use]
    pub fn announced(mut self, bytes: u64) -> Self {
        self.0.delivery = Delivery::Oversize { bytes, announced: true };
        self
    }
}

/// True when git and its `http-backend` are here; else says that the test is skipped.
///
/// # Panics
///
/// When something is missing although [`REQUIRE_SERVERS`](crate::servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn git_or_skip(test: &str) -> bool {
    servers::run_or_skip(test, backend().map(drop).ok_or_else(|| "not installed: git with http-backend".to_owned()))
}

/// Runs git in a folder, away from the user's own settings.
///
/// # Panics
///
/// When git fails.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = clean_git().current_dir(folder).args(arguments).output().expect("git is installed");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Serves the repositories below a folder; as a server that knows nothing of
/// version 2, if it is `old`.
#[must_use]
pub fn git_site(folder: &Path, old: bool) -> Site {
    let folder = folder.to_owned();
    let backend = backend().expect("git is installed");
    Site::start(move |visit| serve(&backend, &folder, visit, old).unwrap_or_else(|| Page::status(500)))
}

/// The same for whoever sends this header `Authorization`; others are told to.
#[must_use]
pub fn private_git_site(folder: &Path, authorization: &str) -> Site {
    let (folder, authorization) = (folder.to_owned(), authorization.to_owned());
    let backend = backend().expect("git is installed");
    Site::start(move |visit| match visit.header("authorization") == Some(&authorization) {
        true => serve(&backend, &folder, visit, false).unwrap_or_else(|| Page::status(500)),
        false => Page::status(401).header("WWW-Authenticate", "Basic realm=\"git\""),
    })
}

fn serve(backend: &Path, folder: &Path, visit: &Visit, old: bool) -> Option<Page> {
    let mut command = Command::new(backend);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    command.env("GIT_PROJECT_ROOT", folder).env("GIT_HTTP_EXPORT_ALL", "1").env("REQUEST_METHOD", &visit.method);
    command.env("PATH_INFO", &visit.path).env("QUERY_STRING", &visit.query);
    command.env("CONTENT_TYPE", visit.header("content-type").unwrap_or_default());
    command.env("CONTENT_LENGTH", visit.body.len().to_string());
    if let Some(version) = visit.header("git-protocol").filter(|_| !old) {
        command.env("GIT_PROTOCOL", version);
    }
    let scratch = crate::scratch_folder();
    let output = scratch.path().join("output");
    let file = std::fs::File::create(&output).ok()?;
    let mut child = command.stdin(Stdio::piped()).stdout(file).stderr(Stdio::null()).spawn().ok()?;
    child.stdin.take()?.write_all(&visit.body).ok()?;
    Running::of(child).wait(limits::CLIENT_MAX)?;
    let answer = std::fs::read(&output).ok()?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let headers = || head.lines().filter_map(|line| line.split_once(": "));
    let status = headers().find(|(name, _)| *name == "Status").and_then(|(_, value)| value.get(..3)?.parse().ok());
    let page = Page(Reply::new(status.unwrap_or(200), &answer[end + 4..]));
    Some(headers().filter(|(name, _)| *name != "Status").fold(page, |page, (name, value)| page.header(name, value)))
}

fn backend() -> Option<PathBuf> {
    find("git")?;
    let output = clean_git().arg("--exec-path").output().ok()?;
    let backend = Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("git-http-backend");
    backend.is_file().then_some(backend)
}

fn clean_git() -> Command {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").stdin(Stdio::null());
    for (name, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.com"), ("DATE", "2026-01-01T00:00:00Z")] {
        git.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    git
}
