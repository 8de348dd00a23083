//! A bounded client for OCI registries: `registries.conf`, credentials, platform selection, image configuration.
//!
//! A [`Reference`](plimsoll_dockerfile::Reference) and a question go in, an answer or an [`Error`] comes out
//! ([`Client`]). Invariants:
//!
//! - Per registry there is one `/v2/` probe and per repository one token at a time, however many ask at once; a server
//!   in trouble is asked a few times, however many questions there are.
//! - What is believed was verified by digest, and nothing is read past the bounds in [`limits`].
//! - What is put into a registry goes to the registry that the reference names, to no mirror, and an upload never
//!   leaves its server.
//! - Credentials go to the registry they belong to and to the token service that it names, and into no message.
//!
//! In reading order: `client` (the entrance), [`config`] and `route` (where to ask), `resolve`, `index`, `tags`,
//! `referrers`, `artifact` (the questions), `push`, `fetch` and `pages` (one repository), `host` (one registry), `auth` and
//! [`credentials`], `http` (the only module with sockets).

mod artifact;
mod auth;
mod cache;
mod client;
pub mod config;
pub mod credentials;
mod digest;
mod endpoint;
mod environment;
mod error;
mod fetch;
mod file;
mod host;
mod http;
mod image;
mod index;
pub mod limits;
mod manifest;
mod pages;
mod push;
mod referrers;
mod remembered;
mod resolve;
mod route;
mod secret;
mod select;
mod shared;
mod statistics;
mod tags;
#[cfg(test)]
mod tests;
mod texts;

pub use artifact::RawManifest;
pub use client::{Client, ClientConfig};
pub use environment::{Environment, Paths};
pub use error::{Error, ErrorKind};
pub use http::transport;
pub use image::{Answer, Image};
pub use index::{Attestation, Index, IndexEntry};
pub use push::Upload;
pub use referrers::Referrer;
pub use secret::Secret;
pub use statistics::Statistics;
