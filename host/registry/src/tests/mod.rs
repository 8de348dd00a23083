//! The client against small servers on this machine: one file per subject, all through [`ask`].

mod authorization;
mod config;
mod credentials;
mod failures;
mod fixture;
mod guard;
mod images;
mod mirrors;
mod proxies;
mod pushing;
mod questions;
mod server;
mod sharing;
mod tokens;

use std::time::{Duration, Instant};

use plimsoll_dockerfile::{Platform, Reference};

use crate::{Answer, Client, ClientConfig, Environment, Error, ErrorKind, Image, Statistics};
use server::Server;

/// Longest time that a test waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `future` on a runtime of its own.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A client without credentials.
fn anonymous() -> Client {
    Client::new(ClientConfig::new(Environment::default()))
}

/// Asks for `name` (`app:1`) at `server`, for `linux/amd64`.
fn ask(client: &Client, server: &Server, name: &str) -> Result<Answer, Error> {
    ask_for(client, server, name, "linux/amd64")
}

fn ask_for(client: &Client, server: &Server, name: &str, platform: &str) -> Result<Answer, Error> {
    run(question(client, server, name, platform))
}

async fn question(client: &Client, server: &Server, name: &str, platform: &str) -> Result<Answer, Error> {
    let reference = Reference::parse(&format!("{}/{name}", server.host)).unwrap();
    let platform = Platform::parse(platform).unwrap();
    client.image(&reference, &platform, Some(Instant::now() + PATIENCE)).await
}

fn image(answer: Result<Answer, Error>) -> Image {
    match answer {
        Ok(Answer::Image(image)) => *image,
        other => panic!("no image: {other:?}"),
    }
}

/// Checks kind and words of a failure.
fn failed(answer: Result<Answer, Error>, kind: ErrorKind, words: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.detail.contains(words), "`{}` lacks `{words}`", error.detail);
}

fn statistics(client: &Client, server: &Server) -> Statistics {
    client.statistics().get(&server.host).copied().unwrap_or_default()
}
