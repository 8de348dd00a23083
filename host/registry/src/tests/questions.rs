//! Indexes, tags and referrers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fixture::{Contents, INDEX, MANIFEST, config, digest};
use super::server::{Reply, Seen};
use super::*;
use crate::limits::{ANNOTATIONS_MAX, ATTESTATIONS_MAX, PAGES_MAX, PREDICATE_TYPES_MAX, REFERRERS_MAX};
use crate::{Attestation, Index, Referrer};

fn reference(server: &Server, name: &str) -> Reference {
    Reference::parse(&format!("{}/{name}", server.host)).unwrap()
}

fn index(client: &Client, server: &Server, name: &str, attestations: bool) -> Result<Index, Error> {
    run(client.index(&reference(server, name), attestations, Some(Instant::now() + PATIENCE)))
}

fn tags(server: &Server, name: &str) -> Result<Vec<String>, Error> {
    run(anonymous().tags(&reference(server, name), Some(Instant::now() + PATIENCE)))
}

fn referrers(server: &Server, name: &str, kind: Option<&str>) -> Result<Vec<Referrer>, Error> {
    run(anonymous().referrers(&reference(server, name), kind, Some(Instant::now() + PATIENCE)))
}

fn wrong<T: std::fmt::Debug>(answer: Result<T, Error>, words: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ResolverError, "{error}");
    assert!(error.detail.contains(words), "`{error}` lacks `{words}`");
}

/// An attestation manifest about `subject`, with its entry for an index.
fn attestation(contents: &mut Contents, subject: &str, types: &[&str]) -> Value {
    let layers: Vec<Value> = types
        .iter()
        .map(|kind| {
            let mut layer = contents.blob("app", "application/vnd.in-toto+json", kind.as_bytes());
            layer["annotations"] = json!({"in-toto.io/predicate-type": kind, "other": null});
            layer
        })
        .collect();
    let config = contents.blob("app", "application/vnd.oci.image.config.v1+json", b"{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
    let mut entry = contents.manifest("app", "", MANIFEST, &manifest);
    entry["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    entry["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": subject,
    });
    entry
}

#[test]
fn an_index_is_told_whole_with_its_attestations() {
    let mut contents = Contents::default();
    let mut image = contents.image("app", "", &config("linux/arm64"));
    image["platform"] = json!({"os": "linux", "architecture": "arm64", "variant": "v8"});
    image["annotations"] = json!({"k": "v"});
    let (provenance, sbom) = ("https://slsa.dev/provenance/v1", "https://spdx.dev/Document");
    let attached = attestation(&mut contents, &digest(&image), &[sbom, provenance, sbom]);
    let document = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [image, attached], "annotations": {"a": "1", "b": null},
    });
    let whole = contents.manifest("app", "1", INDEX, &document);
    let (server, client) = (contents.serve(), anonymous());
    let plain = index(&client, &server, "app:1", false).unwrap();
    assert_eq!(statistics(&client, &server).requests, 1);
    assert_eq!((plain.digest, plain.is_index), (digest(&whole), true));
    assert_eq!(plain.annotations.into_iter().collect::<Vec<_>>(), [("a".into(), "1".into()), ("b".into(), "".into())]);
    let [first, second] = plain.entries.as_slice() else { panic!("{:?}", plain.entries) };
    assert_eq!((&first.digest, first.platform.as_ref().unwrap().to_string()), (&digest(&image), "linux/arm64".into()));
    assert_eq!((first.annotations["k"].as_str(), &first.attestation), ("v", &None));
    let subject = Some(digest(&image));
    let unread = Attestation { subject: subject.clone(), predicate_types: None };
    assert_eq!((&second.platform, second.attestation.as_ref()), (&None, Some(&unread)));

    let told = index(&client, &server, "app:1", true).unwrap();
    assert_eq!(statistics(&client, &server).requests, 2, "the attestation manifest besides");
    let predicate_types = Some(vec![provenance.to_owned(), sbom.to_owned()]);
    assert_eq!(told.entries[1].attestation, Some(Attestation { subject, predicate_types: predicate_types.clone() }));

    let itself = format!("app@{}", told.entries[1].digest);
    let told = index(&client, &server, &itself, true).unwrap();
    assert_eq!(statistics(&client, &server).requests, 2, "all of it is known");
    assert_eq!(told.entries[0].attestation, Some(Attestation { subject: None, predicate_types }));
    assert!(!told.entries[0].is_image);
}

/// Whoever asks for a tag, as an image or as an index, fetches what it means once.
#[test]
fn questions_for_one_tag_share_their_requests() {
    let mut contents = Contents::default();
    let mut entry = contents.image("app", "", &config("linux/amd64"));
    entry["platform"] = json!({"os": "linux", "architecture": "amd64"});
    contents.manifest("app", "1", INDEX, &json!({"schemaVersion": 2, "manifests": [entry]}));
    let (server, client) = (contents.serve(), Arc::new(anonymous()));
    let asked = reference(&server, "app:1");
    let platform = Platform::parse("linux/amd64").unwrap();
    run(async {
        let ask = |question: usize| {
            let (client, asked, platform) = (Arc::clone(&client), asked.clone(), platform.clone());
            tokio::spawn(async move {
                match question {
                    0 => client.image(&asked, &platform, None).await.map(drop),
                    1 => client.index(&asked, true, None).await.map(drop),
                    _ => client.referrers(&asked, None, None).await.map(drop),
                }
            })
        };
        for asking in [ask(0), ask(1), ask(2)] {
            asking.await.unwrap().unwrap();
        }
    });
    assert_eq!((server.count("/v2/app/manifests/1"), server.count("/v2/app/manifests/sha256:")), (1, 1));
}

