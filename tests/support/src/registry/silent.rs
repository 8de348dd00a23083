//! A host that never answers.

use std::net::{Ipv4Addr, TcpListener};

/// A listener that takes connections and stays silent until it is dropped.
pub struct NeverAnswers {
    listener: TcpListener,
}

/// Starts a host that takes connections and stays silent.
///
/// No thread accepts: the kernel completes the connections of the backlog.
#[must_use]
pub fn never_answers() -> NeverAnswers {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    NeverAnswers { listener }
}

impl NeverAnswers {
    /// Where it listens: `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        let address = self.listener.local_addr();
        address.expect("a bound socket has an address").to_string()
    }
}
