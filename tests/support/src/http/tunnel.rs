//! What becomes of a connection that speaks something else after its answer.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

/// Takes over a connection, until it returns or the server stops.
#[derive(Clone)]
pub(crate) struct Tunnel(Arc<Serve>);

type Serve = dyn Fn(TcpStream) -> io::Result<()> + Send + Sync;

impl Tunnel {
    pub(crate) fn new(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(serve))
    }

    pub(super) fn serve(&self, stream: TcpStream) -> io::Result<()> {
        (self.0)(stream)
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}
