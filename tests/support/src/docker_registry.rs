//! Debian's `docker-registry`, started by a test on a free loopback port.
//!
//! A [`DockerRegistry`] keeps its configuration, storage and log in a folder of
//! its own, and is killed on drop. Who may use it is said as for the in-process
//! registry; tokens come from a server inside the test process.

mod config;
mod token_server;

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::image::{Content, Referrers, Tree};
use crate::process::{Running, find};
use crate::registry::Auth;
use crate::{client, digest, limits, oci_layout, scratch_folder, servers};
use token_server::TokenServer;

/// A real registry that runs until it is dropped.
pub struct DockerRegistry {
    // Fields drop in this order: the process ends before its folder goes.
    _process: Running,
    _tokens: Option<TokenServer>,
    folder: TempDir,
    host: String,
    credentials: Option<String>,
}

/// Whether the programs are here that this module and [`oci_layout`] need.
///
/// # Errors
///
/// Says what is missing, by name.
pub fn installed() -> Result<(), String> {
    let missing: Vec<_> = ["docker-registry", "skopeo"].into_iter().filter(|program| find(program).is_none()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        programs => Err(format!("not installed: {}", programs.join(", "))),
    }
}

/// True when a test that needs the real registry can run; else says that it is
/// skipped.
///
/// # Panics
///
/// When something is missing although [`REQUIRE_SERVERS`](crate::servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn installed_or_skip(test: &str) -> bool {
    servers::run_or_skip(test, installed())
}

impl DockerRegistry {
    /// Starts a registry and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it is not installed, or not ready in time; the message has its log.
    #[must_use]
    pub fn start(auth: &Auth) -> Self {
        let program = find("docker-registry").expect("tests ask first what is installed");
        for _ in 0..limits::START_ATTEMPTS_MAX {
            let folder = scratch_folder();
            let host = free_host();
            let tokens = TokenServer::for_auth(auth);
            let config = config::write(folder.path(), &host, auth, tokens.as_ref());
            let log = File::create(folder.path().join(LOG)).expect("the folder is writable");
            let mut command = Command::new(&program);
            // Variables named REGISTRY_… would change the configuration.
            command.env_clear().arg("serve").arg(config);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut process = Running::spawn(&mut command);
            if is_ready(&host, &mut process) {
                return Self { _process: process, _tokens: tokens, folder, host, credentials: credentials(auth) };
            }
            let log = fs::read_to_string(folder.path().join(LOG)).unwrap_or_default();
            assert!(log.contains("address already in use"), "docker-registry is not ready:\n{log}");
        }
        panic!("docker-registry found its port taken at every attempt");
    }

    /// Where it listens: `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The whole reference of something pushed, such as `127.0.0.1:PORT/team/app:1.0`.
    #[must_use]
    pub fn reference(&self, reference: &str) -> String {
        format!("{}/{reference}", self.host)
    }

    /// Pushes an [`Image`](crate::Image) or [`Index`](crate::Index) to
    /// `repository:tag` by way of an OCI layout, and says its digest.
    pub fn push<'a, T>(&self, reference: &str, content: &'a T) -> String
    where
        Tree: From<&'a T>,
    {
        let layout = scratch_folder();
        oci_layout::write(layout.path(), "pushed", content);
        let reference = self.reference(reference);
        oci_layout::push(layout.path(), &reference, self.credentials.as_deref());
        Tree::from(content).root.digest
    }

    /// Attaches artifacts to what they refer to, by the tag that stands in for a
    /// list. By hand, since tools of this age write other lists than they are given.
    ///
    /// # Panics
    ///
    /// When the registry does not take them, or wants tokens.
    pub fn refer(&self, repository: &str, referrers: &Referrers) {
        let list = Tree::from(referrers);
        list.blobs.iter().for_each(|blob| drop(self.put_blob(repository, &blob.bytes)));
        let put = |name: &str, Content { media_type, bytes, .. }: &Content| {
            self.put_manifest(repository, name, media_type, bytes);
        };
        list.manifests.iter().for_each(|manifest| put(&manifest.digest, manifest));
        put(&referrers.tag(), &list.root);
    }

    /// Puts a blob into a repository, and says its digest.
    ///
    /// # Panics
    ///
    /// When the registry does not take it, or wants tokens.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest::of(bytes);
        let begun = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "", &[], 202);
        let place = begun.header("location").expect("an upload has a place");
        let place = place.strip_prefix(&format!("http://{}", self.host)).unwrap_or(place);
        self.send("PUT", &format!("{place}&digest={digest}"), "application/octet-stream", bytes, 201);
        digest
    }

    /// Puts a manifest into a repository, by a tag or its digest, and says its digest.
    ///
    /// # Panics
    ///
    /// When the registry does not take it, or wants tokens.
    pub fn put_manifest(&self, repository: &str, name: &str, media_type: &str, bytes: &[u8]) -> String {
        self.send("PUT", &format!("/v2/{repository}/manifests/{name}"), media_type, bytes, 201);
        digest::of(bytes)
    }

    /// The manifest under a tag or digest, or the blob, as JSON: `manifests/…` or `blobs/…` of a repository.
    ///
    /// # Panics
    ///
    /// When the registry does not have it, or wants tokens.
    #[must_use]
    pub fn json(&self, repository: &str, path: &str) -> serde_json::Value {
        let path = format!("/v2/{repository}/{path}");
        let accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
        let answer = client::get(&self.host, &path, &[("Accept", accept)]);
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer.status, 200, "{path}");
        answer.json()
    }

    fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8], expected: u16) -> client::Answer {
        let encoded = STANDARD.encode(self.credentials.as_deref().unwrap_or_default());
        let authorization = format!("Basic {encoded}");
        let mut headers = vec![("Authorization", authorization.as_str())];
        match body {
            [] => headers.push(("Content-Length", "0")),
            _ => headers.push(("Content-Type", content_type)),
        }
        let answer = client::request(method, &self.host, path, &headers, body);
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert_eq!(answer.status, expected, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
        answer
    }

    /// Everything it logged so far, requests included.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The file of its log; it goes with the registry.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join(LOG)
    }
}

const LOG: &str = "registry.log";

fn credentials(auth: &Auth) -> Option<String> {
    match auth {
        Auth::Open | Auth::AnonymousToken => None,
        Auth::Basic { user, password } | Auth::Token { user, password } => Some(format!("{user}:{password}")),
    }
}

/// An address that was free a moment ago.
fn free_host() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    address.to_string()
}

fn is_ready(host: &str, process: &mut Running) -> bool {
    let until = Instant::now() + limits::READY_MAX;
    while Instant::now() < until && !process.has_ended() {
        let answer = client::get(host, "/v2/", &[]);
        if answer.is_ok_and(|answer| matches!(answer.status, 200 | 401)) {
            // Whoever answered, it counts only if this process still runs.
            return !process.has_ended();
        }
        thread::sleep(limits::READY_POLL);
    }
    false
}
