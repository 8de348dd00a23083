//! Signatures: those in `tests/signatures`, which cosign 3.1 made with keys of
//! four kinds; those that a hostile registry may hold instead; and those that
//! cosign makes here and now in Debian's `docker-registry`; and what they are for,
//! plugins that run where a key signed them. Where these programs
//! are not installed, the tests that need them say so and are skipped;
//! `PLIMSOLL_REQUIRE_SERVERS=1` makes that a failure.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "signatures/plugins.rs"]
mod plugins;
#[path = "signatures/shelf.rs"]
mod shelf;
#[path = "signatures/signer.rs"]
mod signer;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use plimsoll::config::Digest;
use plimsoll::limits::{BUNDLE_BYTES_MAX, SIGNATURES_MAX};
use plimsoll::signature::{Form, Key, Refusal, Repository, Wrong, verify, verify_bundle, verify_simple};
use plimsoll_dockerfile::Reference;
use plimsoll_registry::{Client, ClientConfig, Environment, ErrorKind};
use plimsoll_test_support::{Cosign, DockerRegistry, Image, cosign, docker_registry, repository_root, scratch_folder};
use serde_json::{Value, json};
use shelf::{BUNDLE, EMPTY, Shelf};
use signer::{Signer, payload, statement};

/// What cosign signed.
const SIGNED: &str = "sha256:2767c8c12ac154cf16fa926712e5ba4509ec20b37870d88a24a9dba3968604fd";
const OTHER: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

fn made(name: &str) -> Vec<u8> {
    fs::read(repository_root().join("tests/signatures").join(name)).unwrap()
}

