//! What `plimsoll lock export --source-policy` writes, in the hands of a real BuildKit: builds by a Docker Engine.
//!
//! Where there is no engine the test says so and is skipped; `PLIMSOLL_REQUIRE_SERVERS=1` makes that a failure.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use plimsoll_test_support::docker_engine::installed_or_skip;
use plimsoll_test_support::site::{Page, Site, git, git_or_skip, git_site};
use plimsoll_test_support::{DockerEngine, Image, Index, Project, Registries, Registry, scratch_folder};

/// What was asked of the repository.
fn asked(registry: &Registry, repository: &str) -> Vec<String> {
    let paths = registry.log().into_iter().map(|entry| entry.path);
    paths.filter(|path| path.contains(repository) && path.contains("/manifests/")).collect()
}

#[test]
fn a_real_build_is_held_to_the_lock() {
    let name = "a_real_build_is_held_to_the_lock";
    if !installed_or_skip(name) || !git_or_skip(name) {
        return;
    }
    let registry = Registry::start();
    let index = |version: &str| Index::from(&[Image::new("linux/amd64").env("V", version), Image::new("linux/arm64")]);
    let old = registry.push_index("team/python:3", index("old"));
    let node = registry.push("team/node:1", &Image::new("linux/amd64"));
    let own = registry.push("team/own:1", &Image::new("linux/amd64").env("OWN", "1"));
    registry.push("team/other:1", &Image::new("linux/amd64").env("OTHER", "1"));
    let [python, node_name, other] =
        ["python:3", "node:1", "other:1"].map(|name| registry.reference(&format!("team/{name}")));
    let own = registry.reference(&format!("team/own@{own}"));
    let site = Site::start(|_| Page::of("hello"));
    let repositories = scratch_folder();
    git(repositories.path(), &["init", "-q", "-b", "main", "app.git"]);
    let work = repositories.path().join("app.git");
    fs::write(work.join("old"), "").unwrap();
    git(&work, &["add", "--all"]);
    git(&work, &["commit", "-q", "-m", "old"]);
    let server = git_site(repositories.path(), false);
    let file = format!(
        "FROM {node_name} AS node\nFROM {own} AS own\nFROM {python}\nADD {} /added\nADD {}#main /git\nCOPY hello /hello\n",
        site.url("/file"),
        server.url("/app.git"),
    );
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", &file).file("hello", "hello");
    let allowed = format!(
        "--platform linux/amd64 --slow-checks-allow-host {} --slow-checks-allow-host {}",
        site.host(),
        server.host()
    );
    let locked = project.run(&format!("lock {allowed}"));
    assert_eq!(locked.status, 0, "{locked:#?}");
    let exported = project.run(&format!("lock export --source-policy {allowed}"));
    assert_eq!(exported.status, 0, "{exported:#?}");
    let policies = scratch_folder();
    let policy = policies.path().join("policy.json");
    fs::write(&policy, &exported.stdout).unwrap();

    // Tags and branch move.
    fs::rename(work.join("old"), work.join("new")).unwrap();
    git(&work, &["add", "--all"]);
    git(&work, &["commit", "-q", "-m", "new"]);
    let new = registry.push_index("team/python:3", index("new"));
    let moved = registry.push("team/node:1", &Image::new("linux/amd64").env("MOVED", "1"));
    registry.clear_log();
    let registries = Registries::start(|_| (&Image::new("linux/amd64")).into());
    let engine = DockerEngine::start(&registries);
    let build = |policy: Option<&Path>| {
        let files = scratch_folder();
        let built = engine.build(project.path(), policy, files.path());
        assert!(built.is_err() || files.path().join("hello").is_file(), "something was built");
        assert!(built.is_err() || files.path().join("added").is_file(), "something was fetched");
        built.map(|()| files.path().join("git/old").is_file())
    };
    let is_old = build(Some(&policy)).unwrap_or_else(|said| panic!("{said}\n{}", engine.log()));
    assert!(is_old, "the commit is that of the lock");
    let paths = asked(&registry, "team/python");
    assert!(paths.iter().any(|path| path.ends_with(&old)), "{paths:#?}");
    assert!(paths.iter().all(|path| path.contains("/manifests/sha256:") && !path.ends_with(&new)), "{paths:#?}");

    // Without the policy the same build takes what the tag means now.
    registry.clear_log();
    let is_old = build(None).unwrap_or_else(|said| panic!("{said}\n{}", engine.log()));
    assert!(!is_old, "the branch has moved");
    let paths = asked(&registry, "team/python");
    assert!(paths.iter().any(|path| path.ends_with(&new) || path.ends_with("/manifests/3")), "{paths:#?}");

    // The stage that another one takes files from is held to it as well.
    registry.clear_log();
    project.write("Dockerfile", format!("FROM {node_name} AS node\nCOPY hello /hello\nFROM {python}\nCOPY --from=node /hello /hello\nADD {} /added\n", site.url("/file")));
    build(Some(&policy)).unwrap_or_else(|said| panic!("{said}\n{}", engine.log()));
    let paths = asked(&registry, "team/node");
    assert!(
        paths.iter().any(|path| path.ends_with(&node)) && !paths.iter().any(|path| path.ends_with(&moved)),
        "{paths:#?}"
    );

    // What the lock does not know is denied: an image, by tag and by digest, an address, other content.
    for (file, told) in [
        (format!("FROM {other}\nCOPY hello /hello\n"), "denied by policy"),
        (format!("FROM {}@{new}\nCOPY hello /hello\n", python.replace(":3", "")), "denied by policy"),
        (format!("FROM {python}\nADD {} /added\n", site.url("/other")), "denied by policy"),
        (
            format!("FROM {python}\nADD --checksum=sha256:{} {} /added\n", "0".repeat(64), site.url("/file")),
            "denied by policy",
        ),
    ] {
        project.write("Dockerfile", &file);
        let said = build(Some(&policy)).unwrap_err();
        assert!(said.contains(told), "{file}: {said}");
    }
}
