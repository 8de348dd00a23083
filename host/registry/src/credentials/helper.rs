//! Credential helpers: `docker-credential-NAME get`, the registry on its input, JSON on its output.
//!
//! Invariant: a helper runs for a bounded time, its output is bounded, and it is stopped when nobody waits any more.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Credentials, Problem};
use crate::environment::Environment;
use crate::limits::{HELPER_BYTES_MAX, HELPER_TIMEOUT};
use crate::secret::Secret;

/// Says that nobody waits for the answer any more; clones say it together.
#[derive(Clone, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// What a helper prints for "none"; a word of the protocol.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The user whose secret is an identity token; a word of the protocol.
const TOKEN_USER: &str = "<token>";

/// Asks helper `name` for the credentials of `server`; `source` is the file that names the helper.
pub(super) fn get(
    environment: &Environment,
    name: &str,
    server: &str,
    source: &Path,
    cancel: &Cancel,
) -> Result<Option<Credentials>, Problem> {
    let problem = |what: &str| Problem(format!("docker-credential-{name} for {server}: {what}"));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.is_empty() || !name.bytes().all(allowed) {
        let file = environment.display(source);
        return Err(Problem(format!("{file}: the name of a credential helper may hold A-Z a-z 0-9 _ . - only")));
    }
    let (success, output) = run(environment, name, server, cancel).map_err(|what| problem(&what))?;
    if !success {
        return match String::from_utf8_lossy(&output).trim() == NOT_FOUND {
            true => Ok(None),
            false => Err(problem("failed")),
        };
    }
    // What follows the first value is not looked at.
    match serde_json::Deserializer::from_slice(&output).into_iter::<Answer>().next() {
        Some(Ok(answer)) => Ok(credentials(answer, source)),
        _ => Err(problem("did not print credentials")),
    }
}

fn credentials(answer: Answer, source: &Path) -> Option<Credentials> {
    let source = source.to_owned();
    if answer.username == TOKEN_USER {
        let identity_token = Some(Secret::new(answer.secret));
        return Some(Credentials { username: String::new(), password: Secret::new(""), identity_token, source });
    }
    let password = Secret::new(answer.secret);
    let empty = answer.username.is_empty() && password.is_empty();
    (!empty).then_some(Credentials { username: answer.username, password, identity_token: None, source })
}

fn run(environment: &Environment, name: &str, server: &str, cancel: &Cancel) -> Result<(bool, Vec<u8>), String> {
    let mut command = Command::new(format!("docker-credential-{name}"));
    command.arg("get").env_clear().envs(&environment.variables);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Not in the foreground group of a terminal, the helper cannot ask there.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "not found in PATH".to_owned(),
        _ => "cannot be started".to_owned(),
    })?;
    let result = converse(&mut child, server, cancel);
    if result.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn converse(child: &mut Child, server: &str, cancel: &Cancel) -> Result<(bool, Vec<u8>), String> {
    let deadline = Instant::now() + HELPER_TIMEOUT;
    let output = read_in_background(child);
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input may still answer.
        let _ = input.write_all(format!("{server}\n").as_bytes());
    }
    let late = || cancel.is_cancelled() || Instant::now() >= deadline;
    let output = loop {
        match output.recv_timeout(POLL_INTERVAL) {
            Ok(output) => break output,
            Err(RecvTimeoutError::Timeout) if !late() => {}
            Err(_) => return Err("did not answer in time".to_owned()),
        }
    };
    if output.len() > HELPER_BYTES_MAX {
        return Err("printed too much".to_owned());
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status.success(), output)),
            Ok(None) if !late() => std::thread::sleep(POLL_INTERVAL / 10),
            _ => return Err("did not end in time".to_owned()),
        }
    }
}

/// A thread of its own, because a grandchild that keeps the pipe open would block this one.
fn read_in_background(child: &mut Child) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = output.take(HELPER_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
            let _ = sender.send(bytes);
        });
    }
    receiver
}
