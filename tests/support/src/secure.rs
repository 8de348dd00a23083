//! A registry behind TLS, with an authority of its own.
//!
//! Serves what an ordinary [`Registry`] has; its faults count where they are about status, headers and body.

use std::io::{self, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::Authority;
use crate::http::{Reply, Request, Server, Tunnel, whole};
use crate::registry::Registry;

/// A registry on a loopback port that speaks TLS only, until it is dropped.
pub struct SecureRegistry {
    server: Server,
    authority: Authority,
    registry: Arc<Registry>,
}

impl SecureRegistry {
    /// For every client.
    #[must_use]
    pub fn start() -> Self {
        Self::with(false)
    }

    /// For clients with a certificate that [`SecureRegistry::client`] made.
    #[must_use]
    pub fn for_known_clients() -> Self {
        Self::with(true)
    }

    fn with(clients: bool) -> Self {
        let (authority, registry) = (Authority::new(), Arc::new(Registry::start()));
        let config = authority.server_for("127.0.0.1", clients).expect("an address is a name");
        let world = Arc::clone(&registry);
        let tunnel = Tunnel::new(move |stream| serve(stream, &config, |request| world.answer(&request)));
        Self { server: Server::start_raw(tunnel), authority, registry }
    }

    /// Where it listens: `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    /// What it has and was asked; this listens elsewhere, without TLS.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The certificate that a client has to trust, as text.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.authority.pem()
    }

    /// A certificate for a client and its key, as text.
    #[must_use]
    pub fn client(&self) -> (String, String) {
        self.authority.client()
    }
}

/// Speaks TLS on a connection, and answers what is asked.
pub(crate) fn serve(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    answer: impl Fn(Request) -> Reply,
) -> io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    while let Some(request) = Request::read(&mut stream)? {
        let (head_only, last) = (request.method == "HEAD", request.last);
        let reply = answer(request);
        stream.get_mut().write_all(&whole(&reply, head_only))?;
        stream.get_mut().flush()?;
        if last {
            break;
        }
    }
    Ok(())
}
