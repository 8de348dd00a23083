//! The threads behind a server, and how they end.

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::delivery::{After, deliver};
use super::message::{Reply, Request};
use super::tunnel::Tunnel;
use crate::limits;

/// A server on a free loopback port; drop stops it.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// How busy a server has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Connections accepted so far.
    pub(crate) connections: usize,
    /// The most requests that were open at one time.
    pub(crate) concurrent_max: usize,
}

/// Tells every thread of a server to end, even one that sleeps.
#[derive(Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// What becomes of a connection.
enum Service {
    Http(Box<Handler>),
    /// Something else from the first byte.
    Raw(Tunnel),
}

struct Shared {
    service: Service,
    stop: Stop,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    load: Load,
    open_requests: usize,
    /// Open connections, so that stopping can close them.
    connections: HashMap<usize, TcpStream>,
}

impl Server {
    /// Starts serving. The handler gets the address with every call it serves.
    pub(crate) fn start<H>(handler: impl FnOnce(SocketAddr) -> H) -> Self
    where
        H: Fn(&Request) -> Reply + Send + Sync + 'static,
    {
        Self::serve(|address| Service::Http(Box::new(handler(address))))
    }

    /// Starts handing every connection to `tunnel`.
    pub(crate) fn start_raw(tunnel: Tunnel) -> Self {
        Self::serve(|_| Service::Raw(tunnel))
    }

    fn serve(service: impl FnOnce(SocketAddr) -> Service) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared { service: service(address), stop: Stop::default(), state: Mutex::default() });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn load(&self) -> Load {
        self.shared.state().load
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.stop();
        for stream in self.shared.state().connections.values() {
            let _: io::Result<()> = stream.shutdown(Shutdown::Both);
        }
        // Wakes the listener, which then sees the stop.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _: thread::Result<()> = accepting.join();
        }
    }
}

impl Stop {
    /// Sleeps; true when the server stops.
    pub(super) fn wait(&self, duration: Duration) -> bool {
        let until = Instant::now() + duration;
        let mut stopped = lock(&self.stopped);
        while !*stopped {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return false;
            };
            let waited = self.changed.wait_timeout(stopped, left);
            stopped = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn stop(&self) {
        *lock(&self.stopped) = true;
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        *lock(&self.stopped)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Counts a request as open until it is dropped.
struct OpenRequest<'a>(&'a Shared);

impl<'a> OpenRequest<'a> {
    fn new(shared: &'a Shared) -> Self {
        let mut state = shared.state();
        state.open_requests += 1;
        state.load.concurrent_max = state.load.concurrent_max.max(state.open_requests);
        drop(state);
        Self(shared)
    }
}

impl Drop for OpenRequest<'_> {
    fn drop(&mut self) {
        self.0.state().open_requests -= 1;
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for number in 0.. {
        let accepted = listener.accept();
        if shared.stop.is_stopped() {
            break;
        }
        let Ok((stream, _)) = accepted else { continue };
        threads.retain(|thread| !thread.is_finished());
        let mut state = shared.state();
        state.load.connections += 1;
        if state.connections.len() >= limits::CONNECTIONS_MAX {
            continue;
        }
        let Ok(closer) = stream.try_clone() else {
            continue;
        };
        state.connections.insert(number, closer);
        drop(state);
        let shared = Arc::clone(shared);
        threads.push(thread::spawn(move || {
            // A peer that goes away in mid-exchange is part of many tests.
            let _: io::Result<()> = converse(stream, &shared);
            shared.state().connections.remove(&number);
        }));
    }
    // A connection that was accepted while the others were being closed.
    for stream in shared.state().connections.values() {
        let _: io::Result<()> = stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _: thread::Result<()> = thread.join();
    }
}

fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(limits::IDLE_MAX))?;
    stream.set_write_timeout(Some(limits::WRITE_MAX))?;
    let handler = match &shared.service {
        Service::Http(handler) => handler,
        Service::Raw(tunnel) => return tunnel.serve(stream),
    };
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = Request::read(&mut reader)? {
        let open = OpenRequest::new(shared);
        let reply = handler(&request);
        if shared.stop.wait(reply.latency) {
            break;
        }
        let head_only = request.method == "HEAD";
        let after = deliver(&mut stream, &reply, head_only, &shared.stop, || drop(open))?;
        if let Some(tunnel) = &reply.tunnel {
            return tunnel.serve(stream);
        }
        if request.last || after == After::Close {
            break;
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
