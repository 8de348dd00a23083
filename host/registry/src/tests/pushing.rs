//! Pushing: what is sent, where to, with what leave; and artifacts as they are.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::fixture::{Contents, MANIFEST, digest};
use super::guard::{Home, basic, bearer, token_service};
use super::server::{How, Reply, Seen};
use super::*;
use crate::digest::Digest;
use crate::{RawManifest, Upload};

const UPLOADS: &str = "/v2/app/blobs/uploads/";

/// A registry that has nothing and takes everything; `place` is where it wants uploads.
fn taking(place: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Server {
    Server::start(move |request| match request.method.as_str() {
        "GET" => Reply::new(200, ""),
        "HEAD" => Reply::new(404, ""),
        "POST" => Reply::new(202, "").header("Location", place(request)),
        _ => Reply::new(201, ""),
    })
}

fn push(client: &Client, server: &Server, name: &str) -> Result<String, Error> {
    let reference = Reference::parse(&format!("{}/{name}", server.host)).unwrap();
    let upload = Upload { blobs: &[b"blob"], media_type: MANIFEST, manifest: b"{}" };
    run(client.push(&reference, &upload, Some(Instant::now() + PATIENCE)))
}

fn sent(server: &Server) -> Vec<String> {
    let shown = |seen: &Seen| format!("{} {} {}", seen.method, seen.path, seen.body).trim_end().to_owned();
    server.seen().iter().map(shown).collect()
}

#[test]
fn blobs_go_first_and_the_manifest_last() {
    let server = taking(|_| format!("{UPLOADS}1?_state=x"));
    let (blob, manifest) = (Digest::of(b"blob").to_string(), Digest::of(b"{}").to_string());
    assert_eq!(push(&anonymous(), &server, "app:1"), Ok(manifest.clone()));
    let expect = [
        "GET /v2/".to_owned(),
        format!("HEAD /v2/app/blobs/{blob}"),
        format!("POST {UPLOADS}"),
        format!("PUT {UPLOADS}1?_state=x&digest={} blob", blob.replace(':', "%3A")),
        "PUT /v2/app/manifests/1 {}".to_owned(),
    ];
    assert_eq!(sent(&server), expect);
    assert_eq!(push(&anonymous(), &server, &format!("app@{manifest}")), Ok(manifest));
    let error = push(&anonymous(), &server, &format!("app@{blob}")).unwrap_err();
    assert!(error.detail.contains("what is pushed by digest has another one"), "{error}");
}

#[test]
fn what_is_there_is_not_sent_again() {
    let server = Server::start(|_| Reply::new(200, ""));
    push(&anonymous(), &server, "app:1").unwrap();
    assert!(sent(&server).iter().all(|sent| !sent.starts_with("POST")), "{:?}", sent(&server));
}

#[test]
fn an_upload_goes_to_no_other_server() {
    let other = taking(|_| String::new());
    let there = format!("http://{}{UPLOADS}1", other.host);
    let server = taking(move |_| there.clone());
    let home = Home::new();
    home.login(&server.host, "ann", "pw");
    let error = push(&home.client(), &server, "app:1").unwrap_err();
    let told = format!("sends the upload to another server (http://{}), which gets none", other.host);
    assert!(error.detail.contains(&told), "{error}");
    assert!(other.seen().is_empty());
    let redirecting = Server::start(|request| match request.method.as_str() {
        "HEAD" => Reply::new(404, ""),
        _ => Reply::new(if request.path == "/v2/" { 200 } else { 307 }, "").header("Location", "/elsewhere"),
    });
    let error = push(&anonymous(), &redirecting, "app:1").unwrap_err();
    assert!(error.detail.ends_with("redirects an upload"), "{error}");
}

#[test]
fn a_broken_upload_is_begun_anew_and_not_for_ever() {
    let breaking = |times: usize| {
        let count = AtomicUsize::new(0);
        Server::start(move |request| match request.method.as_str() {
            "HEAD" => Reply::new(404, ""),
            "POST" => Reply::new(202, "").header("Location", format!("{UPLOADS}1")),
            "PUT" if request.path.starts_with(UPLOADS) && count.fetch_add(1, Ordering::Relaxed) < times => {
                Reply::new(201, "").how(How::Dropped)
            }
            _ => Reply::new(200, ""),
        })
    };
    let once = breaking(1);
    push(&anonymous(), &once, "app:1").unwrap();
    assert_eq!(sent(&once).iter().filter(|sent| sent.starts_with("POST")).count(), 2);
    let always = breaking(usize::MAX);
    assert_eq!(push(&anonymous(), &always, "app:1").unwrap_err().kind, ErrorKind::Network);
    assert!(sent(&always).iter().all(|sent| !sent.contains("manifests/")), "{:?}", sent(&always));
}

#[test]
fn leave_to_push_is_asked_for_apart_from_leave_to_pull() {
    let service = token_service("tok", |request| request.authorization == Some(basic("ann", "pw")));
    let challenge = bearer(&service);
    let server = Server::start(move |request| match request.authorization.as_deref() {
        Some("Bearer tok") => match request.method.as_str() {
            "HEAD" => Reply::new(404, ""),
            _ => Reply::new(202, "").header("Location", format!("{UPLOADS}1")),
        },
        _ if request.method == "HEAD" => Reply::new(401, "").header("WWW-Authenticate", challenge.clone()),
        _ => Reply::new(401, "{}").header("WWW-Authenticate", challenge.clone()),
    });
    let home = Home::new();
    let error = push(&home.client(), &server, "app:1").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.detail.contains("which not everybody may push to"), "{error}");
    home.login(&server.host, "ann", "pw");
    push(&home.client(), &server, "app:1").unwrap();
    let asked = service.seen().pop().unwrap().path;
    assert!(asked.contains("scope=repository%3Aapp%3Apull%2Cpush&"), "{asked}");
    assert!(server.seen().iter().all(|seen| seen.authorization.as_deref() != Some(&basic("ann", "pw"))));
}

