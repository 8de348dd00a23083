//! The real registry: pushed to by `skopeo`, read back over plain HTTP.

#![expect(clippy::unwrap_used, reason = "functions of tests fail like tests")]

use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_test_support::client::{Answer, get};
use plimsoll_test_support::docker_registry::installed_or_skip;
use plimsoll_test_support::{Auth, DockerRegistry, Image, Index};

/// Both manifest and index, because the registry guesses at the one without it.
const ACCEPT: (&str, &str) = (
    "Accept",
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json",
);

/// Pushes an image and an index, and reads both back with `headers`.
fn check(auth: &Auth, authorization: impl Fn(&Answer) -> Option<String>) {
    if !installed_or_skip("docker-registry") {
        return;
    }
    let registry = DockerRegistry::start(auth);
    let images =
        [Image::new("linux/amd64").env("A", "b").shell(&["/bin/bash", "-c"]), Image::new("linux/arm64/v8").user("app")];
    let image = registry.push("team/app:1.0", &images[0]);
    let index = registry.push("team/app:2", &Index::new(&images).attestations());
    let docker = registry.push("team/app:3", &Index::new(&images).docker_media_types());

    for (tag, digest) in [("1.0", &image), ("2", &index), ("3", &docker)] {
        let path = format!("/v2/team/app/manifests/{tag}");
        let first = get(registry.host(), &path, &[ACCEPT]).unwrap();
        let authorization = authorization(&first);
        let mut headers = vec![ACCEPT];
        headers.extend(authorization.as_deref().map(|value| ("Authorization", value)));
        let expected = if authorization.is_some() { 401 } else { 200 };
        assert_eq!(first.status, expected, "without credentials");
        let answer = get(registry.host(), &path, &headers).unwrap();
        assert_eq!(answer.header("docker-content-digest"), Some(&**digest), "{}", registry.log());
        if tag == "1.0" {
            let config = answer.json()["config"]["digest"].as_str().unwrap().to_owned();
            let path = format!("/v2/team/app/blobs/{config}");
            let config = get(registry.host(), &path, &headers).unwrap().json();
            assert_eq!(config["config"]["Env"][0], "A=b");
        } else {
            assert_eq!(answer.json()["manifests"][1]["platform"]["variant"], "v8");
        }
    }
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode("ann:secret"))
}

/// Asks the realm of a challenge for its token.
fn bearer(challenge: &Answer, credentials: &[(&str, &str)]) -> String {
    let challenge = challenge.header("www-authenticate").unwrap();
    let field = |name: &str| {
        let (_, rest) = challenge.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0
    };
    let realm = field("realm").strip_prefix("http://").unwrap();
    let (host, path) = realm.split_once('/').unwrap();
    let service = field("service").replace(' ', "+");
    let path = format!("/{path}?service={service}&scope={}", field("scope"));
    let answer = get(host, &path, credentials).unwrap().json();
    format!("Bearer {}", answer["token"].as_str().unwrap())
}

#[test]
fn open() {
    check(&Auth::Open, |_| None);
}

#[test]
fn htpasswd() {
    check(&Auth::basic("ann", "secret"), |_| Some(basic()));
}

#[test]
fn token() {
    check(&Auth::token("ann", "secret"), |challenge| Some(bearer(challenge, &[("Authorization", &basic())])));
}

#[test]
fn anonymous_token() {
    check(&Auth::AnonymousToken, |challenge| Some(bearer(challenge, &[])));
}

#[test]
fn a_panic_ends_the_registry() {
    if !installed_or_skip("docker-registry") {
        return;
    }
    let registry = DockerRegistry::start(&Auth::Open);
    let host = registry.host().to_owned();
    let thread = thread::spawn(move || {
        let _registry = registry;
        panic!("as a failing test does");
    });
    assert!(thread.join().is_err());
    assert!(get(&host, "/v2/", &[]).is_err());
}
