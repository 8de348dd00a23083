//! All registries of the world, behind one proxy on loopback.
//!
//! Programs that take `HTTPS_PROXY` and `SSL_CERT_FILE` from their environment
//! talk to Docker Hub or any other registry as they always do, over TLS, and get
//! what the test says: every registry has every repository with every tag. What
//! is not for a registry is refused, so nothing leaves this machine.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::certificates::Authority;
use crate::http::{Reply, Request, Server, Tunnel};
use crate::image::Tree;
use crate::registry::{Entry, Registry};
use crate::secure::serve;

/// A proxy with all registries behind it, until it is dropped.
pub struct Registries {
    server: Server,
    world: Arc<World>,
}

struct World {
    authority: Authority,
    /// Holds what was asked for so far; repositories begin with their host.
    registry: Registry,
    /// The references that `registry` holds.
    held: Mutex<HashSet<String>>,
    images: Box<Images>,
}

type Images = dyn Fn(&str) -> Tree + Send + Sync;

impl Registries {
    /// Starts the proxy. `images` says what a repository such as
    /// `registry-1.docker.io/library/alpine` has under each of its tags.
    #[must_use]
    pub fn start(images: impl Fn(&str) -> Tree + Send + Sync + 'static) -> Self {
        let world = Arc::new(World {
            authority: Authority::new(),
            registry: Registry::start(),
            held: Mutex::default(),
            images: Box::new(images),
        });
        let server = Server::start(|_| {
            let world = Arc::clone(&world);
            move |request: &Request| connect(&world, request)
        });
        Self { server, world }
    }

    /// The value for `HTTPS_PROXY` and `HTTP_PROXY`.
    #[must_use]
    pub fn proxy(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The content of the file for `SSL_CERT_FILE`.
    #[must_use]
    pub fn certificates(&self) -> String {
        self.world.authority.pem()
    }

    /// Every request so far, its path with the host between `/v2/` and the rest.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.world.registry.log()
    }

    /// Forgets the log.
    pub fn clear_log(&self) {
        self.world.registry.clear_log();
    }
}

impl World {
    fn answer(&self, host: &str, mut request: Request) -> Reply {
        if let Some(rest) = request.path.strip_prefix("/v2/").filter(|rest| !rest.is_empty()) {
            let path = format!("{host}/{rest}");
            if let Some((repository, reference)) = path.split_once("/manifests/") {
                self.hold(repository, reference);
            }
            request.path = format!("/v2/{path}");
        }
        self.registry.answer(&request)
    }

    /// Makes what a tag leads to; a digest is found if any tag leads to it.
    fn hold(&self, repository: &str, reference: &str) {
        let tag = if reference.contains(':') { "latest" } else { reference };
        let reference = format!("{repository}:{tag}");
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.contains(&reference) {
            self.registry.put(&reference, &(self.images)(repository));
            held.insert(reference);
        }
    }
}

/// Opens a tunnel to a host's port for TLS.
fn connect(world: &Arc<World>, request: &Request) -> Reply {
    let host = request.path.strip_suffix(":443").filter(|_| request.method == "CONNECT");
    let Some((host, config)) = host.and_then(|host| Some((host.to_owned(), world.authority.server(host)?))) else {
        return Reply::new(403, "this proxy leads to registries only");
    };
    let world = Arc::clone(world);
    let mut reply = Reply::new(200, "");
    reply.tunnel = Some(Tunnel::new(move |stream| serve(stream, &config, |request| world.answer(&host, request))));
    reply
}
