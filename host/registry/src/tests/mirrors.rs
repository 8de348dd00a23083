//! `registries.conf` in use: mirrors, rewriting, blocked and insecure registries, certificates.

use serde_json::json;

use super::fixture::{Contents, INDEX, app, config, digest};
use super::guard::{Home, basic, guarded};
use super::server::Reply;
use super::*;
use crate::Paths;

/// A client with `conf` as `registries.conf`, and the credentials of `home`.
fn client(home: &Home, conf: &str) -> Client {
    let path = home.0.path().join("root/etc/containers/registries.conf");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, conf).unwrap();
    let paths = Paths { root: home.0.path().join("root"), ..Paths::default() };
    let environment = Environment { home: Some(home.0.path().to_owned()), paths, ..Environment::default() };
    Client::new(ClientConfig::new(environment))
}

fn mirror_of(server: &Server, mirrors: &[&str]) -> String {
    let mut conf = format!("[[registry]]\nlocation = '{}'\n", server.host);
    for mirror in mirrors {
        conf.push_str(&format!("[[registry.mirror]]\nlocation = '{mirror}'\n"));
    }
    conf
}

#[test]
fn mirrors_are_asked_in_order_and_the_registry_last() {
    let (down, missing) = (Server::start(|_| Reply::new(503, "")), Contents::default().serve());
    let (server, home) = (app().serve(), Home::new());
    let missing_path = format!("{}/copy", missing.host);
    let client = client(&home, &mirror_of(&server, &[&down.host, &missing_path]));
    image(ask(&client, &server, "app:1"));
    assert_eq!(missing.count("/v2/copy/app/manifests/1"), 1);
    assert!(!down.seen().is_empty());
    assert_eq!(statistics(&client, &server).requests, 2);
    let all: Vec<String> = client.statistics().into_keys().collect();
    assert_eq!(all.len(), 3);
}

#[test]
fn a_mirror_that_has_it_is_enough() {
    let (server, mirror, home) = (app().serve(), app().serve(), Home::new());
    image(ask(&client(&home, &mirror_of(&server, &[&mirror.host])), &server, "app:1"));
    assert_eq!(server.seen().len(), 0);
}

/// Mirrors often have images without their signatures: that a mirror knows of none says nothing.
#[test]
fn what_refers_to_an_image_is_asked_of_the_registry_too() {
    let mut contents = Contents::default();
    let manifest = contents.image("app", "1", &config("linux/amd64"));
    let entry = json!({"digest": format!("sha256:{:064}", 1), "size": 1});
    let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
    contents.manifest("app", &digest(&manifest).replace(':', "-"), INDEX, &list);
    let (server, mirror, bare, home) = (contents.serve(), app().serve(), app().serve(), Home::new());
    let count = |server: &Server| {
        let reference = Reference::parse(&format!("{}/app:1", server.host)).unwrap();
        let client = client(&home, &mirror_of(server, &[&mirror.host]));
        run(client.referrers(&reference, None, Some(Instant::now() + PATIENCE))).map(|found| found.len())
    };
    assert_eq!((count(&server).unwrap(), count(&bare).unwrap()), (1, 0));
    let down = Server::start(|_| Reply::new(503, ""));
    assert_eq!(count(&down).unwrap_err().host, down.host);
}

#[test]
fn the_registrys_error_counts_and_mirrors_are_told_of() {
    let (down, server, home) = (Server::start(|_| Reply::new(403, "")), Contents::default().serve(), Home::new());
    let client = client(&home, &mirror_of(&server, &[&down.host]));
    let error = ask(&client, &server, "app:1").unwrap_err();
    assert_eq!((error.kind, &error.host), (ErrorKind::NotFound, &server.host));
    let expect = format!(
        "{} has no app:1 (404, MANIFEST_UNKNOWN); its mirrors: {} answered 403 for app",
        server.host, down.host
    );
    assert!(error.detail.starts_with(&expect), "{error}");
}