fn key(name: &str) -> Key {
    Key::parse(&made(&format!("{name}.pub"))).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn keys_of_several_kinds_verify_what_cosign_signed() {
    let simple = made("payload.json");
    for name in ["p256", "p384", "rsa"] {
        let (key, bundle) = (key(name), made(&format!("{name}.bundle.json")));
        let signature = String::from_utf8(made(&format!("{name}.sig"))).unwrap();
        assert_eq!(verify_bundle(&key, &bundle, &digest(SIGNED)), Ok(()), "{name}");
        assert_eq!(verify_simple(&key, &simple, &signature, &digest(SIGNED)), Ok(()), "{name}");
        let other = Wrong::OtherContent(Some(digest(SIGNED)));
        assert_eq!(verify_bundle(&key, &bundle, &digest(OTHER)), Err(other.clone()), "{name}");
        assert_eq!(verify_simple(&key, &simple, &signature, &digest(OTHER)), Err(other), "{name}");
        for stranger in ["p256", "p384", "rsa", "ed25519"].into_iter().filter(|stranger| *stranger != name) {
            let stranger = self::key(stranger);
            assert_eq!(verify_bundle(&stranger, &bundle, &digest(SIGNED)), Err(Wrong::OtherKey), "{name}");
            assert_eq!(verify_simple(&stranger, &simple, &signature, &digest(SIGNED)), Err(Wrong::OtherKey), "{name}");
        }
        let changed = String::from_utf8(simple.clone()).unwrap().replace("acme/rules", "acme/ruled");
        assert_eq!(verify_simple(&key, changed.as_bytes(), &signature, &digest(SIGNED)), Err(Wrong::OtherKey));
    }
}

/// Whatever is changed in a signature, or in what it signs, it does not hold any more.
#[test]
fn every_byte_counts() {
    let (key, bundle, payload) = (key("p256"), made("p256.bundle.json"), made("payload.json"));
    let signature = made("p256.sig");
    let text = String::from_utf8(bundle.clone()).unwrap();
    // What the bundle says of the key does not count: the user names it.
    let hint = text.find("\"verificationMaterial\"").unwrap()..text.find("\"dsseEnvelope\"").unwrap();
    let flipped = |bytes: &[u8], place: usize, bit: u8| {
        let mut bytes = bytes.to_vec();
        bytes[place] ^= 1 << bit;
        bytes
    };
    for bit in [0, 1, 5] {
        for place in (0..bundle.len()).filter(|place| !hint.contains(place)) {
            let held = verify_bundle(&key, &flipped(&bundle, place, bit), &digest(SIGNED));
            assert!(held.is_err(), "{place}: {held:?}");
        }
        for place in 0..payload.len() {
            let base64 = str::from_utf8(&signature).unwrap();
            let held = verify_simple(&key, &flipped(&payload, place, bit), base64, &digest(SIGNED));
            assert_eq!(held, Err(Wrong::OtherKey), "{place}");
        }
        for place in 0..signature.len() {
            let base64 = String::from_utf8(flipped(&signature, place, bit)).unwrap();
            assert!(verify_simple(&key, &payload, &base64, &digest(SIGNED)).is_err(), "{place}");
        }
    }
}

/// cosign 3 digests content before it signs it with such keys, which is not known here; others do not.
#[test]
fn an_ed25519_key_verifies_plain_signatures() {
    assert_eq!(verify_bundle(&key("ed25519"), &made("ed25519.bundle.json"), &digest(SIGNED)), Err(Wrong::OtherKey));
    let mut shelf = Shelf::default();
    shelf.attach(Some(BUNDLE), &made("ed25519.bundle.json"));
    let refusal = run(verify(&key("ed25519"), &shelf, &digest(SIGNED))).unwrap_err().to_string();
    assert!(refusal.contains("1 signature, none by the key sha256:") && refusal.contains("Ed25519ph"), "{refusal}");

    let signer = Signer::ed25519();
    assert_eq!(verify_bundle(&signer.key(), &signer.bundle(&statement(SIGNED)), &digest(SIGNED)), Ok(()));
}

#[test]
fn a_file_without_a_public_key_says_what_it_is() {
    let p256 = String::from_utf8(made("p256.pub")).unwrap();
    let cases = [
        (String::new(), "-----BEGIN PUBLIC KEY-----"),
        ("MFkwEwYH".to_owned(), "-----BEGIN PUBLIC KEY-----"),
        (format!("{p256}{p256}"), "one public key is expected"),
        (p256.replace("MFkw", "MFkx"), "malformed"),
        (p256.replace("zQ==", "=="), "malformed"),
        (p256.replace("-----END", "----END"), "malformed"),
        (String::from_utf8(made("p521.pub")).unwrap(), "ECDSA P-521 keys are not supported: use ECDSA P-256"),
        ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n".to_owned(), "this is a private key"),
        (p256.replace("PUBLIC KEY", "CERTIFICATE"), "-----BEGIN PUBLIC KEY-----"),
        (p256.repeat(200), "larger than"),
        (signer::pem(&signer::rsa_of_512_bits()), "an RSA key of 512 bits"),
    ];
    for (text, words) in cases {
        let error = Key::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    // Every byte counts or is refused: no key is read into what is none.
    let der = signer::der(&p256);
    for length in 0..der.len() {
        assert!(Key::parse(signer::pem(&der[..length]).as_bytes()).is_err(), "{length}");
    }
    assert!(Key::parse(signer::pem(&[der.as_slice(), b"\0"].concat()).as_bytes()).is_err());

    let folder = scratch_folder();
    assert!(Key::read(&folder.path().join("none.pub")).is_err());
    assert!(Key::read(folder.path()).is_err());
}

/// What the key did not sign, or signed about something else, counts for nothing.
#[test]
fn a_bundle_counts_as_it_was_signed() {
    let signer = Signer::p256();
    let sound: Value = serde_json::from_slice(&signer.bundle(&statement(SIGNED))).unwrap();
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut bundle = sound.clone();
        change(&mut bundle);
        let wrong = verify_bundle(&signer.key(), bundle.to_string().as_bytes(), &digest(SIGNED));
        let shown = wrong.map_or_else(|wrong| wrong.to_string(), |()| "sound".to_owned());
        assert!(shown.contains(expected), "{shown} lacks {expected}: {bundle}");
    };
    check(&|_| {}, "sound");
    check(&|bundle| bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.4+json"), "another version");
    check(&|bundle| bundle["dsseEnvelope"]["payloadType"] = json!("text/plain"), "something else than");
    check(&|bundle| bundle["dsseEnvelope"]["payload"] = json!("e30="), "not by this key");
    check(&|bundle| bundle["dsseEnvelope"]["payload"] = json!("e30"), "no Base64");
    check(&|bundle| bundle["dsseEnvelope"]["signatures"] = json!([]), "without signature");
    check(&|bundle| bundle["dsseEnvelope"]["signatures"] = json!([{ "sig": "" }]), "not by this key");
    check(&|bundle| bundle["dsseEnvelope"]["signatures"] = json!([{ "sig": "A".repeat(5000) }]), "a signature of more");
    check(&|bundle| drop(bundle["dsseEnvelope"].take()), "without an envelope");
    check(&|bundle| bundle["dsseEnvelope"]["signatures"] = json!({}), "malformed bundle");
    // Of several, one is enough; too many are not looked at.
    let with = |strangers: usize| {
        let sound = sound["dsseEnvelope"]["signatures"][0].clone();
        let mut all = vec![json!({ "sig": "AAAA" }); strangers];
        all.push(sound);
        Value::from(all)
    };
    check(&|bundle| bundle["dsseEnvelope"]["signatures"] = with(3), "sound");
    check(&|bundle| bundle["dsseEnvelope"]["signatures"] = with(SIGNATURES_MAX), "an envelope of more than");

    let signed = |statement: Value| {
        let wrong = verify_bundle(&signer.key(), &signer.bundle(&statement), &digest(SIGNED));
        wrong.map_or_else(|wrong| wrong.to_string(), |()| "sound".to_owned())
    };
    let changed = |place: &str, value: Value| {
        let mut statement = statement(SIGNED);
        *statement.pointer_mut(place).unwrap() = value;
        signed(statement)
    };
    assert!(changed("/predicateType", json!("https://spdx.dev/Document")).contains("states something else"));
    assert!(changed("/_type", json!("https://in-toto.io/Statement/v0.1")).contains("states something else"));
    assert!(changed("/subject", json!([])).contains("of nothing that can be told"));
    assert!(changed("/subject/0/digest", json!({ "sha512": "00" })).contains("of nothing that can be told"));
    assert!(changed("/subject/0/digest/sha256", json!("\u{1b}[31m")).contains("of nothing that can be told"));
    assert!(changed("/subject/0/digest/sha256", json!(OTHER.split_at(7).1)).contains(&format!("of {OTHER}")));
    assert!(changed("/subject", json!(7)).contains("malformed statement"));
    let both = json!([statement(OTHER)["subject"][0], statement(SIGNED)["subject"][0]]);
    assert_eq!(changed("/subject", both), "sound");

    let large = [b" ".repeat(BUNDLE_BYTES_MAX), sound.to_string().into_bytes()].concat();
    let deep = "[".repeat(100_000);
    let twice = sound.to_string().replacen('{', "{\"mediaType\":\"\",", 1);
    for (bytes, words) in [
        (large.as_slice(), "a bundle of more than"),
        (deep.as_bytes(), "malformed"),
        (twice.as_bytes(), "malformed"),
        (b"\0\xff", "malformed"),
        (b"", "malformed"),
    ] {
        let wrong = verify_bundle(&signer.key(), bytes, &digest(SIGNED)).unwrap_err().to_string();
        assert!(wrong.contains(words), "{wrong}");
    }
}

#[test]
fn an_older_signature_counts_as_it_was_signed() {
    let signer = Signer::p256();
    let check = |payload: &[u8], words: &str| {
        let result = verify_simple(&signer.key(), payload, &signer.sign(payload), &digest(SIGNED));
        let shown = result.map_or_else(|wrong| wrong.to_string(), |()| "sound".to_owned());
        assert!(shown.contains(words), "{shown} lacks {words}");
    };
    check(payload(SIGNED).to_string().as_bytes(), "sound");
    check(payload(OTHER).to_string().as_bytes(), &format!("of {OTHER}"));
    check(payload("latest").to_string().as_bytes(), "of nothing that can be told");
    let mut blob = payload(SIGNED);
    blob["critical"]["type"] = json!("a note");
    check(blob.to_string().as_bytes(), "states something else");
    check(b"{}", "malformed payload");
    check(&vec![b' '; 100_000], "a payload of more than");
    // What an envelope signs is no such payload.
    check(statement(SIGNED).to_string().as_bytes(), "malformed payload");
    let wrong = verify_simple(&signer.key(), b"{}", "*", &digest(SIGNED)).unwrap_err();
    assert!(wrong.to_string().contains("no Base64"), "{wrong}");
}

/// One signature that holds is enough, whatever lies around it; without one, the reason is the one that helps most.
#[test]
fn signatures_are_found_among_others() {
    let (signer, stranger) = (Signer::p256(), Signer::p256());
    let ours = signer.bundle(&statement(SIGNED));
    let theirs = stranger.bundle(&statement(SIGNED));
    let moved = signer.bundle(&statement(OTHER));
    let verified = |shelf: &Shelf| run(verify(&signer.key(), shelf, &digest(SIGNED))).map(|proof| proof.form());
    let refused = |shelf: &Shelf, words: &str| {
        let refusal = verified(shelf).unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal} lacks {words}");
    };

    let mut shelf = Shelf::default();
    refused(&shelf, "cosign sign --key");
    // An SBOM by the same key is no signature, nor is what has another type.
    let mut about = statement(SIGNED);
    about["predicateType"] = json!("https://spdx.dev/Document");
    shelf.attach_about(Some(EMPTY), "https://spdx.dev/Document", &signer.bundle(&about));
    shelf.attach(Some("application/spdx+json"), &ours);
    refused(&shelf, "has no signature");
    shelf.attach(Some(BUNDLE), b"no bundle");
    refused(&shelf, "cannot be read: malformed bundle");
    shelf.attach(Some(BUNDLE), &vec![b' '; 10 << 20]);
    refused(&shelf, "cannot be read");
    shelf.attach(Some(BUNDLE), &theirs);
    refused(&shelf, "has 1 signature, none by the key sha256:");
    shelf.attach(Some(BUNDLE), &moved);
    refused(&shelf, &format!("but it is of {OTHER}"));
    let asked = shelf.asked();
    assert!(asked.iter().all(|(_, bytes)| *bytes <= BUNDLE_BYTES_MAX), "{asked:?}");
    // As cosign 3 lists it under a tag.
    shelf.attach(Some(EMPTY), &ours);
    assert_eq!(verified(&shelf).unwrap(), Form::Bundle);

    let mut shelf = Shelf::default();
    shelf.attach(Some(BUNDLE), &theirs);
    shelf.tag(&[(payload(OTHER), &signer), (payload(SIGNED), &stranger)]);
    refused(&shelf, &format!("but it is of {OTHER}"));
    shelf.tag(&[(payload(SIGNED), &stranger), (payload(SIGNED), &signer)]);
    assert_eq!(verified(&shelf).unwrap(), Form::Simple);
    // The registry has the same for whatever it is asked.
    let refusal = run(verify(&signer.key(), &shelf, &digest(OTHER))).unwrap_err();
    assert!(matches!(refusal, Refusal::OtherContent { named: Some(named), .. } if named == digest(SIGNED)));
}

#[test]
fn a_hostile_registry_is_asked_so_many_times() {
    let signer = Signer::p256();
    let mut shelf = Shelf::default();
    for number in 0..1000 {
        shelf.attach(Some(BUNDLE), format!("{number}").as_bytes());
    }
    let signatures: Vec<_> = (0..1000).map(|_| (payload(OTHER), &signer)).collect();
    shelf.tag(&signatures);
    assert!(run(verify(&signer.key(), &shelf, &digest(SIGNED))).is_err());
    assert!(shelf.asked().len() <= 3 * SIGNATURES_MAX + 2, "{}", shelf.asked().len());

    // What is listed and not there, or is something else than JSON, is no signature; what cannot be told is said.
    let mut shelf = Shelf::default();
    shelf.attach(Some(BUNDLE), &signer.bundle(&statement(SIGNED)));
    shelf.lose_blobs(ErrorKind::NotFound);
    assert!(matches!(run(verify(&signer.key(), &shelf, &digest(SIGNED))), Err(Refusal::Unreadable { .. })));
    shelf.lose_blobs(ErrorKind::Network);
    let refusal = run(verify(&signer.key(), &shelf, &digest(SIGNED))).unwrap_err().to_string();
    assert!(refusal.starts_with("signatures cannot be looked up: "), "{refusal}");
}

/// A repository with one image.
struct Published {
    registry: DockerRegistry,
    digest: String,
}

const REPOSITORY: &str = "acme/rules";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Published {
    fn new(test: &str) -> Option<Self> {
        if !docker_registry::installed_or_skip(test) || !cosign::installed_or_skip(test) {
            return None;
        }
        let registry = DockerRegistry::start(&plimsoll_test_support::Auth::Open);
        let digest = registry.push("acme/rules:1", &Image::new("linux/amd64"));
        Some(Self { registry, digest })
    }

    fn reference(&self) -> String {
        format!("{}@{}", self.registry.reference(REPOSITORY), self.digest)
    }

    /// Asks with a new client, which remembers nothing.
    fn verify(&self, key: &Path, digest: &str) -> Result<Form, Refusal> {
        let client = Client::new(ClientConfig::new(Environment::default()));
        let reference = Reference::parse(&self.registry.reference("acme/rules:1")).unwrap();
        let deadline = Some(Instant::now() + Duration::from_secs(20));
        let repository = Repository { client: &client, reference: &reference, deadline };
        run(verify(&Key::read(key).unwrap(), &repository, &self::digest(digest))).map(|proof| proof.form())
    }

    fn refused(&self, key: &Path, digest: &str, words: &str) {
        let refusal = self.verify(key, digest).unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal} lacks {words}");
    }

    fn fallback_tag(&self) -> String {
        self.digest.replace(':', "-")
    }
}

