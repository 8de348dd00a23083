//! Faults: whatever one image's server does, that image's question ends with the right kind inside its deadline, and
//! all other questions of the run are answered.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::{Answer, Client, ClientConfig, Environment, Error, ErrorKind, Paths};
use plimsoll_test_support::{Fault, Image, Registry, SecureRegistry, never_answers, scratch_folder};

/// When every answer is due.
const BUDGET: Duration = Duration::from_millis(1500);
/// How many images are well.
const OTHERS: usize = 12;

/// What a question says of the bad image.
#[derive(Clone, Copy)]
enum Ask {
    Image,
    Tags,
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let result = runtime.block_on(future);
    // A name that is being resolved cannot be stopped.
    runtime.shutdown_background();
    result
}

fn platform() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn environment(folder: &std::path::Path) -> Environment {
    let paths = Paths { root: folder.join("root"), ..Paths::default() };
    Environment { home: Some(folder.join("home")), paths, ..Environment::default() }
}

fn well() -> Registry {
    let registry = Registry::start();
    for number in 0..OTHERS {
        let image = Image::new("linux/amd64").env("NUMBER", &number.to_string());
        registry.push(&format!("well{number}:1"), &image);
    }
    registry.push("bad:1", &Image::new("linux/amd64").env("BAD", "1"));
    registry
}

/// Asks for `bad` and for all that is well in `registry` at once, and checks what comes of both.
fn check_for(environment: Environment, registry: &Registry, bad: &str, ask: Ask, kind: ErrorKind, words: &str) {
    let client = Arc::new(Client::new(ClientConfig::new(environment)));
    let start = Instant::now();
    let deadline = Some(start + BUDGET);
    let others: Vec<Reference> =
        (0..OTHERS).map(|n| Reference::parse(&registry.reference(&format!("well{n}:1"))).unwrap()).collect();
    let bad = Reference::parse(bad).unwrap();
    let (error, took, answers) = run(async {
        let others: Vec<_> = others
            .into_iter()
            .map(|reference| {
                let client = Arc::clone(&client);
                tokio::spawn(async move { client.image(&reference, &platform(), deadline).await })
            })
            .collect();
        let error = match ask {
            Ask::Image => client.image(&bad, &platform(), deadline).await.map(|_| ()),
            Ask::Tags => client.tags(&bad, deadline).await.map(|_| ()),
        };
        let took = start.elapsed();
        let mut answers = Vec::new();
        for other in others {
            answers.push(other.await.unwrap());
        }
        (error.unwrap_err(), took, answers)
    });
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.detail.contains(words), "`{error}` lacks `{words}`");
    assert!(took <= BUDGET * 11 / 10, "{took:?}: {error}");
    for answer in answers {
        assert!(matches!(answer, Ok(Answer::Image(_))), "beside `{error}`: {answer:?}");
    }
}

/// The same with a fault of the registry for whatever is called `bad`.
fn check(fault: Fault, kind: ErrorKind, words: &str) {
    let registry = well();
    registry.fault("/bad/", fault);
    let folder = scratch_folder();
    check_for(environment(folder.path()), &registry, &registry.reference("bad:1"), Ask::Image, kind, words);
}

/// The same for blobs only.
fn check_blobs(fault: Fault, kind: ErrorKind, words: &str) {
    let registry = well();
    registry.fault("/bad/blobs/", fault);
    let folder = scratch_folder();
    check_for(environment(folder.path()), &registry, &registry.reference("bad:1"), Ask::Image, kind, words);
}

/// The same with another server for the bad image.
fn check_elsewhere(bad: &str, kind: ErrorKind, words: &str) {
    let (registry, folder) = (well(), scratch_folder());
    check_for(environment(folder.path()), &registry, bad, Ask::Image, kind, words);
}

#[test]
fn refusals() {
    check(Fault::status(401), ErrorKind::Auth, "401");
    check(Fault::status(403), ErrorKind::Auth, "403");
    check(Fault::status(404), ErrorKind::NotFound, "404");
}

#[test]
fn rate_limits() {
    check(Fault::status(429), ErrorKind::Network, "rate limited");
    check(Fault::status_with(429, "Retry-After", "0"), ErrorKind::Network, "rate limited");
    check(Fault::status_with(429, "Retry-After", "Thu, 01 Jan 2015 00:00:00 GMT"), ErrorKind::Network, "rate limited");
}

