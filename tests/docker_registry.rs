//! Slow checks against Debian's `docker-registry`, filled by `skopeo` from OCI
//! layouts: open, with a password, and with tokens. Where these programs are
//! not installed the tests say so and are skipped; `PLIMSOLL_REQUIRE_SERVERS=1`
//! makes that a failure.

use plimsoll_test_support::docker_registry::installed_or_skip;
use plimsoll_test_support::{Auth, DockerRegistry, Image, Index, Project};

fn check(test: &str, auth: &Auth, credentials: Option<&str>) {
    if !installed_or_skip(test) {
        return;
    }
    let registry = DockerRegistry::start(auth);
    let images =
        [Image::new("linux/amd64").env("GREETING", "hello"), Image::new("linux/arm64/v8"), Image::new("linux/arm/v6")];
    let digest = registry.push("team/app:1", &Index::from(&images).attestations());
    let app = registry.reference("team/app:1");
    let pinned = format!("{}@{digest}", registry.reference("team/app"));
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file(
            "a/Dockerfile",
            format!("FROM {app}\nENV A=$GREETING B=$GREETIN\nFROM --platform=linux/s390x {app} AS s390x\n"),
        )
        .file(
            "b/Dockerfile",
            format!("FROM {pinned}\nENV A=$GREETING\nFROM {}\n", registry.reference("team/nowhere:1")),
        );
    if let Some(credentials) = credentials {
        let refused = project.lint("--slow-checks=on --platform linux/amd64 a");
        assert!(refused.skipped().iter().all(|skipped| skipped.ends_with(" auth")), "{refused:#?}");
        assert_eq!(refused.skipped().len(), 3, "{refused:#?}");
        let config = format!(r#"{{"auths":{{"{}":{{"auth":"{credentials}"}}}}}}"#, registry.host());
        project.write(".docker/config.json", config);
    }
    let linted = project.lint("--slow-checks=on --platform linux/amd64 a b");
    assert_eq!(
        linted.findings(),
        [
            "buildkit/UndefinedVar 2: Usage of undefined variable '$GREETIN' (did you mean $GREETING?)".to_owned(),
            format!(
                "buildkit/InvalidBaseImagePlatform 3: Base image {app} has no manifest for platform \"linux/s390x\"; \
                 available: linux/amd64, linux/arm/v6, linux/arm64"
            ),
        ],
        "{linted:#?}"
    );
    assert_eq!(linted.skipped(), ["buildkit/InvalidBaseImagePlatform not-found"], "{linted:#?}");
}

#[test]
fn open() {
    check("open", &Auth::Open, None);
}

#[test]
fn with_a_password() {
    check("with_a_password", &Auth::basic("ada", "secret"), Some("YWRhOnNlY3JldA=="));
}

#[test]
fn with_tokens() {
    check("with_tokens", &Auth::token("ada", "secret"), Some("YWRhOnNlY3JldA=="));
}

#[test]
fn with_tokens_for_everybody() {
    check("with_tokens_for_everybody", &Auth::AnonymousToken, None);
}