#[test]
fn cosign_s_bundle_is_found_and_holds_for_its_image_alone() {
    let Some(published) = Published::new("cosign_s_bundle_is_found_and_holds_for_its_image_alone") else { return };
    let (registry, digest) = (&published.registry, &published.digest);
    let (ours, theirs) = (Cosign::new(), Cosign::new());
    published.refused(&ours.public_key(), digest, "has no signature in its repository");
    theirs.sign(&published.reference(), cosign::Form::Bundle);
    published.refused(&ours.public_key(), digest, "has 1 signature, none by the key");
    ours.sign(&published.reference(), cosign::Form::Bundle);
    assert_eq!(published.verify(&ours.public_key(), digest).unwrap(), Form::Bundle);
    assert_eq!(published.verify(&theirs.public_key(), digest).unwrap(), Form::Bundle);

    // Its list hung on another image.
    let other = registry.push("acme/rules:2", &Image::new("linux/arm64"));
    let list = registry.json(REPOSITORY, &format!("manifests/{}", published.fallback_tag()));
    registry.put_manifest(REPOSITORY, &other.replace(':', "-"), INDEX, list.to_string().as_bytes());
    published.refused(&ours.public_key(), &other, &format!("but it is of {digest}"));

    // Its bundle, changed to speak of the other image.
    let manifest = list["manifests"].as_array().unwrap().iter();
    let mut manifest =
        registry.json(REPOSITORY, &format!("manifests/{}", manifest.last().unwrap()["digest"].as_str().unwrap()));
    let bundle = registry.json(REPOSITORY, &format!("blobs/{}", manifest["layers"][0]["digest"].as_str().unwrap()));
    let attach = |bundle: &[u8], manifest: &mut Value| {
        manifest["layers"][0]["digest"] = json!(registry.put_blob(REPOSITORY, bundle));
        manifest["layers"][0]["size"] = json!(bundle.len());
        let bytes = manifest.to_string().into_bytes();
        let digest = Digest::of(&bytes);
        registry.put_manifest(REPOSITORY, digest.as_str(), MANIFEST, &bytes);
        let entry =
            json!({ "mediaType": MANIFEST, "digest": digest.as_str(), "size": bytes.len(), "artifactType": EMPTY });
        let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
        registry.put_manifest(REPOSITORY, &other.replace(':', "-"), INDEX, list.to_string().as_bytes());
    };
    let mut changed = bundle.clone();
    changed["dsseEnvelope"]["payload"] = json!(signer::base64(statement(&other).to_string().as_bytes()));
    attach(changed.to_string().as_bytes(), &mut manifest);
    published.refused(&ours.public_key(), &other, "has 1 signature, none by the key");
    attach(b"\0 no bundle", &mut manifest);
    published.refused(&ours.public_key(), &other, "cannot be read: malformed bundle");
    attach(&vec![b'{'; 10 << 20], &mut manifest);
    published.refused(&ours.public_key(), &other, "10485760 bytes; at most 262144 are read");
    // Larger than its manifest says.
    manifest["layers"][0]["size"] = json!(600);
    let bytes = manifest.to_string().into_bytes();
    let lying = registry.put_manifest(REPOSITORY, Digest::of(&bytes).as_str(), MANIFEST, &bytes);
    let entry = json!({ "mediaType": MANIFEST, "digest": lying, "size": bytes.len(), "artifactType": BUNDLE });
    let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    registry.put_manifest(REPOSITORY, &other.replace(':', "-"), INDEX, list.to_string().as_bytes());
    published.refused(&ours.public_key(), &other, "cannot be read: a blob");
    // All of that changed nothing for the first.
    assert_eq!(published.verify(&ours.public_key(), digest).unwrap(), Form::Bundle);
}

