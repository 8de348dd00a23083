//! `certs.d`: authorities and client certificates for one registry.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::{Answer, Client, ClientConfig, Environment, Error, ErrorKind, Paths};
use plimsoll_test_support::{Image, SecureRegistry, scratch_folder};

/// Asks `server` with `files` in its folder below `place`, and with `conf` as `registries.conf`.
fn ask(server: &SecureRegistry, place: &str, files: &[(&str, &str)], conf: &str) -> Result<Answer, Error> {
    let folder = scratch_folder();
    let put = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (name, text) in files {
        put(&folder.path().join(place).join(server.host()).join(name), text);
    }
    put(&folder.path().join("root/etc/containers/registries.conf"), conf);
    let paths = Paths { root: folder.path().join("root"), ..Paths::default() };
    let environment = Environment { home: Some(folder.path().join("home")), paths, ..Environment::default() };
    let client = Client::new(ClientConfig::new(environment));
    let reference = Reference::parse(&format!("{}/app:1", server.host())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    runtime.block_on(client.image(&reference, &Platform::parse("linux/amd64").unwrap(), Some(deadline)))
}

fn with_image(server: SecureRegistry) -> SecureRegistry {
    server.registry().push("app:1", &Image::new("linux/amd64"));
    server
}

const USER: &str = "home/.config/containers/certs.d";

#[track_caller]
fn refused(answer: Result<Answer, Error>, kind: ErrorKind, words: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.detail.contains(words), "`{error}` lacks `{words}`");
}

#[test]
fn authorities_are_trusted_wherever_they_are_kept() {
    let server = with_image(SecureRegistry::start());
    let authority = server.certificate();
    for place in [USER, "root/etc/containers/certs.d", "root/etc/docker/certs.d"] {
        assert!(ask(&server, place, &[("ca.crt", &authority)], "").is_ok(), "{place}");
    }
    let insecure = format!("[[registry]]\nlocation = '{}'\ninsecure = true\n", server.host());
    assert!(ask(&server, USER, &[], &insecure).is_ok());
    refused(ask(&server, USER, &[("notes.txt", "")], ""), ErrorKind::Network, "no secure connection");
    refused(
        ask(&server, USER, &[("ca.crt", "-----BEGIN CERTIFICATE-----")], ""),
        ErrorKind::ResolverError,
        "ca.crt: no certificates in PEM",
    );
}

#[test]
fn client_certificates_are_shown() {
    let server = with_image(SecureRegistry::for_known_clients());
    let (authority, (certificate, key)) = (server.certificate(), server.client());
    let (authority, certificate, key) =
        (("ca.crt", authority.as_str()), ("me.cert", certificate.as_str()), ("me.key", key.as_str()));
    assert!(ask(&server, USER, &[authority, certificate, key], "").is_ok());
    refused(ask(&server, USER, &[authority], ""), ErrorKind::Network, "");
    refused(
        ask(&server, USER, &[authority, certificate], ""),
        ErrorKind::ResolverError,
        "me.cert: its key is missing: put me.key beside it",
    );
    refused(
        ask(&server, USER, &[authority, key], ""),
        ErrorKind::ResolverError,
        "me.key: its certificate is missing: put me.cert beside it",
    );
    refused(
        ask(&server, USER, &[authority, certificate, ("me.key", "x")], ""),
        ErrorKind::ResolverError,
        "me.cert: no certificate and key in PEM",
    );
}