#[test]
fn the_entry_for_a_platform_is_the_one_that_a_build_takes() {
    let mut contents = Contents::default();
    let mut entry = |platform: Option<Value>, kind: Option<&str>| {
        let mut entry = contents.image("app", "", &config("linux/amd64"));
        if let Some(platform) = platform {
            entry["platform"] = platform;
        }
        if let Some(kind) = kind {
            entry["annotations"] = json!({"vnd.docker.reference.type": kind});
        }
        entry
    };
    let of = |os: &str, architecture: &str| Some(json!({"os": os, "architecture": architecture}));
    let entries = [
        entry(of("linux", "amd64"), Some("attestation-manifest")),
        entry(of("unknown", "unknown"), None),
        entry(None, None),
        entry(of("linux", "386"), None),
        entry(of("linux", "amd64"), None),
    ];
    contents.manifest("app", "1", INDEX, &json!({"schemaVersion": 2, "manifests": entries}));
    let told = index(&anonymous(), &contents.serve(), "app:1", false).unwrap();
    let place = |platform: &str| {
        let entry = told.entry_for(&Platform::parse(platform).unwrap()).unwrap();
        told.entries.iter().position(|other| std::ptr::eq(other, entry)).unwrap()
    };
    assert_eq!((place("linux/amd64"), place("linux/386"), place("linux/s390x")), (4, 3, 2));
    assert_eq!(told.entries.iter().map(|entry| entry.is_image).collect::<Vec<_>>(), [false, false, true, true, true]);
}

#[test]
fn annotations_and_predicate_types_are_bounded() {
    let mut contents = Contents::default();
    let types: Vec<String> = (0..=PREDICATE_TYPES_MAX).map(|number| format!("https://a.example/{number}")).collect();
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    let entry = attestation(&mut contents, "x", &types);
    contents.manifest("app", "types", INDEX, &json!({"schemaVersion": 2, "manifests": [entry]}));
    let annotations: serde_json::Map<_, _> =
        (0..=ANNOTATIONS_MAX).map(|number| (number.to_string(), json!(""))).collect();
    let many = json!({"schemaVersion": 2, "manifests": [], "annotations": annotations});
    contents.manifest("app", "annotations", INDEX, &many);
    let server = contents.serve();
    wrong(index(&anonymous(), &server, "app:types", true), "more than 256 predicate types");
    wrong(index(&anonymous(), &server, "app:annotations", false), "more than 65536 annotations");

    let subject = format!("sha256:{}", "a".repeat(64));
    let path: &'static str = format!("/v2/app/referrers/{subject}").leak();
    let long = "x".repeat(3 << 20);
    let page = |number: usize| json!({"manifests": [{"digest": format!("sha256:{number:064}"), "size": 1, "artifactType": long}]});
    let server = paged(path, (0..3).map(page).collect());
    wrong(referrers(&server, &format!("app@{subject}"), None), "more than 8388608 bytes of annotations and types");
}

#[test]
fn a_single_image_is_its_own_entry() {
    let mut contents = Contents::default();
    let manifest = contents.image("app", "1", &config("linux/amd64"));
    let told = index(&anonymous(), &contents.serve(), "app:1", true).unwrap();
    assert_eq!((told.is_index, &told.digest, told.entries.len()), (false, &digest(&manifest), 1));
    assert_eq!((&told.entries[0].digest, &told.entries[0].platform), (&digest(&manifest), &None));
    assert_eq!(told.entries[0].size, manifest["size"].as_u64().unwrap());
}

#[test]
fn attestations_are_bounded() {
    let mut contents = Contents::default();
    let entry = attestation(&mut contents, "x", &[]);
    let entries = vec![entry; ATTESTATIONS_MAX + 1];
    contents.manifest("app", "1", INDEX, &json!({"schemaVersion": 2, "manifests": entries}));
    wrong(index(&anonymous(), &contents.serve(), "app:1", true), "more than 64 attestation manifests");
}

/// A server with `pages` under `path`, each linking to the next by its number.
fn paged(path: &'static str, pages: Vec<Value>) -> Server {
    Server::start(move |request: &Seen| {
        let Some(query) = request.path.strip_prefix(path) else {
            return if request.path == "/v2/" { Reply::new(200, "{}") } else { Reply::new(404, "") };
        };
        let number = query.rsplit_once("page=").map_or(0, |(_, number)| number.parse::<usize>().unwrap());
        let reply = Reply::new(200, pages[number].to_string());
        match number + 1 < pages.len() {
            true => reply.header("Link", format!("<{path}?page={}>; rel=\"next\"", number + 1)),
            false => reply,
        }
    })
}

