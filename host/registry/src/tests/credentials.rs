//! Credential files and helpers: which is asked, and what it says.

use std::ffi::OsString;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::credentials::{Lookup, find};
use crate::{Environment, Paths};

/// Finds `key` with `files` (relative to a home, `run` being the runtime folder); the answer is `user:password` or
/// `token:…`, empty for none, and `error: …`.
fn lookup(variables: &[(&str, &str)], files: &[(&str, &str)], key: &str) -> String {
    lookup_among(&[], variables, files, key)
}

/// The same, with files that a stranger may have chosen: those of registries and credentials where they are named.
fn lookup_among(distrusted: &[&str], variables: &[(&str, &str)], files: &[(&str, &str)], key: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(&folder.path().join(path), text);
    }
    let full = |value: &str| match value.strip_prefix('~') {
        Some(rest) => folder.path().join(rest.trim_start_matches('/')).into_os_string(),
        None => OsString::from(value),
    };
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), full(value))).collect();
    let chosen = |name: &str| distrusted.contains(&name).then(|| folder.path().join(name));
    let environment = Environment {
        home: Some(folder.path().to_owned()),
        variables,
        user: None,
        paths: Paths {
            root: folder.path().join("root"),
            registries_conf: chosen("registries.conf"),
            credentials: chosen("chosen.json"),
            ..Paths::default()
        },
        distrusted: distrusted.iter().map(|path| folder.path().join(path)).collect(),
    };
    match find(&environment, key) {
        Ok(Lookup { credentials: None, .. }) => String::new(),
        Ok(Lookup { credentials: Some(found), .. }) => match found.identity_token {
            Some(token) => format!("token:{}", token.expose()),
            None => format!("{}:{}", found.username, found.password.expose()),
        },
        Err(problem) => format!("error: {problem}"),
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// A file with `key=user:password` entries.
fn auths(entries: &[&str]) -> String {
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| {
            let (key, pair) = entry.split_once('=').unwrap();
            format!(r#""{key}": {{"auth": "{}"}}"#, STANDARD.encode(pair))
        })
        .collect();
    format!(r#"{{"auths": {{{}}}}}"#, entries.join(","))
}

#[test]
fn files_are_asked_in_order() {
    let all = [
        ("explicit.json", auths(&["h.example=explicit:1"])),
        ("run/containers/auth.json", auths(&["h.example=runtime:1"])),
        (".config/containers/auth.json", auths(&["h.example=config:1"])),
        (".docker/config.json", auths(&["h.example=docker:1"])),
        (".dockercfg", format!(r#"{{"https://h.example/v1/": {{"auth": "{}"}}}}"#, STANDARD.encode("legacy:1"))),
    ];
    let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let runtime = ("XDG_RUNTIME_DIR", "~/run");
    let check = |variables: &[_], from: usize, expect| assert_eq!(lookup(variables, &all[from..], "h.example"), expect);
    check(&[("REGISTRY_AUTH_FILE", "~/explicit.json"), runtime], 0, "explicit:1");
    check(&[("REGISTRY_AUTH_FILE", "~/missing.json"), runtime], 0, "");
    check(&[runtime], 0, "runtime:1");
    check(&[], 0, "config:1");
    check(&[("XDG_CONFIG_HOME", "~/elsewhere")], 0, "docker:1");
    check(&[runtime], 3, "docker:1");
    check(&[("DOCKER_CONFIG", "~/elsewhere")], 3, "legacy:1");
    check(&[runtime], 4, "legacy:1");
}

#[test]
fn the_most_specific_key_wins() {
    let file =
        auths(&["h.example=host:1", "h.example/team=team:1", "h.example:5000=port:1", "h.example/team/app=app:1"]);
    for (key, expect) in [
        ("h.example", "host:1"),
        ("h.example/other/app", "host:1"),
        ("h.example/team", "team:1"),
        ("h.example/team/other", "team:1"),
        ("h.example/team/app/sub", "app:1"),
        ("h.example/teams", "host:1"),
        ("h.example:5000/team/app", "port:1"),
        ("sub.h.example", ""),
    ] {
        assert_eq!(lookup(&[], &[(".docker/config.json", &file)], key), expect, "{key}");
    }
}

#[test]
fn docker_hub_has_many_names() {
    for name in
        ["docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/", "http://docker.io"]
    {
        let file = auths(&[&format!("{name}=hub:1")]);
        assert_eq!(lookup(&[], &[(".docker/config.json", &file)], "docker.io/library/python"), "hub:1", "{name}");
    }
}

#[test]
fn entries_are_decoded_as_docker_does() {
    let entry = |entry: &str| {
        let file = format!(r#"{{"auths": {{"h.example": {entry}}}}}"#);
        lookup(&[], &[(".docker/config.json", &file)], "h.example/app")
    };
    let auth = |text: &str| entry(&format!(r#"{{"auth": "{}"}}"#, STANDARD.encode(text)));
    assert_eq!(auth("user:a:b"), "user:a:b");
    assert_eq!(auth("user:pass\0\0"), "user:pass");
    assert_eq!(auth("nocolon"), "");
    assert_eq!(entry("{}"), "");
    assert_eq!(entry("null"), "");
    assert_eq!(entry(r#"{"identitytoken": "abc"}"#), "");
    assert_eq!(entry(r#"{"auth": "dTo=", "identitytoken": "abc"}"#), "token:abc");
    assert_eq!(entry(r#"{"auth": "Og=="}"#), "");
    assert_eq!(entry(r#"{"auth": "!"}"#), "error: ~/.docker/config.json: `auth` of `h.example` is not base64");
}

#[test]
fn broken_files_and_keys_are_problems() {
    let file = [(".docker/config.json", "no JSON")];
    assert!(lookup(&[], &file, "h.example").starts_with("error: ~/.docker/config.json: not a credential file"));
    assert!(lookup(&[], &[(".docker/config.json", "\n")], "h.example").contains("(line 2, column 0)"));
    assert_eq!(lookup(&[], &[(".docker/config.json", "null")], "h.example"), "");
    assert_eq!(
        lookup(&[], &[(".docker/config.json/x", "")], "h.example"),
        "error: ~/.docker/config.json: not a regular file"
    );
    for key in ["https://h.example", "h.example/app:tag", "h.example/app@sha256:00", "", "h example"] {
        assert!(lookup(&[], &[], key).starts_with("error: "), "{key}");
    }
}

#[cfg(unix)]
#[test]
fn helpers_are_run() {
    let helper = r#"#!/bin/sh
read server
case "$1 $server" in
  "get h.example") echo '{"ServerURL":"h.example","Username":"ann","Secret":"s:1"}' ;;
  "get https://index.docker.io/v1/") echo '{"Username":"<token>","Secret":"id"}' ;;
  "get none.example") echo "credentials not found in native keychain"; exit 1 ;;
  "get locked.example") echo "secret is locked"; exit 1 ;;
  "get junk.example") echo "not JSON" ;;
  "get flood.example") yes | head -c 200000 ;;
esac
"#;
    let path = format!("~/bin:{}", std::env::var("PATH").unwrap());
    let check = |config: &str, key: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("bin/docker-credential-fake"), helper);
        let path = path.replace('~', folder.path().to_str().unwrap());
        lookup(&[("PATH", &path)], &[(".docker/config.json", config)], key)
    };
    let store = r#"{"credsStore": "fake", "auths": {"h.example": {}}}"#;
    assert_eq!(check(store, "h.example/app"), "ann:s:1");
    assert_eq!(check(store, "docker.io/library/python"), "token:id");
    assert_eq!(check(store, "none.example"), "");
    for (host, what) in [("locked", "failed"), ("junk", "did not print credentials"), ("flood", "printed too much")] {
        let found = check(store, &format!("{host}.example"));
        assert_eq!(found, format!("error: docker-credential-fake for {host}.example: {what}"));
    }
    let one = r#"{"credHelpers": {"h.example": "fake"}, "auths": {"h.example": {"auth": "dTpw"}, "x.example": {"auth": "dTpw"}}}"#;
    assert_eq!(check(one, "h.example/app"), "ann:s:1");
    assert_eq!(check(one, "x.example"), "u:p");
    let next = [(".config/containers/auth.json", auths(&["h.example=nocolon"])), (".dockercfg", String::new())];
    assert!(lookup(&[], &[(next[0].0, &next[0].1), (next[1].0, &next[1].1)], "h.example").starts_with("error: "));
    let missing = r#"{"credsStore": "absent"}"#;
    assert_eq!(check(missing, "h.example"), "error: docker-credential-absent for h.example: not found in PATH");
    let odd = r#"{"credsStore": "../fake"}"#;
    assert!(check(odd, "h.example").contains("the name of a credential helper"));
}

#[cfg(unix)]
#[test]
fn helpers_of_registries_conf_come_in_its_order() {
    let helper = r#"#!/bin/sh
read server
case "$server" in
  h.example) echo '{"Username":"helper","Secret":"1"} and more' ;;
  bad.example) echo "keychain is locked"; exit 1 ;;
  *) echo "credentials not found in native keychain"; exit 1 ;;
esac
"#;
    let path = std::env::var("PATH").unwrap();
    let check = |order: &str, key: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("bin/docker-credential-fake"), helper);
        let path = format!("{}:{path}", folder.path().join("bin").display());
        let conf = format!("credential-helpers = [{order}]");
        let file = auths(&["h.example=file:1", "bad.example=file:2", "f.example=file:3"]);
        let files = [(".config/containers/registries.conf", conf.as_str()), (".docker/config.json", file.as_str())];
        lookup(&[("PATH", &path)], &files, key)
    };
    assert_eq!(check(r#""containers-auth.json", "fake""#, "h.example/app"), "file:1");
    assert_eq!(check(r#""fake", "containers-auth.json""#, "h.example/app"), "helper:1");
    assert_eq!(check(r#""fake", "containers-auth.json""#, "f.example"), "file:3");
    assert_eq!(check(r#""fake", "containers-auth.json""#, "bad.example"), "file:2");
    assert_eq!(check(r#""fake""#, "bad.example"), "error: docker-credential-fake for bad.example: failed");
    assert_eq!(check(r#""fake""#, "f.example"), "");
    assert_eq!(check("", "f.example"), "file:3");
}

/// A linted tree may name files, but no programs.
#[cfg(unix)]
#[test]
fn files_of_strangers_make_no_helper_run() {
    let helper = ("bin/docker-credential-x", "#!/bin/sh\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'\n");
    let path = [("PATH", "~/bin")];
    let auths = auths(&["h.example=written:1"]);
    let refused = "docker-credential-x runs only where the user's own settings name";
    for file in [r#"{"credsStore": "x"}"#, r#"{"credHelpers": {"h.example": "x"}}"#] {
        let found = lookup_among(&["chosen.json"], &path, &[helper, ("chosen.json", file)], "h.example");
        assert!(found.contains(refused), "{found}");
        assert_eq!(lookup(&path, &[helper, (".docker/config.json", file)], "h.example"), "u:s");
    }
    let written = [helper, ("chosen.json", auths.as_str())];
    assert_eq!(lookup_among(&["chosen.json"], &path, &written, "h.example"), "written:1");
    let registries = [helper, ("registries.conf", "credential-helpers = [\"x\"]\n")];
    let found = lookup_among(&["registries.conf"], &path, &registries, "h.example");
    assert!(found.contains(refused), "{found}");
    let own = [helper, ("registries.conf", ""), (".docker/config.json", r#"{"credsStore": "x"}"#)];
    assert_eq!(
        lookup_among(&["registries.conf", ".docker"], &path, &own, "h.example"),
        "u:s",
        "the user's own file may"
    );
}
