//! Tokens: when they are asked for, of whom, and with what.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::fixture::app;
use super::guard::{Home, basic, bearer, guarded, token_service};
use super::server::Reply;
use super::*;

#[test]
fn a_token_is_asked_for_once_per_repository() {
    let service = token_service("tok", |request| request.authorization.is_none());
    let server = guarded(bearer(&service), "Bearer tok");
    let client = anonymous();
    image(ask(&client, &server, "app:1"));
    image(ask(&client, &server, "app:1"));
    let Statistics { requests, probes, tokens, .. } = statistics(&client, &server);
    assert_eq!((requests, probes, tokens), (2, 1, 1));
    assert_eq!(service.seen()[0].path, "/token?x=1&service=the+registry&scope=repository%3Aapp%3Apull");
}

#[test]
fn passwords_go_to_the_token_service_as_basic() {
    let service = token_service("tok", |request| request.authorization == Some(basic("ann", "pw")));
    let (home, server) = (Home::new(), guarded(bearer(&service), "Bearer tok"));
    home.login(&server.host, "ann", "pw");
    image(ask(&home.client(), &server, "app:1"));
    assert!(service.seen()[0].path.ends_with("&account=ann"));
    assert!(server.seen().iter().all(|seen| seen.authorization != Some(basic("ann", "pw"))));

    home.login(&server.host, "ann", "wrong");
    let client = home.client();
    failed(ask(&client, &server, "app:1"), ErrorKind::Auth, "do not suffice");
    assert_eq!((statistics(&client, &server).tokens, statistics(&client, &server).requests), (1, 0));
}

#[test]
fn identity_tokens_go_in_a_form() {
    let expected = "grant_type=refresh_token&client_id=plimsoll&refresh_token=id%2Btok\
                    &scope=repository%3Aapp%3Apull&service=the+registry";
    let service = token_service("tok", move |seen| seen.method == "POST" && seen.body == expected);
    let (home, server) = (Home::new(), guarded(bearer(&service), "Bearer tok"));
    home.write(&format!(
        r#"{{"auths": {{"{}": {{"auth": "MDAwMDAwMDAtMDAwMDo=", "identitytoken": "id+tok"}}}}}}"#,
        server.host
    ));
    image(ask(&home.client(), &server, "app:1"));
    assert!(service.seen().iter().all(|seen| !seen.path.contains("id%2Btok") && seen.authorization.is_none()));
}

#[test]
fn an_open_probe_may_be_followed_by_a_challenge() {
    let service = token_service("tok", |_| true);
    let (contents, challenge) = (app(), format!(r#"{},scope="repository:app:pull other""#, bearer(&service)));
    let server = Server::start(move |request| match request.authorization.as_deref() {
        None if request.path != "/v2/" => Reply::new(401, "").header("WWW-Authenticate", challenge.clone()),
        _ => contents.reply(request),
    });
    let client = anonymous();
    image(ask(&client, &server, "app:1"));
    assert_eq!((statistics(&client, &server).requests, statistics(&client, &server).tokens), (3, 1));
    assert!(service.seen()[0].path.ends_with("scope=repository%3Aapp%3Apull&scope=other"));
}

#[test]
fn an_expired_token_is_renewed_and_an_insufficient_one_is_not_asked_for_forever() {
    let current = Arc::new(AtomicUsize::new(0));
    let issued = Arc::clone(&current);
    let service = Server::start(move |_| {
        Reply::new(200, format!(r#"{{"access_token": "tok{}"}}"#, issued.load(Ordering::Relaxed)))
    });
    let (contents, challenge, valid) = (app(), bearer(&service), Arc::clone(&current));
    let server = Server::start(move |request| {
        let expected = format!("Bearer tok{}", valid.load(Ordering::Relaxed));
        match request.authorization.as_ref() {
            Some(authorization) if *authorization == expected => contents.reply(request),
            _ => Reply::new(401, "").header("WWW-Authenticate", challenge.clone()),
        }
    });
    let client = anonymous();
    image(ask(&client, &server, "app:1"));
    current.store(1, Ordering::Relaxed);
    failed(ask(&client, &server, "app:2"), ErrorKind::NotFound, "404");
    assert_eq!(statistics(&client, &server).tokens, 2);

    let service = token_service("tok", |_| true);
    let server = guarded(format!(r#"{},error="insufficient_scope""#, bearer(&service)), "Bearer other");
    let client = anonymous();
    failed(ask(&client, &server, "app:1"), ErrorKind::Auth, "private or missing");
    assert_eq!((statistics(&client, &server).tokens, statistics(&client, &server).requests), (1, 1));
}

#[test]
fn a_challenge_from_elsewhere_is_not_met() {
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let service = token_service("tok", move |_| !noted.swap(true, Ordering::Relaxed));
    let challenge = bearer(&service);
    let storage = Server::start(move |_| Reply::new(401, "").header("WWW-Authenticate", challenge.clone()));
    let (home, target, contents) = (Home::new(), storage.host.clone(), app());
    let server = Server::start(move |request| match request.path.contains("/blobs/") {
        true => Reply::new(302, "").header("Location", format!("http://{target}/")),
        false => contents.reply(request),
    });
    home.login(&server.host, "ann", "pw");
    failed(ask(&home.client(), &server, "app:1"), ErrorKind::Auth, "where 127.0.0.1");
    assert!(!asked.load(Ordering::Relaxed));
}

#[test]
fn credentials_never_go_to_a_token_service_without_tls() {
    let server = guarded(r#"Bearer realm="http://registry.invalid/token""#, "Bearer tok");
    let home = Home::new();
    home.login(&server.host, "ann", "pw");
    failed(ask(&home.client(), &server, "app:1"), ErrorKind::Auth, "without TLS; they were not sent");
}

#[test]
fn broken_token_services_are_no_missing_images() {
    for (reply, kind, words) in [
        (Reply::new(404, ""), ErrorKind::ResolverError, "404"),
        (Reply::new(200, "{}"), ErrorKind::ResolverError, "without a token"),
        (Reply::new(200, "token"), ErrorKind::ResolverError, "did not answer with a token"),
        (Reply::new(200, r#"{"token": "a\nb"}"#), ErrorKind::ResolverError, "without a token"),
        (Reply::new(200, vec![b' '; 2 << 20]), ErrorKind::ResolverError, "more than 1048576 bytes"),
        (Reply::new(503, ""), ErrorKind::Network, "answered 503"),
    ] {
        let service = Server::start(move |_| reply.clone());
        let server = guarded(bearer(&service), "Bearer tok");
        failed(ask(&anonymous(), &server, "app:1"), kind, words);
    }
}