#[test]
fn a_rate_limit_of_the_host_ends_everything_there_with_its_reason() {
    let registry = well();
    registry.fault_times("/bad/", Fault::status_with(429, "Retry-After", "60"), 1);
    let client = Client::new(ClientConfig::new(Environment::default()));
    run(async {
        for name in ["bad:1", "well1:1"] {
            let reference = Reference::parse(&registry.reference(name)).unwrap();
            let error = client.image(&reference, &platform(), Some(Instant::now() + BUDGET)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Network);
            assert!(error.detail.contains("rate limited"), "{error}");
        }
    });
    assert_eq!(registry.counts().requests, 2, "the probe, and one that was told to wait");
}

#[test]
fn broken_servers() {
    check(Fault::status(500), ErrorKind::Network, "answered 500");
    check(Fault::status(503), ErrorKind::Network, "answered 503");
    check(Fault::Reset, ErrorKind::Network, "connection");
    check(Fault::NotHttp, ErrorKind::Network, "connection");
    check_blobs(Fault::Truncated, ErrorKind::Network, "broken connection");
}

#[test]
fn unreachable_servers() {
    // A port that is taken, so that nobody else gets it, but not listened on.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let refused = taken.local_addr().unwrap();
    check_elsewhere(&format!("{refused}/bad:1"), ErrorKind::Network, "connection refused");
    // No resolver asks anybody for a name that cannot be.
    let name = format!("{}.invalid", "a".repeat(64));
    check_elsewhere(&format!("{name}/bad:1"), ErrorKind::Network, "no connection to");
}

#[test]
fn failing_tls() {
    let (registry, folder, secure) = (well(), scratch_folder(), SecureRegistry::start());
    secure.registry().push("bad:1", &Image::new("linux/amd64"));
    let stranger = SecureRegistry::start().certificate();
    let certificates = folder.path().join("home/.config/containers/certs.d").join(secure.host());
    std::fs::create_dir_all(&certificates).unwrap();
    std::fs::write(certificates.join("ca.crt"), stranger).unwrap();
    let bad = format!("{}/bad:1", secure.host());
    check_for(environment(folder.path()), &registry, &bad, Ask::Image, ErrorKind::Network, "no secure connection");
}

#[test]
fn silence() {
    check(Fault::NeverAnswer, ErrorKind::Timeout, "did not answer in time");
    check(Fault::Trickle(Duration::from_secs(1)), ErrorKind::Timeout, "did not answer in time");
    let silent = never_answers();
    check_elsewhere(&format!("{}/bad:1", silent.host()), ErrorKind::Timeout, "did not answer in time");
}

#[test]
fn many_silent_images_do_not_hold_up_the_others() {
    let registry = well();
    registry.fault("/silent", Fault::NeverAnswer);
    let client = Arc::new(Client::new(ClientConfig::new(Environment::default())));
    let deadline = Instant::now() + Duration::from_secs(5);
    let names = (0..8).map(|n| format!("silent{n}:1")).chain((0..OTHERS).map(|n| format!("well{n}:1")));
    let references: Vec<_> = names.map(|name| Reference::parse(&registry.reference(&name)).unwrap()).collect();
    let well = run(async {
        let ask = |reference: Reference| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.image(&reference, &platform(), Some(deadline)).await })
        };
        let questions: Vec<_> = references.into_iter().map(ask).collect();
        let mut well = 0;
        for question in questions {
            match question.await.unwrap() {
                Ok(_) => well += 1,
                Err(error) => assert_eq!(error.kind, ErrorKind::Timeout, "{error}"),
            }
        }
        well
    });
    assert_eq!(well, OTHERS);
}

#[test]
fn wrong_contents() {
    let resolver = ErrorKind::ResolverError;
    check(Fault::WrongDigest, resolver, "has not the digest");
    check_blobs(Fault::WrongDigest, resolver, "sent more than");
    check(Fault::Oversize { bytes: 200 << 20, announced: true }, resolver, "sent more than 4194304 bytes");
    check(Fault::Oversize { bytes: 200 << 20, announced: false }, resolver, "sent more than 4194304 bytes");
    check(Fault::Malformed, resolver, "malformed manifest");
    check(Fault::MediaType("text/html".to_owned()), resolver, "unsupported media type text/html");
    check(Fault::GzipBomb, resolver, "compressed");
}

