//! The in-process registry, asked over plain HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll_test_support::client::{self, Answer, get};
use plimsoll_test_support::{Auth, Fault, Image, Index, Registry, never_answers};

const MANIFEST: &str = "/v2/team/app/manifests/1.0";

fn filled(auth: Auth) -> Registry {
    let registry = Registry::builder().auth(auth).start();
    registry.push("team/app:1.0", &Image::new("linux/amd64").env("A", "b"));
    registry
}

fn answer(registry: &Registry, path: &str) -> Answer {
    get(&registry.host(), path, &[]).expect("the registry answers")
}

#[test]
fn a_tag_leads_to_manifest_and_configuration() {
    let registry = filled(Auth::Open);
    let manifest = answer(&registry, MANIFEST);
    let digest = manifest.header("docker-content-digest").unwrap();
    let same = answer(&registry, &format!("/v2/team/app/manifests/{digest}"));
    assert_eq!(manifest.body, same.body);

    let config = manifest.json()["config"]["digest"].as_str().unwrap().to_owned();
    let config = answer(&registry, &format!("/v2/team/app/blobs/{config}"));
    assert_eq!(config.json()["config"]["Env"][0], "A=b");

    assert_eq!(answer(&registry, "/v2/team/app/manifests/2.0").status, 404);
    assert_eq!(answer(&registry, "/v2/team/other/manifests/1.0").status, 404);
    let counts = registry.counts();
    assert_eq!((counts.manifests, counts.blobs, counts.probes), (4, 1, 0));
}

#[test]
fn an_index_lists_platforms_and_attestations() {
    let registry = Registry::start();
    let images = [Image::new("linux/amd64"), Image::new("linux/arm64/v8")];
    registry.push_index("team/app:2", &images);
    registry.push_index("team/app:3", Index::new(&images).attestations().docker_media_types());

    let platform = |tag: &str, entry: usize| {
        let index = answer(&registry, &format!("/v2/team/app/manifests/{tag}")).json();
        index["manifests"][entry]["platform"].clone()
    };
    assert_eq!(platform("2", 1)["variant"], "v8");
    assert!(platform("2", 2).is_null());
    assert_eq!(platform("3", 2)["os"], "unknown");
    let index = answer(&registry, "/v2/team/app/manifests/3");
    let media_type = index.header("content-type").unwrap();
    assert_eq!(media_type, "application/vnd.docker.distribution.manifest.list.v2+json");
}

#[test]
fn basic_credentials_open_the_registry() {
    let registry = filled(Auth::basic("ann", "secret"));
    let refused = answer(&registry, MANIFEST);
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().starts_with("Basic "));
    let credentials = [("Authorization", "Basic YW5uOnNlY3JldA==")];
    let granted = get(&registry.host(), MANIFEST, &credentials).unwrap();
    assert_eq!(granted.status, 200);
    let log = registry.log();
    assert_eq!(log.iter().map(|entry| entry.is_authorized()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_token_opens_what_it_was_given_for() {
    let registry = filled(Auth::token("ann", "secret"));
    registry.push("team/other:1.0", &Image::new("linux/amd64"));
    let host = registry.host();
    let challenge = answer(&registry, MANIFEST);
    let expected =
        format!("Bearer realm=\"http://{host}/token\",service=\"{host}\",scope=\"repository:team/app:pull\"");
    assert_eq!(challenge.header("www-authenticate"), Some(&*expected));

    let path = format!("/token?service={host}&scope=repository%3Ateam%2Fapp%3Apull");
    assert_eq!(answer(&registry, &path).status, 401);
    let credentials = [("Authorization", "Basic YW5uOnNlY3JldA==")];
    let token = get(&host, &path, &credentials).unwrap().json()["token"].clone();
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let ask = |path: &str| get(&host, path, &[("Authorization", &bearer)]).unwrap();
    assert_eq!(ask(MANIFEST).status, 200);
    assert_eq!(ask("/v2/").status, 200);
    let other = ask("/v2/team/other/manifests/1.0");
    assert!(other.header("www-authenticate").unwrap().contains("insufficient_scope"));
    registry.revoke_tokens();
    let revoked = ask(MANIFEST);
    assert!(revoked.header("www-authenticate").unwrap().contains("invalid_token"));
    let counts = registry.counts();
    assert_eq!((counts.tokens, counts.probes, counts.challenges), (2, 1, 4));
}

#[test]
fn an_identity_token_is_posted() {
    let registry = filled(Auth::token("<token>", "identity"));
    let host = registry.host();
    let form = format!("grant_type=refresh_token&refresh_token=identity&service={host}");
    let answer = client::request("POST", &host, "/token", &[], form.as_bytes()).unwrap();
    assert!(answer.json()["access_token"].is_string());
}

#[test]
fn a_connection_serves_several_requests() {
    let registry = filled(Auth::Open);
    let mut stream = TcpStream::connect(registry.host()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    for _ in 0..3 {
        stream.write_all(b"HEAD /v2/ HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 200 OK"));
    }
    let counts = registry.counts();
    assert_eq!((counts.probes, counts.connections, counts.concurrent_max), (3, 1, 1));
}

#[test]
fn the_concurrent_maximum_is_counted() {
    let registry = Registry::builder().latency(200).start();
    let host = registry.host();
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| get(&host, "/v2/", &[]).unwrap());
        }
    });
    assert_eq!(registry.counts().concurrent_max, 5);
}

#[test]
fn faults_spoil_answers() {
    let registry = filled(Auth::Open);
    let host = registry.host();
    let ask = || get(&host, MANIFEST, &[]);
    let sound = ask().unwrap();

    registry.fault_times("/manifests/", Fault::status_with(429, "Retry-After", "1"), 1);
    let busy = ask().unwrap();
    assert_eq!((busy.status, busy.header("retry-after")), (429, Some("1")));
    assert_eq!(ask().unwrap().body, sound.body);

    registry.fault_times("", Fault::Reset, 1);
    assert!(ask().is_err());
    registry.fault_times("", Fault::NotHttp, 1);
    assert!(ask().is_err());

    registry.fault_times("", Fault::WrongDigest, 1);
    let wrong = ask().unwrap();
    assert_eq!(wrong.header("docker-content-digest"), sound.header("docker-content-digest"));
    assert_ne!(wrong.body, sound.body);
    assert_eq!(wrong.json(), sound.json());

    registry.fault_times("", Fault::Malformed, 1);
    assert!(ask().unwrap().json().is_null());
    registry.fault_times("", Fault::Oversize { bytes: 100_000, announced: true }, 1);
    assert_eq!(ask().unwrap().body.len(), 100_000);
    registry.fault_times("", Fault::Oversize { bytes: 100_000, announced: false }, 1);
    assert!(ask().unwrap().body.len() > 100_000, "with the frames of the chunks");
    registry.fault_times("", Fault::Trickle(Duration::from_micros(50)), 1);
    assert_eq!(ask().unwrap().body, sound.body);
}

#[test]
fn silence_ends_with_the_registry() {
    let registry = filled(Auth::Open);
    let host = registry.host();
    registry.fault("", Fault::NeverAnswer);
    let started = Instant::now();
    let asking = thread::spawn(move || get(&host, MANIFEST, &[]));
    while registry.counts().requests == 0 {
        assert!(started.elapsed() < Duration::from_secs(5), "the request never came");
        thread::sleep(Duration::from_millis(5));
    }
    drop(registry);
    assert!(asking.join().unwrap().is_err());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_silent_host_takes_connections() {
    let silent = never_answers();
    let mut stream = TcpStream::connect(silent.host()).unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(stream.read(&mut [0]).is_err());
}