#[test]
fn mirrors_are_not_pushed_to() {
    let (server, mirror) = (taking(|_| format!("{UPLOADS}1")), taking(|_| format!("{UPLOADS}1")));
    let home = Home::new();
    let conf =
        format!("[[registry]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}'\n", server.host, mirror.host);
    let path = home.0.path().join("registries.conf");
    std::fs::write(&path, conf).unwrap();
    let paths = crate::Paths { registries_conf: Some(path), ..crate::Paths::default() };
    let environment = Environment { home: Some(home.0.path().to_owned()), paths, ..Environment::default() };
    push(&Client::new(ClientConfig::new(environment)), &server, "app:1").unwrap();
    assert!(mirror.seen().is_empty() && server.count("/v2/app/manifests/") == 1);
}

#[test]
fn artifacts_are_given_as_they_are() {
    let mut contents = Contents::default();
    let blob = digest(&contents.blob("app", "application/wasm", b"wasm"));
    let manifest = digest(&contents.manifest("app", "1", MANIFEST, &serde_json::json!({"layers": []})));
    let server = contents.serve();
    let client = anonymous();
    let reference = Reference::parse(&format!("{}/app:1", server.host)).unwrap();
    let expect =
        RawManifest { digest: manifest, media_type: Some(MANIFEST.to_owned()), bytes: b"{\"layers\":[]}".to_vec() };
    assert_eq!(run(client.manifest(&reference, None)), Ok(expect));
    let get = |size, bytes_max| run(client.blob(&reference, &blob, size, bytes_max, None));
    assert_eq!(get(4, 4).as_deref(), Ok(b"wasm".as_slice()));
    for (size, bytes_max, words) in
        [(5, 9, "has not the promised size"), (3, 9, "sent more than 3 bytes"), (4, 3, "more than 3")]
    {
        let error = get(size, bytes_max).unwrap_err();
        assert!(error.detail.contains(words), "{error}");
    }
}
