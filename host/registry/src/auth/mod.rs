//! Authorization: from a server's challenge and this machine's credentials to a header value.
//!
//! Invariant: credentials go to the registry they are for, and to the token service that this registry's own challenge
//! names, the latter over TLS or within this machine only.

mod challenge;
mod grant;
mod token;

pub(crate) use challenge::Challenge;
pub(crate) use grant::{Access, Asker, Grant, establish, renew};
