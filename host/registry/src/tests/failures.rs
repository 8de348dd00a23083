//! Failures: what broken, slow and hostile servers lead to.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::fixture::{CONFIG, Contents, MANIFEST, app};
use super::server::{How, Reply, Seen};
use super::*;
use crate::endpoint::{Endpoint, Manner};
use crate::http::{Call, Deed, Http, Purpose, Request};
use crate::limits::{CONFIG_BYTES_MAX, MANIFEST_BYTES_MAX};
use crate::statistics::Counters;

/// `app:1`, with `change` applied to every reply but the probe's; it is given the number of the request, from 0.
fn changed(change: impl Fn(usize, &Seen, Reply) -> Reply + Send + Sync + 'static) -> Server {
    let (contents, count) = (app(), AtomicUsize::new(0));
    Server::start(move |request| match request.path.as_str() {
        "/v2/" => contents.reply(request),
        _ => change(count.fetch_add(1, Ordering::Relaxed), request, contents.reply(request)),
    })
}

#[test]
fn statuses_have_their_kinds() {
    for (status, kind, words, requests) in [
        (404, ErrorKind::NotFound, "has no app:1 (404, UNAVAILABLE)", 1),
        (403, ErrorKind::Auth, "answered 403 for app, which is private or missing, and offers no way", 1),
        (400, ErrorKind::ResolverError, "answered 400", 1),
        (406, ErrorKind::ResolverError, "answered 406", 1),
        (429, ErrorKind::Network, "rate limited", 3),
        (500, ErrorKind::Network, "answered 500", 3),
        (503, ErrorKind::Network, "answered 503, UNAVAILABLE", 3),
    ] {
        let body = r#"{"errors":[{"code":"evil \u001b[31m"},{"code":"UNAVAILABLE"}]}"#;
        let server = changed(move |_, _, _| Reply::new(status, body));
        let client = anonymous();
        failed(ask(&client, &server, "app:1"), kind, words);
        assert_eq!(statistics(&client, &server).requests, requests, "{status}");
        assert_eq!(statistics(&client, &server).retries, requests - 1, "{status}");
    }
}

#[test]
fn a_missing_tag_is_not_found() {
    let server = app().serve();
    failed(ask(&anonymous(), &server, "app:2"), ErrorKind::NotFound, "has no app:2 (404, MANIFEST_UNKNOWN)");
}

#[test]
fn transient_failures_are_tried_again() {
    for bad in [
        Reply::new(500, ""),
        Reply::new(429, "").header("Retry-After", "0"),
        Reply::new(200, "").how(How::Dropped),
        Reply::new(200, vec![b' '; 1000]).how(How::Truncated),
    ] {
        let server = changed(move |number, _, reply| if number == 0 { bad.clone() } else { reply });
        let client = anonymous();
        image(ask(&client, &server, "app:1"));
        assert_eq!((statistics(&client, &server).requests, statistics(&client, &server).retries), (3, 1));
    }
}

