//! Every limit and deadline of the test support.

use std::time::Duration;

/// How long a connection may stay idle, or dawdle over one request.
pub const IDLE_MAX: Duration = Duration::from_secs(30);
/// How long an answer that never comes holds its connection.
pub const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How long a peer may refuse to read an answer.
pub const WRITE_MAX: Duration = Duration::from_secs(30);
/// Connections that an in-process server serves at a time; more are closed.
pub const CONNECTIONS_MAX: usize = 256;
/// The longest head of a request or an answer, in bytes.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// The longest body of a request, in bytes.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024;

/// How long [`client`](crate::client) waits for a whole answer.
pub const CLIENT_MAX: Duration = Duration::from_secs(20);
/// The longest body that [`client`](crate::client) reads, in bytes.
pub const CLIENT_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a real registry may take until it answers.
pub const READY_MAX: Duration = Duration::from_secs(15);
/// How often a real registry is asked whether it is ready.
pub const READY_POLL: Duration = Duration::from_millis(20);
/// How often a real registry is started anew when its port was taken meanwhile.
pub const START_ATTEMPTS_MAX: usize = 3;
/// How long `skopeo` may take for one copy.
pub const COPY_MAX: Duration = Duration::from_secs(60);
/// How long `cosign` may take for one signature.
pub const COSIGN_MAX: Duration = Duration::from_secs(60);
/// How long a token for a real registry is valid.
pub const JWT_LIFETIME: Duration = Duration::from_secs(300);

/// How long a Docker Engine may take until it answers.
pub const ENGINE_READY_MAX: Duration = Duration::from_secs(60);
/// How long a Docker Engine may take to be gone once it is killed.
pub const ENGINE_END_MAX: Duration = Duration::from_secs(10);
/// How long a Docker Engine lives at most, even if nobody is left to stop it.
pub const ENGINE_LIFETIME_MAX: Duration = Duration::from_secs(600);
/// What a Docker Engine may store, in bytes of memory.
pub const ENGINE_STORAGE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long one `docker build` may take.
pub const ENGINE_CHECK_MAX: Duration = Duration::from_secs(60);
/// How many `docker build --check` run at a time.
pub const ENGINE_CHECKS_AT_ONCE: usize = 2;
