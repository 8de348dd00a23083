//! `proxy` of `registries.conf`: who is asked through what, and who may say so.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::fixture::app;
use super::guard::{Home, basic};
use super::server::{Reply, Seen};
use super::*;
use crate::Paths;

/// A client with `conf` as `registries.conf`, which takes `registry.example` for a registry without TLS.
fn client(home: &Home, conf: &str, is_trusted: bool) -> Client {
    let path = home.0.path().join("registries.conf");
    std::fs::write(&path, conf).unwrap();
    let distrusted = if is_trusted { Vec::new() } else { vec![path.clone()] };
    // The variable would lead nowhere.
    let variables = [("HTTP_PROXY".into(), "http://127.0.0.1:9".into())].into();
    let paths = Paths { registries_conf: Some(path), ..Paths::default() };
    let home = Some(home.0.path().to_owned());
    let config = ClientConfig::new(Environment { home, variables, paths, distrusted, ..Environment::default() });
    Client::new(ClientConfig { insecure_hosts: vec!["registry.example".to_owned()], ..config })
}

fn asked(client: &Client) -> Result<Answer, Error> {
    let reference = Reference::parse("registry.example/app:1").unwrap();
    let platform = Platform::parse("linux/amd64").unwrap();
    run(client.image(&reference, &platform, Some(Instant::now() + PATIENCE)))
}

fn conf(proxy: &str) -> String {
    format!("[[registry]]\nlocation = 'registry.example'\nproxy = '{proxy}'\n")
}

/// What stands for `registry.example` behind a proxy of HTTP, which is asked for whole URLs.
fn forwarding(home: &Home) -> Server {
    home.login("registry.example", "ann", "pw");
    let contents = app();
    Server::start(move |request| {
        let Some(path) = request.path.strip_prefix("http://registry.example") else { return Reply::new(400, "") };
        match request.authorization.as_ref() {
            Some(authorization) if *authorization == basic("ann", "pw") => {
                contents.reply(&Seen { path: path.to_owned(), ..request.clone() })
            }
            _ => Reply::new(401, "{}").header("WWW-Authenticate", "Basic realm=\"x\""),
        }
    })
}

#[test]
fn a_registry_is_asked_through_its_own_proxy() {
    let home = Home::new();
    let proxy = forwarding(&home);
    let client = client(&home, &conf(&format!("http://{}/", proxy.host)), true);
    image(asked(&client));
    assert_eq!(proxy.count("http://registry.example/v2/app/manifests/1"), 1);
}

#[test]
fn a_mirror_has_its_own_and_the_registry_another() {
    let (home, server) = (Home::new(), app().serve());
    let proxy = forwarding(&home);
    let mirror = format!("[[registry.mirror]]\nlocation = 'registry.example'\nproxy = 'http://{}'\n", proxy.host);
    let conf = format!("[[registry]]\nlocation = '{}'\n{mirror}", server.host);
    image(ask(&client(&home, &conf, true), &server, "app:1"));
    assert_eq!((server.seen().len(), proxy.count("http://registry.example/v2/app/manifests/1")), (0, 1));
}

#[test]
fn a_stranger_chooses_no_proxy() {
    let home = Home::new();
    let proxy = forwarding(&home);
    let client = client(&home, &conf(&format!("http://{}", proxy.host)), false);
    failed(asked(&client), ErrorKind::Denied, "counts only where the user's own settings name that file");
    assert_eq!(proxy.seen().len(), 0);
}

/// A SOCKS proxy that leads everybody to `target`, and whom it was asked for.
fn socks(target: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&names);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (log, target) = (Arc::clone(&log), target.clone());
            std::thread::spawn(move || {
                let mut greeting = [0; 2];
                stream.read_exact(&mut greeting).unwrap();
                stream.read_exact(&mut vec![0; usize::from(greeting[1])]).unwrap();
                stream.write_all(&[5, 0]).unwrap();
                let mut request = [0; 5];
                stream.read_exact(&mut request).unwrap();
                assert_eq!(request[..4], [5, 1, 0, 3], "to connect, to a name");
                let mut name = vec![0; usize::from(request[4]) + 2];
                stream.read_exact(&mut name).unwrap();
                name.truncate(name.len() - 2);
                log.lock().unwrap().push(String::from_utf8(name).unwrap());
                stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
                let mut server = TcpStream::connect(target).unwrap();
                let (mut from, mut to) = (server.try_clone().unwrap(), stream.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let _ = std::io::copy(&mut stream, &mut server);
            });
        }
    });
    (host, names)
}

/// Nor whom to believe without a certificate; this machine needs none anyway.
#[test]
fn a_stranger_takes_tls_from_nobody_else() {
    let home = Home::new();
    let path = home.0.path().join("registries.conf");
    std::fs::write(&path, "[[registry]]\nlocation = 'registry.example'\ninsecure = true\n").unwrap();
    let paths = Paths { registries_conf: Some(path.clone()), ..Paths::default() };
    let environment = Environment { paths, distrusted: vec![path.clone()], ..Environment::default() };
    let answer = asked(&Client::new(ClientConfig::new(environment.clone())));
    failed(answer, ErrorKind::Denied, "`insecure` of registry.example in ");

    let server = app().serve();
    std::fs::write(&path, format!("[[registry]]\nlocation = '{}'\ninsecure = true\n", server.host)).unwrap();
    image(ask(&Client::new(ClientConfig::new(environment)), &server, "app:1"));
}

#[test]
fn socks_proxies_look_names_up_themselves() {
    for scheme in ["socks5", "socks5h"] {
        let (home, server) = (Home::new(), app().serve());
        let (host, names) = socks(server.host.clone());
        image(asked(&client(&home, &conf(&format!("{scheme}://{host}")), true)));
        let names = names.lock().unwrap();
        assert!(!names.is_empty() && names.iter().all(|name| name == "registry.example"), "{names:?}");
    }
}

#[test]
fn proxies_are_checked_and_never_shown_with_their_password() {
    let home = Home::new();
    let check = |conf: &str, words: &str| failed(asked(&client(&home, conf, true)), ErrorKind::ResolverError, words);
    for (proxy, words) in [
        ("proxy.example", "`proxy` of `registry.example` is no URL"),
        ("ftp://u:secret@proxy.example", "`proxy` of `registry.example` has another scheme than `http`"),
        ("file:///x", "`proxy` of `registry.example` names no host"),
    ] {
        check(&conf(proxy), words);
    }
    let one =
        "[[registry]]\nprefix = 'a.example'\nlocation = 'registry.example'\nproxy = 'http://u:secret@p.example'\n";
    check(&format!("{one}{}", conf("http://q.example")), "occurs several times and `proxy` differs");

    let path = home.0.path().join("registries.conf");
    std::fs::write(&path, one).unwrap();
    let paths = Paths { registries_conf: Some(path), ..Paths::default() };
    let loaded = crate::config::Registries::load(&Environment { paths, ..Environment::default() }).unwrap();
    let sources = loaded.pull_sources(&Reference::parse("a.example/app:1").unwrap()).unwrap();
    assert_eq!(sources[0].proxy.as_ref().unwrap().to_string(), "http://p.example");
    assert!(!format!("{loaded:?}{sources:?}").contains("secret"));
}
