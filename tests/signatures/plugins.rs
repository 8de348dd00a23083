//! Plugins that somebody wants signed: what runs, and what does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use plimsoll::config::Digest;
use plimsoll::distribution::Shelf;
use plimsoll::signature::{Key, Proof};
use plimsoll_test_support::component::component;
use plimsoll_test_support::image::{Content, Tree};
use plimsoll_test_support::user::artifact;
use plimsoll_test_support::{
    Auth, Cosign, DockerRegistry, Linted, Registry, User, best_of, cosign, docker_registry, scratch_folder, timed,
};
use serde_json::{Value, json};

use crate::signer::{Signer, payload, statement};
use crate::{BUNDLE, EMPTY, INDEX, MANIFEST};

const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";
const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

fn acme() -> &'static [u8] {
    static ACME: OnceLock<Vec<u8>> = OnceLock::new();
    ACME.get_or_init(|| fs::read(component("acme")).unwrap())
}

/// The same rules in other bytes.
fn changed() -> Vec<u8> {
    [acme(), b"\x00\x03\x01x!"].concat()
}

/// A registry, and a user with the public key of somebody who signs in it.
struct Scene {
    registry: Registry,
    user: User,
    signer: Signer,
}

impl Scene {
    fn new() -> Self {
        let (registry, user, signer) = (Registry::start(), somebody(), Signer::p256());
        user.tree.write("acme.pub", signer.pem());
        Self { registry, user, signer }
    }

    fn push(&self, name: &str, component: &[u8]) -> String {
        self.registry.push_tree(name, &artifact(CONFIG, LAYER, component))
    }

    fn source(&self, name: &str) -> String {
        format!("oci://{}", self.registry.reference(name))
    }

    /// Hangs bundles on a manifest of repository `acme`, as cosign 3 does without a list of the registry's own.
    fn attach(&self, digest: &str, bundles: &[Vec<u8>]) {
        let (mut manifests, mut blobs) = (Vec::new(), Vec::new());
        for bundle in bundles {
            let bundle = Content::new(BUNDLE, bundle.clone());
            let manifest = json!({ "schemaVersion": 2, "artifactType": BUNDLE, "layers": [bundle.descriptor()] });
            manifests.push(Content::json(MANIFEST, &manifest));
            blobs.push(bundle);
        }
        let listed = manifests.iter().map(|manifest| {
            let mut entry = manifest.descriptor();
            entry["artifactType"] = json!(EMPTY);
            entry
        });
        let listed: Vec<Value> = listed.collect();
        let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": listed });
        let tree = Tree { root: Content::json(INDEX, &list), manifests, blobs };
        self.registry.push_tree(&format!("acme:{}", digest.replace(':', "-")), &tree);
    }

    /// Puts an older signature under a manifest's tag.
    fn tag(&self, digest: &str, payload: &Value, signer: &Signer) {
        let blob = Content::json(SIMPLE, payload);
        let mut layer = blob.descriptor();
        layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": signer.sign(&blob.bytes) });
        let root = Content::json(MANIFEST, &json!({ "schemaVersion": 2, "layers": [layer] }));
        let tree = Tree { root, manifests: Vec::new(), blobs: vec![blob] };
        self.registry.push_tree(&format!("acme:{}.sig", digest.replace(':', "-")), &tree);
    }

    /// What is signed in one of the two forms.
    fn sign(&self, digest: &str, form: cosign::Form) {
        match form {
            cosign::Form::Bundle => self.attach(digest, &[self.signer.bundle(&statement(digest))]),
            cosign::Form::Tag => self.tag(digest, &payload(digest), &self.signer),
        }
    }

    /// The plugin, signed, which the user lets run.
    fn added(form: cosign::Form) -> Self {
        let scene = Self::new();
        scene.sign(&scene.push("acme:1", acme()), form);
        let added = scene.user.plugin(&format!("add {} --key acme.pub --yes", scene.source("acme:1")));
        assert!(added.stdout.contains("signed by    ") && added.stdout.contains("acme.pub"), "{added:#?}");
        scene
    }
}

fn somebody() -> User {
    User::new(env!("CARGO_BIN_EXE_plimsoll"))
}

fn runs(linted: &Linted) -> bool {
    linted.findings().iter().any(|finding| finding.starts_with("acme/no-latest 1: "))
}

/// It does not run, nothing of it is compiled, the reason has these words, and the other rules go on.
fn check_refused(user: &User, arguments: &str, words: &str) {
    let linted = user.lint(&format!("-v {arguments}"));
    assert!(linted.status == 2 && linted.stderr.contains(words), "no `{words}`: {linted:#?}");
    assert!(linted.stderr.contains("components compiled by this process: 0"), "{linted:#?}");
    assert!(!runs(&linted), "{linted:#?}");
    assert!(linted.findings().iter().any(|finding| finding.starts_with("sources/latest-tag 1: ")), "{linted:#?}");
}

