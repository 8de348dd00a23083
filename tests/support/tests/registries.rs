//! The proxy before all registries: what it refuses. What it serves takes TLS,
//! and is the matter of the tests that use it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use plimsoll_test_support::client::request;
use plimsoll_test_support::image::Tree;
use plimsoll_test_support::{Image, Registries, limits};

#[test]
fn only_registries_are_reached_and_only_by_tls() {
    let registries = Registries::start(|_| Tree::from(&Image::new("linux/amd64")));
    let proxy = registries.proxy().replace("http://", "");
    let status = |method: &str, target: &str| request(method, &proxy, target, &[], &[]).unwrap().status;
    assert_eq!(status("GET", "/v2/library/alpine/manifests/3"), 403);
    assert_eq!(status("GET", "http://registry.example/v2/"), 403);
    assert_eq!(status("CONNECT", "registry.example:80"), 403);
    assert_eq!(status("CONNECT", "registry.example:443"), 200);
    assert!(registries.log().is_empty());
}

/// A connection that waits for TLS does not outlive the proxy.
#[test]
fn dropping_ends_tunnels() {
    let registries = Registries::start(|_| Tree::from(&Image::new("linux/amd64")));
    let mut stream = TcpStream::connect(registries.proxy().replace("http://", "")).unwrap();
    stream.set_read_timeout(Some(limits::CLIENT_MAX)).unwrap();
    stream.write_all(b"CONNECT registry.example:443 HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    drop(registries);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.iter().filter(|byte| **byte == b'\n').count(), 3, "the end of the answer, and nothing else");
}