#[test]
fn cosign_s_older_signature_is_found_and_holds_for_its_image_alone() {
    let Some(published) = Published::new("cosign_s_older_signature_is_found_and_holds_for_its_image_alone") else {
        return;
    };
    let (registry, digest) = (&published.registry, &published.digest);
    let (ours, theirs) = (Cosign::new(), Cosign::new());
    theirs.sign(&published.reference(), cosign::Form::Tag);
    published.refused(&ours.public_key(), digest, "has 1 signature, none by the key");
    ours.sign(&published.reference(), cosign::Form::Tag);
    assert_eq!(published.verify(&ours.public_key(), digest).unwrap(), Form::Simple);

    let other = registry.push("acme/rules:2", &Image::new("linux/arm64"));
    let tag = format!("{}.sig", published.fallback_tag());
    let mut signatures = registry.json(REPOSITORY, &format!("manifests/{tag}"));
    let moved = format!("{}.sig", other.replace(':', "-"));
    registry.put_manifest(REPOSITORY, &moved, MANIFEST, signatures.to_string().as_bytes());
    published.refused(&ours.public_key(), &other, &format!("but it is of {digest}"));

    // A payload about the other image under cosign's signatures.
    let changed = payload(&other).to_string().into_bytes();
    for layer in signatures["layers"].as_array_mut().unwrap() {
        layer["digest"] = json!(registry.put_blob(REPOSITORY, &changed));
        layer["size"] = json!(changed.len());
    }
    registry.put_manifest(REPOSITORY, &moved, MANIFEST, signatures.to_string().as_bytes());
    published.refused(&ours.public_key(), &other, "has 2 signatures, none by the key");

    let error = Key::read(&ours.private_key()).unwrap_err().to_string();
    assert!(error.contains("this is a private key") && error.contains(".pub"), "{error}");
}
