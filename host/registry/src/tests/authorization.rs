//! Authorization by user and password: who is let in, what is said otherwise, and what goes nowhere else.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fixture::app;
use super::guard::{Home, basic, guarded};
use super::server::Reply;
use super::*;

#[test]
fn basic_credentials_open_a_basic_registry() {
    let (home, server) = (Home::new(), guarded("Basic realm=\"x\"", basic("ann", "pass:word")));
    home.login(&server.host, "ann", "pass:word");
    let client = home.client();
    image(ask(&client, &server, "app:1"));
    assert_eq!((statistics(&client, &server).requests, statistics(&client, &server).probes), (2, 1));
}

#[test]
fn missing_and_wrong_credentials_say_what_to_do() {
    let (home, server) = (Home::new(), guarded("Basic realm=\"x\"", basic("ann", "right")));
    let error = ask(&home.client(), &server, "app:1").unwrap_err();
    assert_eq!((error.kind, &error.host), (ErrorKind::Auth, &server.host));
    let host = &server.host;
    assert_eq!(
        error.detail,
        format!(
            "{host} answered 401 for app, which is private or missing; no credentials in \
             ~/.config/containers/auth.json, ~/.docker/config.json, ~/.dockercfg: try `docker login {host}`"
        )
    );
    home.login(host, "ann", "hunter2-wrong");
    let client = home.client();
    let error = ask(&client, &server, "app:1").unwrap_err();
    assert!(error.detail.contains("the credentials from ~/.docker/config.json do not suffice"), "{error}");
    assert_eq!(statistics(&client, &server).requests, 1, "the same credentials are not tried twice");
    let shown = format!(
        "{error} {error:?} {client:?} {:?}",
        crate::credentials::find(&Environment { home: Some(home.0.path().to_owned()), ..Environment::default() }, host)
    );
    assert!(!shown.contains("hunter2") && !shown.contains(&STANDARD.encode("ann:hunter2-wrong")), "{shown}");
}

#[test]
fn a_broken_file_matters_only_when_access_is_refused() {
    let home = Home::new();
    home.write("{nonsense");
    let open = app().serve();
    image(ask(&home.client(), &open, "app:1"));
    let server = guarded("Basic realm=\"x\"", basic("ann", "right"));
    failed(
        ask(&home.client(), &server, "app:1"),
        ErrorKind::Auth,
        "credentials cannot be read: ~/.docker/config.json: not a credential file (line 1, column 2)",
    );
}

#[test]
fn credentials_that_changed_meanwhile_are_tried() {
    let (home, changes) = (Home::new(), Arc::new(Mutex::new(None::<Box<dyn Fn() + Send>>)));
    let (contents, on_refusal) = (app(), Arc::clone(&changes));
    let server = Server::start(move |request| match request.authorization.as_ref() {
        Some(authorization) if *authorization == basic("ann", "new") => contents.reply(request),
        Some(_) => {
            if let Some(change) = on_refusal.lock().unwrap().as_ref() {
                change();
            }
            Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x")
        }
        None => Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x"),
    });
    home.login(&server.host, "ann", "old");
    let (path, host) = (home.0.path().to_owned(), server.host.clone());
    *changes.lock().unwrap() = Some(Box::new(move || {
        let text = format!(r#"{{"auths": {{"{host}": {{"auth": "{}"}}}}}}"#, STANDARD.encode("ann:new"));
        std::fs::write(path.join(".docker/config.json"), text).unwrap();
    }));
    let client = home.client();
    image(ask(&client, &server, "app:1"));
    assert_eq!(statistics(&client, &server).requests, 3);
}

#[test]
fn redirects_lose_the_authorization() {
    let storage = Arc::new(app().serve());
    let (home, contents, target) = (Home::new(), app(), storage.host.clone());
    let server = Server::start(move |request| match &request.authorization {
        None => Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x"),
        Some(_) if request.path.contains("/blobs/") => {
            Reply::new(307, "").header("Location", format!("http://{target}{}", request.path))
        }
        Some(_) => contents.reply(request),
    });
    home.login(&server.host, "ann", "pw");
    let client = home.client();
    image(ask(&client, &server, "app:1"));
    assert_eq!(statistics(&client, &server).requests, 3);
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].authorization, None);
}