fn proof(user: &User) -> PathBuf {
    let is_proof = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "proof");
    user.kept().into_iter().find(is_proof).unwrap()
}

#[test]
fn what_is_signed_runs_and_later_without_network() {
    for form in [cosign::Form::Bundle, cosign::Form::Tag] {
        let Scene { registry, user, .. } = Scene::added(form);
        let key = fs::canonicalize(user.tree.path().join("acme.pub")).unwrap();
        let config = fs::read_to_string(user.config()).unwrap();
        assert!(config.contains(&format!("key = \"{}\"", key.display())), "{config}");
        let asked = registry.log().len();
        let linted = user.lint("-v");
        assert!(runs(&linted) && linted.stderr.contains("compiled by this process: 0"), "{linted:#?}");
        assert!(user.tree.run("rules").stdout.contains("acme/no-latest"));
        assert_eq!(registry.log().len(), asked, "what is here is asked of nobody");
        user.plugin("verify");
        assert!(user.plugin("list").stdout.contains(&format!("  key          {}\n", key.display())));
        drop(registry);
        assert!(runs(&user.lint("--offline")));
        assert_eq!(user.plugin("verify --offline").stdout, "");
        // A relative name means what lies beside the file that has it.
        fs::copy(&key, user.config().with_file_name("beside.pub")).unwrap();
        fs::write(user.config(), config.replace(key.to_str().unwrap(), "beside.pub")).unwrap();
        fs::remove_file(key).unwrap();
        assert!(runs(&user.lint("--offline")));
    }
}

#[test]
fn what_is_not_signed_is_refused_and_nothing_of_it_is_kept() {
    let scene = Scene::new();
    let Scene { registry, user, signer } = &scene;
    let source = scene.source("acme:1");
    let other = scene.push("acme:2", &changed());
    let digest = scene.push("acme:1", acme());
    let check = |words: &str| {
        for command in [format!("add {source} --yes"), format!("pull {source}")] {
            let refused = user.refused(&format!("{command} --key acme.pub"), words);
            assert!(refused.stderr.contains(&source), "{refused:#?}");
        }
        assert!(user.kept().is_empty() && !user.config().exists() && user.own_lock().is_empty(), "{words}");
    };
    check("has no signature in its repository");
    let stranger = Signer::p256();
    scene.attach(&digest, &[stranger.bundle(&statement(&digest))]);
    scene.tag(&digest, &payload(&digest), &stranger);
    check("has 2 signatures, none by the key");
    scene.attach(&digest, &[signer.bundle(&statement(&other))]);
    check(&format!("has a signature by the key, but it is of {other}"));
    registry.remove(&format!("acme:{}", digest.replace(':', "-")));
    scene.tag(&digest, &payload(&other), signer);
    check(&format!("has a signature by the key, but it is of {other}"));
    user.refused(&format!("add {source} --yes --key none.pub"), "none.pub");
    user.refused(&format!("add {source} --yes --key Dockerfile"), "one public key is expected");
    user.tree.write("acme.wasm", acme());
    user.refused("add acme.wasm --yes --key acme.pub", "--key is for oci://");

    // Whoever ran it before wants it signed now, by hand.
    user.plugin(&format!("add {source} --yes"));
    assert!(runs(&user.lint("")));
    let config = fs::read_to_string(user.config()).unwrap();
    let key = user.tree.path().join("acme.pub");
    fs::write(user.config(), format!("{config}key = \"{}\"\n", key.display())).unwrap();
    check_refused(user, "", "but it is of");
    check_refused(user, "--offline", "no signature of it by the key sha256:");
    user.tree.run("cache clear");
    check_refused(user, "", "but it is of");
    assert!(user.kept().is_empty(), "what was refused is not kept");
    user.refused("pull", "but it is of");
    user.refused(&format!("inspect {source}"), "but it is of");
    user.refused(&format!("diff {source} {}", scene.source("acme:2")), "but it is of");
    user.refused(&format!("inspect {}", scene.source("acme:2")), "has no signature");
    user.refused("save plugins.tar", "but it is of");
    let verified = user.tree.run("plugin verify");
    assert!(verified.status == 1 && verified.stdout.contains("wrong: acme: "), "{verified:#?}");
    let noted = user.tree.run("rules");
    assert!(noted.stderr.contains("but it is of") && !noted.stdout.contains("acme/"), "{noted:#?}");
    // To add it again waives nothing, and to sign it mends it.
    user.refused(&format!("add {source} --yes"), "but it is of");
    scene.sign(&digest, cosign::Form::Bundle);
    assert!(runs(&user.lint("")));
}