#[test]
fn tags_are_collected_and_sorted() {
    let server = paged(
        "/v2/app/tags/list",
        vec![json!({"tags": ["b", "1.0"]}), json!({"name": "app"}), json!({"tags": ["a", "b", "_x"]})],
    );
    assert_eq!(tags(&server, "app").unwrap(), ["1.0", "_x", "a", "b"]);
    assert_eq!(server.seen()[1].path, "/v2/app/tags/list?n=1000");
    assert_eq!(tags(&server, "other").unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn lists_of_tags_are_bounded_and_checked() {
    let many: Vec<Value> = (0..=PAGES_MAX).map(|_| json!({"tags": []})).collect();
    wrong(tags(&paged("/v2/app/tags/list", many), "app"), "more than 512 pages");
    wrong(tags(&paged("/v2/app/tags/list", vec![json!({"tags": ["a b"]})]), "app"), "one is no tag");
    wrong(tags(&paged("/v2/app/tags/list", vec![json!([])]), "app"), "malformed list of tags");
    let circle = Server::start(|request| match request.path.as_str() {
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(200, r#"{"tags": ["a"]}"#).header("Link", "<?page=2>; rel=next"),
    });
    wrong(tags(&circle, "app"), "lead in a circle");
    let full = |letter: &str| {
        let tags: Vec<String> = (0..30_000).map(|number| format!("{letter}{number:099}")).collect();
        json!({"tags": tags})
    };
    let large: Vec<Value> = ["a", "b", "c", "d"].map(full).into();
    wrong(tags(&paged("/v2/app/tags/list", large), "app"), "more than 100000 tags");
}

#[test]
fn links_never_lead_to_another_server() {
    let elsewhere = Server::start(|_| Reply::new(200, r#"{"tags": ["theirs"]}"#));
    let target = elsewhere.host.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/v2/" => Reply::new(200, "{}"),
        "/v2/app/tags/list?last=a" => Reply::new(200, r#"{"tags": ["b"]}"#),
        _ => Reply::new(200, r#"{"tags": ["a"]}"#).header("Link", format!("<http://{target}/x?last=a>; rel=next")),
    });
    assert_eq!(tags(&server, "app").unwrap(), ["a", "b"]);
    assert_eq!(elsewhere.seen().len(), 0);
}

fn referrer(number: usize, kind: &str) -> Value {
    let digest = format!("sha256:{number:064}");
    json!({"mediaType": MANIFEST, "digest": digest, "size": number, "artifactType": kind, "annotations": {"n": "1"}})
}

#[test]
fn referrers_come_from_the_api_in_pages() {
    let subject = format!("sha256:{}", "a".repeat(64));
    let path: &'static str = format!("/v2/app/referrers/{subject}").leak();
    let page = |entries: &[Value]| json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    let server =
        paged(path, vec![page(&[referrer(2, "sbom"), referrer(1, "signature")]), page(&[referrer(2, "sbom")])]);
    let name = format!("app@{subject}");
    let found = referrers(&server, &name, None).unwrap();
    assert_eq!(found.iter().map(|referrer| referrer.size).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((found[1].artifact_type.as_deref(), found[1].annotations["n"].as_str()), (Some("sbom"), "1"));
    // Whether or not the registry filters, only those are told.
    assert_eq!(referrers(&server, &name, Some("sbom")).unwrap(), found[1..]);
    assert!(server.seen().iter().any(|seen| seen.path.ends_with("?artifactType=sbom")));
    assert_eq!(server.count("/v2/app/manifests/"), 0);

    let many: Vec<Value> = (0..=REFERRERS_MAX).map(|number| referrer(number, "")).collect();
    wrong(referrers(&paged(path, vec![page(&many)]), &name, None), "more than 10000 referrers");
    wrong(referrers(&paged(path, vec![json!({})]), &name, None), "no manifests");
    wrong(referrers(&paged(path, vec![page(&[json!({"digest": "x", "size": 1})])]), &name, None), "a malformed digest");
}

#[test]
fn referrers_come_from_the_tag_where_there_is_no_api() {
    let mut contents = Contents::default();
    let manifest = contents.image("app", "1", &config("linux/amd64"));
    let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [referrer(1, "sbom")]});
    contents.manifest("app", &digest(&manifest).replace(':', "-"), INDEX, &list);
    contents.image("bare", "1", &config("linux/amd64"));
    let server = contents.serve();
    let found = referrers(&server, "app:1", None).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].artifact_type.as_deref(), Some("sbom"));
    assert_eq!(referrers(&server, "app:1", Some("signature")).unwrap(), []);
    assert_eq!(referrers(&server, "bare:1", None).unwrap(), []);

    // Who has no such list for one manifest has none for another.
    let (client, before) = (anonymous(), server.count("/v2/app/referrers/"));
    for name in ["app:1", &format!("app@sha256:{}", "b".repeat(64))] {
        run(client.referrers(&reference(&server, name), None, None)).unwrap();
    }
    assert_eq!(server.count("/v2/app/referrers/"), before + 1);
}