#[test]
fn a_silent_mirror_leaves_time_for_the_registry() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (server, home) = (app().serve(), Home::new());
    let client = client(&home, &mirror_of(&server, &[&silent.local_addr().unwrap().to_string()]));
    let reference = Reference::parse(&format!("{}/app:1", server.host)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(1);
    image(run(client.image(&reference, &Platform::parse("linux/amd64").unwrap(), Some(deadline))));
}

#[test]
fn credentials_stay_with_their_registry() {
    let mirror = Server::start(|_| Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x"));
    let (server, home) = (guarded("Basic realm=x", basic("ann", "pw")), Home::new());
    home.login(&server.host, "ann", "pw");
    image(ask(&client(&home, &mirror_of(&server, &[&mirror.host])), &server, "app:1"));
    assert!(!mirror.seen().is_empty());
    assert!(mirror.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn locations_replace_prefixes() {
    let mut contents = Contents::default();
    contents.image("deep/app", "1", &config("linux/amd64"));
    let (server, home) = (contents.serve(), Home::new());
    let conf = format!("[[registry]]\nprefix = 'public.example/team'\nlocation = '{}/deep'\n", server.host);
    let client = client(&home, &conf);
    let ask = |name: &str| {
        let reference = Reference::parse(name).unwrap();
        run(client.image(&reference, &Platform::parse("linux/amd64").unwrap(), Some(Instant::now() + PATIENCE)))
    };
    image(ask("public.example/team/app:1"));
    assert_eq!(server.count("/v2/deep/app/"), 2);
}

#[test]
fn what_is_blocked_is_denied_without_asking() {
    let (server, home) = (app().serve(), Home::new());
    let conf = format!("{}blocked = true\n", mirror_of(&server, &[]));
    let error = ask(&client(&home, &conf), &server, "app:1").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(error.detail, format!("registries.conf on this machine blocks {}", server.host));
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_malformed_configuration_is_told_with_its_place() {
    let (server, home) = (app().serve(), Home::new());
    let answer = ask(&client(&home, "\nx"), &server, "app:1");
    failed(answer, ErrorKind::ResolverError, "~/root/etc/containers/registries.conf:2: not TOML");
}

#[test]
fn insecure_registries_are_asked_without_tls_where_there_is_none() {
    let (server, home) = (app().serve(), Home::new());
    let conf = format!("{}insecure = true\n", mirror_of(&server, &[]));
    let client = client(&home, &conf);
    image(ask(&client, &server, "app:1"));
    image(ask(&client, &server, "app:1"));
    assert_eq!(statistics(&client, &server).probes, 2, "one with TLS, one without");
}

#[test]
fn a_server_that_waits_for_more_than_tls_says_is_asked_without() {
    use std::io::{BufRead as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut lines = std::io::BufReader::new(&stream).lines();
                // What is no text, a silent server reads on and on.
                while lines.next().is_some_and(|line| !line.is_ok_and(|line| line.is_empty())) {}
                let _ = (&stream).write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
                std::thread::sleep(PATIENCE);
            });
        }
    });
    let home = Home::new();
    let client = client(&home, &format!("[[registry]]\nlocation = '{host}'\ninsecure = true\n"));
    let reference = Reference::parse(&format!("{host}/app:1")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(2);
    let error = run(client.image(&reference, &Platform::host(), Some(deadline))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "it sleeps after its first answer: {error}");
    assert_eq!(client.statistics()[&host].probes, 2);
}

#[test]
fn an_error_is_remembered_from_the_second_time_on() {
    let (server, client) = (app().serve(), anonymous());
    for (number, requests) in [1, 2, 2, 2].into_iter().enumerate() {
        failed(ask(&client, &server, "app:2"), ErrorKind::NotFound, "404");
        assert_eq!(server.count("/v2/app/manifests/2"), requests, "{number}");
    }
    image(ask(&client, &server, "app:1"));
}