#[test]
fn what_is_kept_counts_as_far_as_it_verifies() {
    let Scene { user, .. } = &Scene::added(cosign::Form::Bundle);
    let (path, key) = (proof(user), user.tree.path().join("acme.pub"));
    let sound = fs::read(&path).unwrap();
    for place in [0, 10, sound.len() / 2] {
        let mut damaged = sound.clone();
        damaged[place] ^= 1;
        fs::write(&path, damaged).unwrap();
        check_refused(user, "--offline", "no signature of it by the key sha256:");
    }
    // Who may ask has it again.
    assert!(runs(&user.lint("")) && runs(&user.lint("--offline")));
    fs::remove_file(proof(user)).unwrap();
    check_refused(user, "--offline", "bring it with `plimsoll plugin load`");
    assert!(runs(&user.lint("")));

    let (pem, other) = (fs::read(&key).unwrap(), Signer::p256());
    fs::write(&key, other.pem()).unwrap();
    check_refused(user, "--offline", other.key().id().as_str());
    check_refused(user, "", "none by the key");
    // What is kept of the other key says that it is by this one.
    let line = sound.iter().position(|byte| *byte == b'\n').unwrap();
    let forged = [format!("{} bundle", other.key().id()).as_bytes(), &sound[line..]].concat();
    let ours = Key::parse(&pem).unwrap();
    let name = path.to_str().unwrap().replace(ours.id().digits(), other.key().id().digits());
    fs::write(name, forged).unwrap();
    check_refused(user, "--offline", other.key().id().as_str());
    fs::remove_file(&key).unwrap();
    check_refused(user, "", "acme.pub cannot be used: there is no such file");
    fs::write(&key, &pem).unwrap();
    assert!(runs(&user.lint("--offline")));
}

/// A lock leads from what is signed to nothing but that.
#[test]
fn a_signature_covers_its_own_component_alone() {
    let scene = Scene::added(cosign::Form::Bundle);
    let user = &scene.user;
    let lock = user.own_lock();
    let of = |bytes: &[u8]| Digest::of(bytes).to_string();
    scene.push("evil:1", &changed());
    user.plugin(&format!("pull {}", scene.source("evil:1")));
    let lie = lock.replace(&of(acme()), &of(&changed()));
    assert_ne!(lie, lock);
    fs::write(user.config().with_file_name("plimsoll.lock"), lie).unwrap();
    let config = fs::read_to_string(user.config()).unwrap();
    fs::write(user.config(), config.replace(&of(acme()), &of(&changed()))).unwrap();
    check_refused(user, "", "and you agreed to");
    check_refused(user, "--offline", "and you agreed to");
}

#[test]
fn a_tree_can_demand_a_further_key() {
    let scene = Scene::new();
    let Scene { user, signer, .. } = &scene;
    let theirs = Signer::p256();
    let (digest, source) = (scene.push("acme:1", acme()), scene.source("acme:1"));
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{source}\"\nkey = \"keys/theirs.pub\"\n"));
    user.refused(&format!("add {source} --yes"), "keys/theirs.pub cannot be used");
    user.tree.write("keys/theirs.pub", theirs.pem());
    scene.sign(&digest, cosign::Form::Bundle);
    user.refused(&format!("add {source} --key acme.pub --yes"), theirs.key().id().as_str());
    scene.attach(&digest, &[theirs.bundle(&statement(&digest))]);
    user.refused(&format!("add {source} --key acme.pub --yes"), signer.key().id().as_str());
    scene.attach(&digest, &[theirs.bundle(&statement(&digest)), signer.bundle(&statement(&digest))]);
    user.plugin(&format!("add {source} --key acme.pub --yes"));
    assert!(fs::read_to_string(user.config()).unwrap().contains("acme.pub\""));
    assert!(runs(&user.lint("--offline")));
    // The user's key counts also where the tree has none, and the other way round.
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{source}\"\n"));
    user.tree.write("acme.pub", Signer::p256().pem());
    check_refused(user, "", "none by the key");
    user.tree.write("acme.pub", signer.pem());
    assert!(runs(&user.lint("--offline")));
    user.tree.write("acme.wasm", acme());
    user.tree.write("plimsoll.toml", "[plugins.acme]\npath = \"acme.wasm\"\n");
    check_refused(user, "", "files have no signatures");
    user.tree.write("plimsoll.toml", "[plugins.acme]\npath = \"acme.wasm\"\nkey = \"acme.pub\"\n");
    let refused = user.lint("");
    assert!(refused.status == 2 && refused.stderr.contains("only registries keep signatures"), "{refused:#?}");
}

