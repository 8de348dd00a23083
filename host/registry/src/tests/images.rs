//! Answers: single images, indexes, formats.

use serde_json::json;

use super::fixture::{CONFIG, Contents, INDEX, MANIFEST, app, config, digest};
use super::*;

#[test]
fn a_single_image_takes_two_requests() {
    let mut contents = Contents::default();
    let manifest = contents.image(
        "app",
        "1",
        &json!({
            "os": "linux", "architecture": "arm", "variant": "v7", "created": "2026-01-02T03:04:05Z",
            "config": {
                "Env": ["PATH=/bin", "A=b=c", "EMPTY="], "WorkingDir": "/srv", "User": "1000:1000",
                "Shell": ["/bin/bash", "-c"], "Labels": {"z": "1", "a": null}, "OnBuild": ["RUN make"],
                "Entrypoint": ["/app"], "Cmd": null, "Healthcheck": {"Test": ["NONE"]},
            },
        }),
    );
    let server = contents.serve();
    let client = anonymous();
    let image = image(ask(&client, &server, "app:1"));
    assert_eq!(image.digest, digest(&manifest));
    assert_eq!(image.index_digest, None);
    assert_eq!(image.platform.to_string(), "linux/arm/v7", "no mismatch, though amd64 was asked for");
    let environment = [("PATH", "/bin"), ("A", "b=c"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(image.environment, environment);
    assert_eq!((image.working_dir.as_str(), image.user.as_str()), ("/srv", "1000:1000"));
    assert_eq!(image.shell, ["/bin/bash", "-c"]);
    assert_eq!(image.labels.into_iter().collect::<Vec<_>>(), [("a".into(), String::new()), ("z".into(), "1".into())]);
    assert_eq!(image.onbuild, ["RUN make"]);
    assert_eq!((image.entrypoint, image.cmd), (vec!["/app".to_owned()], vec![]));
    assert_eq!(image.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    let Statistics { requests, probes, tokens, retries, bytes } = statistics(&client, &server);
    assert_eq!((requests, probes, tokens, retries), (2, 1, 0, 0));
    assert!(bytes > 0);
    let accept = &server.seen()[1].accept;
    assert!(accept.contains(INDEX) && accept.contains("manifest.list.v2+json"), "{accept}");
}

#[test]
fn an_index_takes_three_requests_and_selects() {
    let mut contents = Contents::default();
    let platforms = ["unknown/unknown", "linux/arm64/v8", "linux/arm/v6", "linux/arm/v7", "linux/386", "linux/s390x"];
    let index = contents.index("app", "latest", &platforms);
    let server = contents.serve();
    for (wanted, expect) in [
        ("linux/amd64", "linux/386"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
    ] {
        let client = anonymous();
        let image = image(ask_for(&client, &server, "app", wanted));
        assert_eq!(image.environment[1].1, expect, "{wanted}");
        assert_eq!(image.index_digest, Some(digest(&index)));
        assert_eq!(statistics(&client, &server).requests, 3);
    }
    let Ok(Answer::PlatformMismatch { requested, available, index_digest }) =
        ask_for(&anonymous(), &server, "app", "linux/arm/v5")
    else {
        panic!("no mismatch");
    };
    assert_eq!((requested.to_string().as_str(), index_digest), ("linux/arm/v5", digest(&index)));
    let names: Vec<_> = available.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["linux/386", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "linux/s390x"]);
}

#[test]
fn attestations_are_no_images_and_unlabelled_entries_count_by_their_configuration() {
    let mut contents = Contents::default();
    let mut attestation = contents.image("app", "", &config("linux/amd64"));
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let unlabelled = contents.image("app", "", &config("linux/arm64"));
    let index = json!({"schemaVersion": 2, "manifests": [attestation, unlabelled]});
    contents.manifest("app", "1", INDEX, &index);
    let server = contents.serve();
    assert_eq!(image(ask_for(&anonymous(), &server, "app:1", "linux/arm64")).digest, digest(&unlabelled));
    let Ok(Answer::PlatformMismatch { available, .. }) = ask(&anonymous(), &server, "app:1") else {
        panic!("no mismatch");
    };
    assert_eq!(available, [Platform::new("linux", "arm64", "")]);
}

#[test]
fn docker_formats_are_read() {
    let mut contents = Contents::default();
    let bytes = config("linux/amd64").to_string();
    let config = contents.blob("app", "application/vnd.docker.container.image.v1+json", bytes.as_bytes());
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []});
    let mut entry = contents.manifest("app", "single", media_type, &manifest);
    entry["platform"] = json!({"os": "linux", "architecture": "amd64", "features": ["sse4"]});
    let media_type = "application/vnd.docker.distribution.manifest.list.v2+json";
    contents.manifest(
        "app",
        "list",
        media_type,
        &json!({"schemaVersion": 2, "mediaType": media_type, "manifests": [entry]}),
    );
    // A server that does not know the type of what it has.
    contents.manifest(
        "app",
        "untyped",
        "text/plain; charset=utf-8",
        &json!({"schemaVersion": 2, "manifests": [entry]}),
    );
    let server = contents.serve();
    for name in ["app:single", "app:list", "app:untyped"] {
        assert_eq!(image(ask(&anonymous(), &server, name)).digest, digest(&entry), "{name}");
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let mut contents = Contents::default();
    let config = contents.blob("app", CONFIG, b"{}");
    let chart = contents.blob("app", "application/vnd.cncf.helm.config.v1+json", b"{}");
    let nested = contents.index("app", "", &["linux/amd64"]);
    let mut nested = nested.clone();
    nested["platform"] = json!({"os": "linux", "architecture": "amd64"});
    let odd = "application/vnd.example.odd+json";
    let cases = [
        (
            "v1",
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            json!({"schemaVersion": 1, "fsLayers": []}),
            "schema 1",
        ),
        ("v1-untyped", "text/plain", json!({"schemaVersion": 1, "fsLayers": []}), "schema 1"),
        (
            "chart",
            MANIFEST,
            json!({"schemaVersion": 2, "config": chart}),
            "no container image: its configuration is application/vnd.cncf.helm",
        ),
        (
            "both",
            MANIFEST,
            json!({"schemaVersion": 2, "config": config, "manifests": []}),
            "both an image and an index",
        ),
        ("liar", MANIFEST, json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}), "contradicts"),
        ("odd", odd, json!({"schemaVersion": 2, "mediaType": odd, "config": config}), "unsupported media type"),
        ("empty", "application/json", json!({}), "unsupported media type"),
        ("digest", MANIFEST, json!({"config": {"digest": "sha256:zz", "size": 1}}), "malformed digest"),
        ("size", MANIFEST, json!({"config": {"digest": "sha256:zz", "size": -1}}), "malformed manifest"),
        ("nested", INDEX, json!({"manifests": [nested]}), "an index within an index"),
    ];
    for (tag, media_type, manifest, _) in &cases {
        contents.manifest("app", tag, media_type, manifest);
    }
    let server = contents.serve();
    for (tag, .., words) in &cases {
        failed(ask(&anonymous(), &server, &format!("app:{tag}")), ErrorKind::ResolverError, words);
    }
}

#[test]
fn localhost_is_asked_without_tls() {
    let server = app().serve();
    let port = server.host.rsplit(':').next().unwrap();
    let reference = Reference::parse(&format!("localhost:{port}/app:1")).unwrap();
    let answer = run(anonymous().image(&reference, &Platform::new("linux", "amd64", ""), None));
    assert_eq!(image(answer).platform.to_string(), "linux/amd64");
}
