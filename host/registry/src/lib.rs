//! A bounded client for OCI registries: credentials, platform selection, image configuration.
//!
//! A [`Reference`](plimsoll_dockerfile::Reference) and a platform go in, an [`Answer`] or an [`Error`] comes out
//! ([`Client::image`]). Invariants:
//!
//! - Per registry there is one `/v2/` probe and per repository one token at a time, however many ask at once.
//! - What is believed was verified by digest, and nothing is read past the bounds in [`limits`].
//! - Credentials go to the registry they belong to and to the token service that it names, and into no message.
//!
//! In reading order: `client` (the entrance), `resolve` (one question), `host` (one registry), `auth` and
//! [`credentials`], `http` (the only module with sockets).

mod auth;
mod cache;
mod client;
pub mod config;
pub mod credentials;
mod digest;
mod endpoint;
mod environment;
mod error;
mod file;
mod host;
mod http;
mod image;
pub mod limits;
mod manifest;
mod resolve;
mod secret;
mod select;
mod shared;
mod statistics;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientConfig};
pub use environment::{Environment, Paths};
pub use error::{Error, ErrorKind};
pub use image::{Answer, Image};
pub use secret::Secret;
pub use statistics::Statistics;