#[test]
fn redirects() {
    let elsewhere = Registry::start();
    check(Fault::RedirectLoop, ErrorKind::ResolverError, "more than 5 redirects");
    let base = format!("http://{}", elsewhere.host());
    check(Fault::RedirectTo(base), ErrorKind::NotFound, "has no bad:1 (404");
    assert_eq!(elsewhere.log().iter().filter(|entry| entry.is_authorized()).count(), 0);
    check(Fault::RedirectTo("ftp://a.example".to_owned()), ErrorKind::ResolverError, "redirects to where it must not");
}

#[test]
fn endless_pages() {
    let (registry, folder) = (well(), scratch_folder());
    registry.fault("/bad/tags/", Fault::EndlessTags);
    let bad = registry.reference("bad:1");
    let words = "a list of more than 512 pages";
    check_for(environment(folder.path()), &registry, &bad, Ask::Tags, ErrorKind::ResolverError, words);
    let folder = scratch_folder();
    registry.fault("/bad/tags/", Fault::Malformed);
    let words = "malformed list of tags";
    check_for(environment(folder.path()), &registry, &bad, Ask::Tags, ErrorKind::ResolverError, words);
}

#[test]
fn blocked_registries() {
    let (registry, folder) = (well(), scratch_folder());
    let conf = format!("[[registry]]\nlocation = \"{}/bad\"\nblocked = true\n", registry.host());
    let path = folder.path().join("root/etc/containers/registries.conf");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, conf).unwrap();
    let bad = registry.reference("bad:1");
    check_for(environment(folder.path()), &registry, &bad, Ask::Image, ErrorKind::Denied, "blocks 127.0.0.1");
    assert!(registry.log().iter().all(|entry| !entry.path.contains("bad")));
}

/// Twenty images of one host that has `fault` for `path`, `at_once` at a time: the errors, and the time.
fn twenty(path: &str, fault: Fault, at_once: usize) -> (Vec<Error>, Duration, usize) {
    let registry = Registry::start();
    registry.fault(path, fault);
    let client = Arc::new(Client::new(ClientConfig::new(Environment::default())));
    let start = Instant::now();
    let deadline = Some(start + Duration::from_secs(8));
    let places = Arc::new(tokio::sync::Semaphore::new(at_once));
    let errors = run(async {
        let questions: Vec<_> = (0..20)
            .map(|number| {
                let (client, places) = (Arc::clone(&client), Arc::clone(&places));
                let reference = Reference::parse(&registry.reference(&format!("app{number}:1"))).unwrap();
                tokio::spawn(async move {
                    let _place = places.acquire().await.unwrap();
                    client.image(&reference, &platform(), deadline).await.unwrap_err()
                })
            })
            .collect();
        let mut errors = Vec::new();
        for question in questions {
            errors.push(question.await.unwrap());
        }
        errors
    });
    (errors, start.elapsed(), registry.counts().requests)
}

#[test]
fn a_host_that_always_fails_is_left_alone() {
    for (path, at_once) in [("", 20), ("", 4), ("", 1), ("/manifests/", 20), ("/manifests/", 4), ("/manifests/", 1)] {
        let (errors, took, requests) = twenty(path, Fault::status(500), at_once);
        println!("500 for {path:?}, {at_once} at a time: {requests} requests, {took:?}");
        assert!(requests <= 15, "{requests} requests");
        assert!(took < Duration::from_secs(2), "{took:?}");
        for error in errors {
            assert_eq!(error.kind, ErrorKind::Network, "{error}");
            assert!(error.detail.contains("answered 500"), "{error}");
        }
    }
}

#[test]
fn a_host_that_always_says_too_many_is_asked_ten_times_at_most() {
    let check = |path: &str, at_once: usize, fault: Fault| {
        let (errors, took, requests) = twenty(path, fault, at_once);
        println!("429 for {path:?}, {at_once} at a time: {requests} requests, {took:?}");
        assert!(requests <= 10, "{requests} requests");
        assert!(took <= Duration::from_millis(8800), "{took:?}");
        for error in errors {
            assert_eq!(error.kind, ErrorKind::Network, "{error}");
            assert!(error.detail.contains("rate limited"), "{error}");
        }
    };
    std::thread::scope(|scope| {
        for (path, at_once) in [("", 20), ("", 4), ("", 1), ("/manifests/", 20), ("/manifests/", 4)] {
            scope.spawn(move || check(path, at_once, Fault::status(429)));
            scope.spawn(move || check(path, at_once, Fault::status_with(429, "Retry-After", "1")));
        }
    });
}
