//! A small HTTP/1.1 server: a function from [`Request`] to [`Reply`].
//!
//! One thread per connection, bounded in number; connections are kept alive.
//! A reply says not only what is answered but how, and badly if asked to. Drop
//! stops the server: it closes every socket and joins every thread.

mod delivery;
pub(crate) mod message;
mod server;
mod tunnel;

pub(crate) use delivery::{Delivery, whole};
pub(crate) use message::{Reply, Request};
pub(crate) use server::{Load, Server};
pub(crate) use tunnel::Tunnel;