#[test]
fn an_update_has_to_be_signed_too() {
    let scene = Scene::added(cosign::Form::Tag);
    let (user, lock) = (&scene.user, scene.user.own_lock());
    let second = scene.push("acme:1", &changed());
    let kept = user.kept().len();
    user.refused("update", "has no signature in its repository");
    user.refused("update --dry-run", "has no signature in its repository");
    assert_eq!((user.own_lock(), user.kept().len()), (lock, kept));
    assert!(runs(&user.lint("")));
    scene.sign(&second, cosign::Form::Tag);
    user.plugin("update");
    assert!(user.own_lock().contains(&second) && runs(&user.lint("--offline")));
    assert!(fs::read_to_string(user.config()).unwrap().contains("acme.pub\""));
    user.tree.write("acme.wasm", acme());
    user.refused("add acme.wasm --yes", "only registries keep signatures: `plimsoll plugin remove acme` first");
}

#[test]
fn signatures_travel_in_a_file() {
    let scene = Scene::added(cosign::Form::Bundle);
    let (user, source) = (&scene.user, scene.source("acme:1"));
    let digest = user.own_lock().split("\"value\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    user.plugin("save signed.tar");
    // Without its signature.
    fs::remove_file(proof(user)).unwrap();
    let config = fs::read_to_string(user.config()).unwrap();
    let bare: Vec<&str> = config.lines().filter(|line| !line.starts_with("key = ")).collect();
    fs::write(user.config(), bare.join("\n")).unwrap();
    user.plugin("save bare.tar");
    drop(scene.registry);

    let other = somebody();
    for file in ["signed.tar", "bare.tar", "acme.pub"] {
        other.tree.write(file, fs::read(user.tree.path().join(file)).unwrap());
    }
    let add = format!("add --offline --yes --name acme {}@{digest} --key acme.pub", source.trim_end_matches(":1"));
    other.refused(&add, "it is not on this machine");
    other.plugin("load bare.tar");
    other.refused(&add, "no signature of it by the key sha256:");
    // Who has put something else in its place keeps nobody from it for long.
    let name = format!("{}.{}.proof", &digest[7..], scene.signer.key().id().digits());
    fs::write(other.kept()[0].with_file_name(name), format!("{} bundle\n{{}}", scene.signer.key().id())).unwrap();
    other.plugin("load signed.tar");
    other.refused(&add, "no signature of it by the key sha256:");
    other.plugin("load signed.tar");
    other.plugin(&add);
    assert!(runs(&other.lint("--offline")));
    other.tree.write("acme.pub", Signer::p256().pem());
    check_refused(&other, "--offline", "no signature of it by the key sha256:");
}

/// With cosign itself, against a real registry.
#[test]
fn what_cosign_signed_runs() {
    let test = "what_cosign_signed_runs";
    if !docker_registry::installed_or_skip(test) || !cosign::installed_or_skip(test) {
        return;
    }
    for form in [cosign::Form::Bundle, cosign::Form::Tag] {
        let (registry, user) = (DockerRegistry::start(&Auth::Open), somebody());
        let (ours, theirs) = (Cosign::new(), Cosign::new());
        user.tree.write("acme.wasm", acme());
        let reference = registry.reference("team/acme");
        let pushed = user.plugin(&format!("push oci://{reference}:1 acme.wasm"));
        let digest = pushed.stdout.lines().find_map(|line| line.trim().strip_prefix("content")).unwrap().trim();
        let add = |key: &Path| format!("add oci://{reference}:1 --yes --key {}", key.display());
        user.refused(&add(&ours.public_key()), "has no signature in its repository");
        theirs.sign(&format!("{reference}@{digest}"), form);
        user.refused(&add(&ours.public_key()), "none by the key");
        ours.sign(&format!("{reference}@{digest}"), form);
        user.refused(&add(&ours.private_key()), "this is a private key");
        user.plugin(&add(&ours.public_key()));
        drop(registry);
        assert!(runs(&user.lint("--offline")));
    }
}

/// What each start pays for a key.
#[test]
fn a_kept_signature_is_verified_fast() {
    let (scratch, digest) = (scratch_folder(), crate::digest(crate::SIGNED));
    let shelf = Shelf::new(scratch.path());
    for name in ["p256", "p384", "rsa"] {
        let key = crate::key(name);
        let proof = Proof::bundle(&key, crate::made(&format!("{name}.bundle.json")));
        shelf.put_proof(&digest, &proof).unwrap();
        let took_max = Duration::from_millis(1);
        let took = best_of(50, took_max, || timed(|| assert_eq!(shelf.proof(&key, &digest).as_ref(), Some(&proof))));
        println!("a kept signature, {name}: {took:?}");
        assert!(took <= took_max, "{name}: {took:?}");
    }
}