#[test]
fn retry_after_is_waited_for_only_where_it_fits() {
    let server = changed(|_, _, _| Reply::new(429, "").header("Retry-After", "3600"));
    let (client, start) = (anonymous(), Instant::now());
    failed(ask(&client, &server, "app:1"), ErrorKind::Network, "rate limited: ");
    assert_eq!(statistics(&client, &server).requests, 1);
    assert!(start.elapsed() < Duration::from_secs(5));

    let server = changed(|number, _, reply| match number {
        0 => Reply::new(429, "").header("Retry-After", "1"),
        _ => reply,
    });
    let start = Instant::now();
    image(ask(&anonymous(), &server, "app:1"));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn refused_connections_are_network_failures() {
    // A port that is taken, so that no other test gets it, but not listened on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let reference = Reference::parse(&format!("127.0.0.1:{port}/app")).unwrap();
    let answer = run(anonymous().image(&reference, &Platform::host(), None));
    failed(answer, ErrorKind::Network, "(connection refused)");
}

#[test]
fn truncated_answers_are_network_failures() {
    let server = changed(|_, _, reply| reply.how(How::Truncated));
    failed(ask(&anonymous(), &server, "app:1"), ErrorKind::Network, "broken connection");
}

#[test]
fn deadlines_hold_and_close_the_connection() {
    let server = changed(|_, _, reply| reply.how(How::Trickle));
    let client = anonymous();
    let reference = Reference::parse(&format!("{}/app:1", server.host)).unwrap();
    let start = Instant::now();
    let deadline = start + Duration::from_millis(400);
    run(async {
        let answer = client.image(&reference, &Platform::host(), Some(deadline)).await;
        failed(answer, ErrorKind::Timeout, "did not answer in time");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        // The runtime still runs: it was the dropped future that closed the connection.
        while server.cut_off.load(Ordering::Relaxed) == 0 {
            assert!(start.elapsed() < Duration::from_secs(5), "still connected");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_server_without_tls_is_not_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let counters = Counters::default();
    let endpoint = Endpoint::candidates(&host, Manner::Secure, None).remove(0);
    let request = Request {
        endpoint: &endpoint,
        counters: &counters,
        purpose: Purpose::Content,
        url: format!("https://{host}/v2/").parse().unwrap(),
        accept: "*/*",
        authorization: None,
        deed: Deed::Get,
        bytes_max: 1,
    };
    let error = run(Http::new(Environment::default(), "test".into()).send(&request, Call::new(None))).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(error.detail.starts_with("no secure connection to 127.0.0.1"), "{error}");
    assert_eq!(counters.read().retries, 0);
}

#[test]
fn wrong_digests_are_refused() {
    let wrong = format!("sha256:{}", "0".repeat(64));
    type Change = fn(&Seen, Reply) -> Reply;
    let cases: [(Change, &str); 4] = [
        (|_, reply| reply.header("Docker-Content-Digest", format!("sha256:{}", "0".repeat(64))), "app:1"),
        (|_, reply| reply.header("Docker-Content-Digest", "nonsense"), "app:1"),
        (
            |seen, reply| {
                if seen.path.contains("/blobs/") { tampered(reply) } else { reply }
            },
            "app:1",
        ),
        (|_, _| Reply::new(200, "{}"), &format!("app@{wrong}")),
    ];
    for (change, name) in cases {
        let server = changed(move |_, seen, reply| change(seen, reply));
        failed(ask(&anonymous(), &server, name), ErrorKind::ResolverError, "igest");
    }
}

/// The same length, other bytes.
fn tampered(mut reply: Reply) -> Reply {
    reply.body[0] ^= 1;
    reply
}

#[test]
fn a_correct_digest_header_is_the_digest() {
    let contents = app();
    let server = Server::start(move |request| {
        let reply = contents.reply(request);
        let digest = crate::digest::Digest::of(&reply.body).to_string();
        reply.header("Docker-Content-Digest", digest)
    });
    let by_tag = image(ask(&anonymous(), &server, "app:1"));
    let by_digest = image(ask(&anonymous(), &server, &format!("app:other@{}", by_tag.digest)));
    assert_eq!(by_tag, by_digest);
}

#[test]
fn oversize_answers_are_refused_with_and_without_a_length() {
    for how in [How::Whole, How::Chunked] {
        let server = changed(move |_, _, _| Reply::new(200, vec![b' '; MANIFEST_BYTES_MAX + 1]).how(how));
        let client = anonymous();
        failed(ask(&client, &server, "app:1"), ErrorKind::ResolverError, "more than 4194304 bytes");
        assert!(statistics(&client, &server).bytes <= MANIFEST_BYTES_MAX as u64 + (1 << 20));

        let server = changed(move |_, seen, reply| match seen.path.contains("/blobs/") {
            true => Reply::new(200, vec![b' '; 1 << 20]).how(how),
            false => reply,
        });
        failed(ask(&anonymous(), &server, "app:1"), ErrorKind::ResolverError, "sent more than");
    }
}

#[test]
fn oversize_descriptors_are_refused_before_the_request() {
    let mut contents = Contents::default();
    let mut config = contents.blob("app", CONFIG, b"{}");
    config["size"] = json!(CONFIG_BYTES_MAX + 1);
    contents.manifest("app", "huge", MANIFEST, &json!({"config": config}));
    config["size"] = json!(3);
    contents.manifest("app", "other", MANIFEST, &json!({"config": config}));
    let server = contents.serve();
    failed(ask(&anonymous(), &server, "app:huge"), ErrorKind::ResolverError, "more than 8388608 bytes");
    assert_eq!(server.count("/v2/app/blobs/"), 0);
    failed(ask(&anonymous(), &server, "app:other"), ErrorKind::ResolverError, "not the promised size");
}

#[test]
fn malformed_documents_are_refused() {
    for body in ["", "{", "[]", "null", r#"{"config": 1}"#, "\u{feff}{}"] {
        let server = changed(move |_, _, _| Reply::new(200, body));
        failed(ask(&anonymous(), &server, "app:1"), ErrorKind::ResolverError, "manifest");
    }
    let mut contents = Contents::default();
    let config = contents.blob("app", CONFIG, br#"{"config": {"Env": "PATH=/bin"}}"#);
    contents.manifest("app", "1", MANIFEST, &json!({"config": config}));
    failed(ask(&anonymous(), &contents.serve(), "app:1"), ErrorKind::ResolverError, "malformed image configuration");
}

#[test]
fn redirects_are_bounded() {
    let server = changed(|_, seen, _| Reply::new(307, "").header("Location", seen.path.clone()));
    let client = anonymous();
    failed(ask(&client, &server, "app:1"), ErrorKind::ResolverError, "more than 5 redirects");
    assert_eq!(statistics(&client, &server).requests, 6);
    for location in ["", "ftp://127.0.0.1/x", "http://"] {
        let server = changed(move |_, _, _| Reply::new(302, "").header("Location", location));
        failed(ask(&anonymous(), &server, "app:1"), ErrorKind::ResolverError, "redirects");
    }
}
