//! How plugins travel: into registries and out of them, to the lock and the shelf,
//! and by whose word they then run. What needs a registry that can be pushed to is
//! tested against Debian's `docker-registry`; where that is not installed, these
//! tests say so and are skipped.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use plimsoll::config::Source;
use plimsoll::distribution::{Remote, Shelf, pull};
use plimsoll::plugin::{Component, Host, Limits, Plugin, Store};
use plimsoll_registry::{ClientConfig, Environment};
use plimsoll_test_support::component::component;
use plimsoll_test_support::docker_registry::installed_or_skip;
use plimsoll_test_support::guest::Guest;
use plimsoll_test_support::image::{Content, Tree};
use plimsoll_test_support::servers::run_or_skip;
use plimsoll_test_support::site::{Page, Site};
use plimsoll_test_support::user::artifact;
use plimsoll_test_support::{
    Auth, DockerRegistry, Fault, Linted, Registry, User, best_of, repository_root, scratch_folder, timed,
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";
const LEGACY_LAYER: &str = "application/vnd.wasm.content.layer.v1+wasm";

fn acme() -> &'static [u8] {
    static ACME: OnceLock<Vec<u8>> = OnceLock::new();
    ACME.get_or_init(|| fs::read(component("acme")).unwrap())
}

fn somebody() -> User {
    User::new(env!("CARGO_BIN_EXE_plimsoll"))
}

fn runs(linted: &Linted) -> bool {
    linted.findings().iter().any(|finding| finding.starts_with("acme/no-latest 1: "))
}

/// What a line of output says behind a word.
fn said(run: &Linted, word: &str) -> String {
    let line = run.stdout.lines().find_map(|line| line.trim().strip_prefix(word));
    line.unwrap_or_else(|| panic!("no `{word}` in {run:#?}")).trim().to_owned()
}

fn plugin() -> Tree {
    artifact(CONFIG, LAYER, acme())
}

fn check_round_trip(test: &str, auth: &Auth, credentials: Option<&str>) {
    if !installed_or_skip(test) {
        return;
    }
    let registry = DockerRegistry::start(auth);
    let user = somebody();
    user.tree.write("acme.wasm", acme());
    let source = format!("oci://{}", registry.reference("team/acme:1"));
    if let Some(credentials) = credentials {
        user.refused(&format!("push {source} acme.wasm"), "docker login");
        let config = format!(r#"{{"auths":{{"{}":{{"auth":"{credentials}"}}}}}}"#, registry.host());
        fs::create_dir_all(user.home.path().join(".docker")).unwrap();
        fs::write(user.home.path().join(".docker/config.json"), config).unwrap();
    }
    let pushed = user.plugin(&format!("push {source} acme.wasm"));
    assert_eq!(user.plugin(&format!("push {source} acme.wasm")).stdout, pushed.stdout, "the same again is the same");
    let pulled = user.plugin(&format!("pull {source} --output pulled.wasm"));
    assert_eq!(said(&pulled, "content"), said(&pushed, "content"));
    assert_eq!(said(&pulled, "org.opencontainers.image.version:"), "1.2.0");
    assert_eq!(said(&pulled, "io.github.plimsoll.contract:"), "0.2.0");
    assert_eq!(fs::read(user.tree.path().join("pulled.wasm")).unwrap(), acme());

    let added = user.plugin(&format!("add {source} --yes"));
    assert!(added.stdout.contains("acme runs from now on"), "{added:#?}");
    assert!(user.own_lock().contains(&said(&pushed, "content")), "{}", user.own_lock());
    drop(registry);
    let linted = user.lint("-v");
    assert!(runs(&linted) && linted.stderr.contains("compiled by this process: 0"), "{linted:#?}");
}

#[test]
fn what_is_pushed_is_pulled() {
    check_round_trip("what_is_pushed_is_pulled", &Auth::Open, None);
}

#[test]
fn with_a_password() {
    check_round_trip("with_a_password", &Auth::basic("ada", "secret"), Some("YWRhOnNlY3JldA=="));
}

#[test]
fn with_tokens() {
    check_round_trip("with_tokens", &Auth::token("ada", "secret"), Some("YWRhOnNlY3JldA=="));
}

#[test]
fn the_lock_says_what_runs_and_nobody_is_asked() {
    let (registry, user) = (Registry::start(), somebody());
    let first = registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.refused(&format!("add {source}"), "nobody can be asked");
    assert!(!user.config().exists() && user.own_lock().is_empty());
    let added = user.plugin(&format!("add {source} --yes"));
    assert!(added.stdout.contains("licenses  MIT\u{fffd}[2J"), "texts of strangers are harmless: {added:#?}");
    let config = fs::read_to_string(user.config()).unwrap();
    assert!(config.contains(&format!("source = \"{source}\"")), "{config}");
    let lock = user.own_lock();
    for part in [
        &format!("[\"{source}\"]"),
        &first,
        "\"policy\":\"pin\"",
        "\"contract\":\"0.2.0\"",
        "\"capabilities\":[\"registry\"]",
    ] {
        assert!(lock.contains(part), "no {part} in {lock}");
    }
    // The tag moves: what was agreed to still runs, and nobody is asked.
    let asked = registry.log().len();
    registry.push_tree("acme:1", &artifact(CONFIG, LAYER, b"other"));
    assert!(runs(&user.lint("")));
    assert_eq!(registry.log().len(), asked);
    // Where the component is not there, it comes by the digest that the lock says.
    user.tree.run("cache clear");
    let refused = user.lint("--offline");
    assert!(refused.stderr.contains("not on this machine, and --offline asks nobody"), "{refused:#?}");
    assert!(runs(&user.lint("")));
    assert!(registry.log()[asked..].iter().all(|entry| !entry.path.contains("manifests/1")));
    let listed = user.plugin("list");
    assert!(listed.stdout.starts_with("acme  runs\n") && listed.stdout.contains(&source), "{listed:#?}");

    let own = fs::read_to_string(user.config()).unwrap();
    let digest = own.lines().find(|line| line.starts_with("digest")).unwrap();
    fs::write(user.config(), own.replace(digest, "")).unwrap();
    let listed = user.plugin("list");
    assert!(listed.stdout.starts_with("acme  does not run: your plimsoll.toml does not say"), "{listed:#?}");
    fs::write(user.config(), own).unwrap();
    user.tree.write("plimsoll.toml", "[plugins");
    let refused = user.tree.run("plugin remove acme");
    assert!(refused.status == 2 && !user.own_lock().is_empty(), "{refused:#?}");
    assert!(fs::read_to_string(user.config()).unwrap().contains("[plugins.acme]"), "nothing is half removed");
    fs::remove_file(user.tree.path().join("plimsoll.toml")).unwrap();
    let removed = user.plugin("remove acme");
    assert_eq!(user.kept(), Vec::<PathBuf>::new(), "its manifest and configuration go with it");
    assert!(removed.stdout.contains("says nothing of oci://"), "{removed:#?}");
    assert!(user.own_lock().is_empty() && !runs(&user.lint("")));
}

#[test]
fn the_layer_type_of_old_is_read() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &artifact("application/vnd.wasm.config.v1+json", LEGACY_LAYER, acme()));
    user.plugin(&format!("add oci://{} --yes", registry.reference("acme:1")));
    assert!(runs(&user.lint("")));
}

/// Whatever goes wrong is said, and nothing of it is kept.
#[test]
fn what_is_wrong_is_not_kept() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    let check = |path: &str, fault: Fault, words: &str| {
        registry.clear_faults();
        registry.fault(path, fault);
        user.refused(&format!("pull {source}"), words);
        assert_eq!(user.kept().len(), 0, "{words}");
    };
    let layer = plugin().blobs[1].digest.clone();
    check(&layer, Fault::Reset, "broken connection");
    check(&layer, Fault::Truncated, "broken connection");
    check(&layer, Fault::WrongDigest, "sent more than");
    check(&layer, Fault::Oversize { bytes: 80 << 20, announced: true }, "bytes");
    check(&layer, Fault::Oversize { bytes: 80 << 20, announced: false }, "bytes");
    check(&layer, Fault::GzipBomb, "compressed");
    check(&layer, Fault::status(404), "has no acme@sha256");
    check("manifests", Fault::Truncated, "broken connection");
    check("manifests", Fault::WrongDigest, "has not the digest");
    check("manifests", Fault::Oversize { bytes: 80 << 20, announced: false }, "sent more than");
    check("manifests", Fault::Malformed, "its manifest is none");
    check("manifests", Fault::MediaType("text/html".to_owned()), "of type \"text/html\"");
    registry.clear_faults();
    let check = |name: &str, tree: &Tree, words: &str| {
        registry.push_tree(name, tree);
        user.refused(&format!("pull oci://{}", registry.reference(name)), words);
        assert_eq!(user.kept().len(), 0, "{words}");
    };
    check("image:1", &plimsoll_test_support::Image::new("linux/amd64").tree(), "it is no plugin: its layer is of type");
    check("text:1", &artifact(CONFIG, LAYER, b"no component"), "it is no WebAssembly component");
    let mut large = plugin();
    let manifest = String::from_utf8(large.root.bytes).unwrap();
    let (size, lie) = (format!("\"size\":{}", acme().len()), format!("\"size\":{}", 65 << 20));
    large.root = Content::new(MANIFEST, manifest.replace(&size, &lie).into_bytes());
    let mut small = plugin();
    let manifest = String::from_utf8(small.root.bytes).unwrap();
    small.root = Content::new(MANIFEST, manifest.replace(&size, "\"size\":5").into_bytes());
    check("small:1", &small, "sent more than 5 bytes");
    let mut other = plugin();
    other.blobs[1].bytes[100] ^= 1;
    check("other:1", &other, "what was sent has not the digest");
    check("large:1", &large, "the 64 MiB a component may have");
    user.refused("pull oci://acme/rules:1", "names no artifact");
    let wrong = format!("sha256:{:064}", 0);
    let asked = registry.log().len();
    for command in ["pull", "add --yes"] {
        user.refused(&format!("{command} {source} --digest {wrong}"), &format!("--digest says {wrong}"));
    }
    assert!(user.kept().is_empty());
    assert!(registry.log()[asked..].iter().all(|entry| !entry.path.contains("blobs")), "{:?}", registry.log());
    user.plugin(&format!("pull {source}"));
    assert_eq!(user.kept().len(), 3);
    // Nor is it believed where the component is here already.
    user.refused(&format!("pull oci://{}", registry.reference("small:1")), "has 5 bytes, and it has ");
    assert_eq!(user.kept().len(), 3);
    user.plugin(&format!("pull {source} --output acme.wasm"));
    user.refused(&format!("pull {source} --output acme.wasm"), "exists");
}

#[test]
fn a_tree_asks_for_a_source_and_cannot_let_it_run() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("rules:1", &plugin());
    let source = format!("oci://{}", registry.reference("rules:1"));
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{source}\"\n"));
    let unknown = user.lint("--trust-workspace");
    assert!(unknown.stderr.contains("does not say what") && unknown.status == 2, "{unknown:#?}");
    assert!(registry.log().is_empty(), "nobody is asked what the tree means");
    let added = user.plugin(&format!("add {source} --yes"));
    assert!(added.stdout.contains("plimsoll.toml asks for it") && user.own_lock().is_empty(), "{added:#?}");
    let lock = fs::read_to_string(user.tree.path().join("plimsoll.lock")).unwrap();
    assert!(lock.contains("\"component\":\"sha256:") && runs(&user.lint("")), "{lock}");

    // Somebody else with the same tree has not agreed to anything.
    let other = somebody();
    for file in ["plimsoll.toml", "plimsoll.lock"] {
        other.tree.write(file, fs::read(user.tree.path().join(file)).unwrap());
    }
    let asked = registry.log().len();
    let refused = other.lint("");
    assert!(refused.stderr.contains("which you have not let run") && refused.status == 2, "{refused:#?}");
    assert_eq!(registry.log().len(), asked, "and so nobody is asked for it");
    let digest = lock.split("\"component\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(runs(&other.lint(&format!("--trust {digest}"))));
    // A lock that says of another component that it is that one is not believed.
    let third = somebody();
    third.tree.write("plimsoll.toml", fs::read(user.tree.path().join("plimsoll.toml")).unwrap());
    let lie = format!("sha256:{:064}", 0);
    third.tree.write("plimsoll.lock", lock.replace(digest, &lie));
    let refused = third.lint(&format!("--trust {lie}"));
    assert!(refused.stderr.contains("and you agreed to") && !runs(&refused), "{refused:#?}");
}

#[test]
fn the_web_needs_a_digest() {
    let site = Site::start(|visit| match visit.path.as_str() {
        "/acme.wasm" => Page::of(acme()),
        _ => Page::status(404),
    });
    let user = somebody();
    user.tree.write("acme.wasm", acme());
    let digest = user.tree.run("plugin inspect --format json acme.wasm").json()["digest"].as_str().unwrap().to_owned();
    let source = site.url("/acme.wasm");
    user.refused(&format!("add {source} --yes"), "say which component you mean, with --digest");
    let other = format!("sha256:{:064}", 0);
    user.refused(&format!("add {source} --yes --digest {other}"), "its component is sha256:");
    assert_eq!(user.kept().len(), 0);
    user.plugin(&format!("add {source} --yes --digest {digest}"));
    assert!(runs(&user.lint("")));
    user.tree.run("cache clear");
    assert!(runs(&user.lint("")));
    user.refused(&format!("pull {} --digest {other}", site.url("/nothing.wasm")), "404");
}

#[test]
fn versions_are_compared_where_they_are() {
    let (registry, user) = (Registry::start(), somebody());
    for (tag, rule) in [("rules:1", "first"), ("rules:2", "second")] {
        registry.push_tree(tag, &artifact(CONFIG, LAYER, &small(rule).component()));
    }
    let [old, new] = ["rules:1", "rules:2"].map(|tag| format!("oci://{}", registry.reference(tag)));
    let run = user.tree.run(&format!("plugin diff {old} {new} --slow-checks=off"));
    assert_eq!(run.status, 1, "{run:#?}");
    assert!(run.stdout.contains("rules/first") && run.stdout.contains("rules/second"), "{run:#?}");
    let offline = user.tree.run(&format!("plugin diff {old} {new} --offline"));
    assert!(offline.status == 2 && offline.stderr.contains("--offline asks nobody"), "{offline:#?}");
    assert!(!user.config().exists(), "who compares lets nothing run from then on");
}

/// A component with one rule.
fn small(rule: &'static str) -> Guest {
    Guest { name: rule, ..Guest::default() }
}

/// The same where it can ask for the build context.
fn curious(rule: &'static str) -> Guest {
    let import = "plimsoll:rules/context@0.2.0";
    let parameters = "i32 ".repeat(10);
    Guest {
        world: "import plimsoll:rules/context@0.2.0;",
        imports: format!("(import \"{import}\" \"plan-ignored\" (func $ask (param {parameters})))"),
        ..small(rule)
    }
}

#[test]
fn an_update_that_asks_for_more_takes_consent() {
    let (registry, user) = (Registry::start(), somebody());
    let first = registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &small("old").component()));
    user.plugin(&format!("add oci://{} --yes", registry.reference("acme:1")));
    assert!(user.plugin("update").stdout.contains("has not moved"));
    let (lock, config) = (user.own_lock(), fs::read_to_string(user.config()).unwrap());

    let second = registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &curious("new").component()));
    user.tree.write("plimsoll.toml", "[rules.\"acme/old\"]\nseverity = \"error\"\n");
    let unchanged = |shown: &Linted| {
        for part in [
            format!("content      {first} -> {second}"),
            "can ask for  nothing -> context".to_owned(),
            "rules        +acme/new -acme/old".to_owned(),
            "in use       acme/old, which ".to_owned(),
            "wider        it could not ask for context before".to_owned(),
        ] {
            assert!(shown.stdout.contains(&part), "no `{part}`: {shown:#?}");
        }
        assert_eq!((user.own_lock(), fs::read_to_string(user.config()).unwrap()), (lock.clone(), config.clone()));
    };
    unchanged(&user.plugin("update --dry-run acme"));
    // So it is where rules are selected, also in what is extended.
    let base = "[lint]\nignore = [\"acme/old\", \"old\", \"acme/*\"]\nselect = [\"acme/ol*\", \"acme/new\", \"all\"]\n";
    user.tree.write("base.toml", base);
    user.tree.write("plimsoll.toml", "extends = \"base.toml\"\n[lint.per-file-ignores]\n\"x/**\" = [\"acme/old\"]\n");
    let shown = user.plugin("update --dry-run acme").stdout;
    let told: Vec<_> =
        shown.lines().filter_map(|line| line.trim().strip_prefix("in use ")?.split(", which ").next()).collect();
    assert_eq!(
        told.iter().map(|text| text.trim()).collect::<Vec<_>>(),
        ["acme/ol*", "acme/old", "acme/old", "old"],
        "{shown}"
    );
    assert!(shown.contains("acme/old, which ") && shown.contains("base.toml configures, is gone"), "{shown}");
    user.tree.write("plimsoll.toml", "[rules.\"acme/old\"]\nseverity = \"error\"\n");
    unchanged(&user.refused("update", "nobody can be asked"));
    user.plugin("update acme --yes");
    let config = fs::read_to_string(user.config()).unwrap();
    assert!(user.own_lock().contains(&second) && config.contains("grants = { context = [\"*\"] }"), "{config}");
    user.tree.write("plimsoll.toml", "");
    assert_ne!(user.lint("").status, 2);
    user.refused("update acne", "did you mean acme?");
}

#[test]
fn an_update_keeps_what_was_narrowed_and_asks_for_no_consent_where_nothing_widens() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.plugin(&format!("add {source} --yes --float --grant registry=ghcr.io/acme/*"));
    assert!(user.own_lock().contains("\"policy\":\"float\""));
    let changed = [acme(), b"\x00\x03\x01x!"].concat();
    let second = registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &changed));
    // What floats is asked about where the run may ask, and moves by the user's word only.
    let linted = user.tree.lint("--slow-checks=on --offline");
    assert!(runs(&linted) && !linted.stderr.contains("has moved to"), "{linted:#?}");
    let linted = user.tree.lint("--slow-checks=on");
    assert!(runs(&linted) && linted.stderr.contains(&format!("has moved to {second}")), "{linted:#?}");
    user.plugin("update");
    let config = fs::read_to_string(user.config()).unwrap();
    assert!(config.contains("[\"ghcr.io/acme/*\"]") && user.own_lock().contains(&second), "{config}");
    assert!(runs(&user.lint("")));
    let linted = user.tree.lint("--slow-checks=on");
    assert!(!linted.stderr.contains("has moved"), "{linted:#?}");
}

/// Of the version before nothing stays but what something else refers to.
#[test]
fn what_an_update_and_a_removal_leave_behind() {
    let (registry, user) = (Registry::start(), somebody());
    let (first, second) = (small("first").component(), small("second").component());
    registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &first));
    let digest = registry.push_tree("other:1", &artifact(CONFIG, LAYER, &small("other").component()));
    let [source, other] =
        ["acme:1", &format!("other@{digest}")].map(|name| format!("oci://{}", registry.reference(name)));
    user.plugin(&format!("add {source} --yes"));
    user.plugin(&format!("pull {other}"));
    assert_eq!(user.lint("").problems(), [""; 0]);
    let natives = || {
        let info = user.tree.run("cache info").stdout;
        let of = |number: usize| info.contains(&format!("native code of {number} component"));
        (0..9).find(|number| of(*number)).unwrap_or_else(|| panic!("{info}"))
    };
    // A component and a manifest each, and the configuration that both share.
    assert_eq!((user.kept().len(), natives()), (2 * 2 + 1, 1));
    registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &second));
    user.plugin("update acme --dry-run");
    assert_eq!(user.kept().len(), 3 * 2 + 1, "what runs stays while nothing is taken over");
    user.plugin("update acme");
    assert_eq!(user.lint("").problems(), [""; 0]);
    assert_eq!((user.kept().len(), natives()), (2 * 2 + 1, 1));
    user.plugin("remove acme");
    assert_eq!((user.kept().len(), natives()), (2 + 1, 0));
    let pulled = user.tree.variable_run("PLIMSOLL_OFFLINE", "true", &format!("plugin pull {other}"));
    assert_eq!(pulled.status, 0, "{pulled:#?}");
}

/// The lock of a tree moves for everybody, the word of its user for him alone.
#[test]
fn an_update_lets_nothing_run_that_did_not() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{source}\"\n"));
    user.plugin(&format!("add {source} --yes"));
    let other = somebody();
    let share = || {
        for file in ["plimsoll.toml", "plimsoll.lock"] {
            other.tree.write(file, fs::read(user.tree.path().join(file)).unwrap());
        }
    };
    share();
    registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &[acme(), b"\x00\x03\x01x!"].concat()));
    let (asked, old_lock) = (registry.log().len(), fs::read(other.tree.path().join("plimsoll.lock")).unwrap());
    for command in ["update", "update --dry-run", "pull", "verify"] {
        let left_alone = other.plugin(command);
        assert!(left_alone.stderr.contains("you have not let run: `plimsoll plugin add"), "{left_alone:#?}");
    }
    let refused = other.refused("save all.tar", "of the plugins here that have a source, you let none run");
    assert!(refused.stderr.contains("which you have not let run: `plimsoll plugin add"), "{refused:#?}");
    other.refused("update acme", "you have not let run");
    assert_eq!(registry.log().len(), asked, "nobody is asked before the user agreed");
    assert!(other.kept().is_empty() && fs::read(other.tree.path().join("plimsoll.lock")).unwrap() == old_lock);
    assert!(!runs(&other.lint("")));
    user.refused("update acme", "nobody can be asked");
    user.plugin("update acme --yes");
    assert!(runs(&user.lint("")));
    let config = fs::read_to_string(user.config()).unwrap();
    assert_eq!(config.matches("[trust.").count(), 1, "the word for what was before goes: {config}");
    share();
    let lock = fs::read_to_string(user.tree.path().join("plimsoll.lock")).unwrap();
    assert_eq!(fs::read_to_string(other.tree.path().join("plimsoll.lock")).unwrap(), lock);
}

/// What the user says of a plugin in a file that his own extends stays there, with its limits and grants.
#[test]
fn the_word_stays_where_it_stands() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.plugin(&format!("add {source} --yes --grant registry=ghcr.io/acme/*"));
    let base = user.config().with_file_name("base.toml");
    let limits = "[plugins.acme.limits]\ntime = \"300ms\"\n";
    fs::write(&base, fs::read_to_string(user.config()).unwrap() + limits).unwrap();
    fs::write(user.config(), "extends = \"base.toml\"\n").unwrap();
    let second = registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &[acme(), b"\x00\x03\x01x!"].concat()));
    user.plugin("update");
    let added = user.plugin(&format!("add {source} --yes"));
    assert!(added.stdout.contains("as ") && added.stdout.contains("base.toml says"), "{added:#?}");
    assert!(user.own_lock().contains(&second) && runs(&user.lint("")));
    assert_eq!(fs::read_to_string(user.config()).unwrap(), "extends = \"base.toml\"\n");
    let word = fs::read_to_string(&base).unwrap();
    assert!(word.contains(limits) && word.contains("[\"ghcr.io/acme/*\"]"), "{word}");
    // So does the word for what a tree asks for.
    user.tree.write("plimsoll.toml", format!("[plugins.ours]\nsource = \"{source}\"\n"));
    user.refused(&format!("add {source} --yes --name acme"), "asks for it as ours");
    user.plugin(&format!("add {source} --yes"));
    let trust = fs::read_to_string(user.config()).unwrap().replace("extends = \"base.toml\"\n", "");
    fs::write(&base, word + &trust).unwrap();
    fs::write(user.config(), "extends = \"base.toml\"\n").unwrap();
    for command in ["pull", "verify", "update"] {
        let run = user.plugin(command);
        assert!(!run.stderr.contains("not let run"), "{run:#?}");
    }
    user.plugin("remove ours");
    user.plugin("remove acme");
    user.refused("remove acme", "you let no plugin acme run");
    let word = fs::read_to_string(&base).unwrap();
    assert!(!word.contains("acme") && !word.contains("[trust") && !user.own_lock().contains("acme"), "{word}");
}

/// A tree that calls its plugin as the user calls one gets nothing of what that was granted.
#[test]
fn grants_do_not_go_by_names_of_strangers() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    registry.push_tree("other:1", &artifact(CONFIG, LAYER, &curious("new").component()));
    user.plugin(&format!("add oci://{} --yes", registry.reference("acme:1")));
    let other = format!("oci://{}", registry.reference("other:1"));
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{other}\"\n"));
    user.refused(&format!("add {other} --yes"), "has a plugin acme of its own, which runs instead");
    user.tree.write("plimsoll.toml", "");
    // Another of his own under the name: what it does not import is not granted.
    user.plugin(&format!("add {other} --yes --name acme"));
    let config = fs::read_to_string(user.config()).unwrap();
    assert!(config.contains("grants = {}"), "{config}");
    let lock = user.own_lock();
    assert!(lock.contains("other:1") && !lock.contains("acme:1"), "nothing names the first any more: {lock}");
}

/// A cache that nobody can write to costs time, and no plugin.
#[test]
fn what_cannot_be_kept_runs_all_the_same() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.tree.write("cache", "a file");
    let added = user.plugin(&format!("add {source} --yes --cache-dir cache"));
    assert!(added.stderr.contains("cannot be kept in cache/plugins-1"), "{added:#?}");
    assert!(runs(&user.lint("--cache-dir cache")));
    for command in [format!("pull {source}"), "pull".to_owned()] {
        user.refused(&format!("{command} --cache-dir cache"), "cannot be kept in cache/plugins-1");
    }
    user.plugin(&format!("pull {source} --cache-dir cache --output acme.wasm"));
    assert_eq!(fs::read(user.tree.path().join("acme.wasm")).unwrap(), acme());
}

/// Many may say their word at once.
#[test]
fn words_said_at_once_all_count() {
    let (registry, user) = (Registry::start(), somebody());
    let names: Vec<String> = (0..6).map(|number| format!("p{number}")).collect();
    for name in &names {
        registry.push_tree(&format!("{name}:1"), &plugin());
    }
    let children = names.iter().map(|name| {
        let source = format!("oci://{}", registry.reference(&format!("{name}:1")));
        let mut command = user.tree.command(&format!("plugin add {source} --yes"));
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    });
    for mut child in children.collect::<Vec<_>>() {
        assert!(child.wait().unwrap().success());
    }
    let word = fs::read_to_string(user.config()).unwrap();
    assert!(names.iter().all(|name| word.contains(&format!("[plugins.{name}]"))), "{word}");
}

/// The lock of a tree moves by `lock update` without what it says of plugins, which run meanwhile.
#[test]
fn locks_are_updated_with_plugins_in_them() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{source}\"\n"));
    user.tree.write("Dockerfile", "FROM scratch\n");
    user.plugin(&format!("add {source} --yes"));
    let lock = fs::read_to_string(user.tree.path().join("plimsoll.lock")).unwrap();
    for command in ["lock", "lock update --dry-run", "lock update"] {
        let run = user.tree.run(command);
        assert!(run.status == 0 && !run.stderr.contains("cannot be used"), "{command}: {run:#?}");
        assert_eq!(fs::read_to_string(user.tree.path().join("plimsoll.lock")).unwrap(), lock);
    }
}

/// A stranger's tree may say that its plugin was before what the user lets run.
#[test]
fn a_lock_that_lies_of_what_was_gets_no_word() {
    let (registry, user) = (Registry::start(), somebody());
    registry.push_tree("good:1", &artifact(CONFIG, LAYER, &small("bad").component()));
    let good = format!("oci://{}", registry.reference("good:1"));
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{good}\"\n"));
    user.plugin(&format!("add {good} --yes"));
    let lock = fs::read_to_string(user.tree.path().join("plimsoll.lock")).unwrap();
    let config = fs::read_to_string(user.config()).unwrap();

    registry.push_tree("evil:1", &artifact(CONFIG, LAYER, &curious("bad").component()));
    let evil = format!("oci://{}", registry.reference("evil:1"));
    let claim = "\"capabilities\":[\"context\"]";
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{evil}\"\n"));
    user.tree.write("plimsoll.lock", lock.replace("good:1", "evil:1").replace("\"capabilities\":[]", claim));
    let refused = user.refused("update", "nobody can be asked");
    assert!(refused.stdout.contains("can ask for  nothing -> context"), "what it imported counts: {refused:#?}");
    user.tree.run("cache clear");
    let refused = user.refused("update", "nobody can be asked");
    assert!(refused.stdout.contains("can ask for  context"), "{refused:#?}");
    assert_eq!(fs::read_to_string(user.config()).unwrap(), config);
}

/// The lock says that the component before could ask for nothing, so that all of it would be new.
#[test]
fn a_lock_that_lies_of_what_was_widens_nothing() {
    for is_kept in [true, false] {
        let (registry, user) = (Registry::start(), somebody());
        registry.push_tree("acme:1", &plugin());
        let source = format!("oci://{}", registry.reference("acme:1"));
        user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{source}\"\n"));
        user.plugin(&format!("add {source} --yes --grant registry=ghcr.io/acme/*"));
        registry.push_tree("acme:1", &artifact(CONFIG, LAYER, &[acme(), b"\x00\x03\x01x!"].concat()));
        let lock = fs::read_to_string(user.tree.path().join("plimsoll.lock")).unwrap();
        let claim = lock.replace("\"capabilities\":[\"registry\"]", "\"capabilities\":[]");
        assert_ne!(claim, lock);
        user.tree.write("plimsoll.lock", claim);
        if !is_kept {
            user.tree.run("cache clear");
        }
        let updated = user.plugin("update acme --yes");
        assert!(said(&updated, "may ask for").contains("ghcr.io/acme/*"), "{updated:#?}");
        let config = fs::read_to_string(user.config()).unwrap();
        assert!(config.contains("registry = [\"ghcr.io/acme/*\"]"), "{config}");
        assert!(runs(&user.lint("")));
    }
}

#[test]
fn all_that_is_named_is_pulled_beforehand_from_mirrors_too() {
    let (registry, mirror, user) = (Registry::start(), Registry::start(), somebody());
    registry.push_tree("acme:1", &plugin());
    mirror.push_tree("copy/acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.plugin(&format!("add {source} --yes"));
    let asked = registry.log().len();
    user.tree.run("cache clear");
    let conf = format!(
        "[[registry]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}/copy'\n",
        registry.host(),
        mirror.host()
    );
    fs::create_dir_all(user.home.path().join(".config/containers")).unwrap();
    fs::write(user.home.path().join(".config/containers/registries.conf"), conf).unwrap();
    let pulled = user.plugin("pull");
    assert!(pulled.stdout.starts_with(&format!("acme  {source}  sha256:")), "{pulled:#?}");
    assert!(registry.log().len() == asked && !mirror.log().is_empty());
    assert!(runs(&user.lint("--offline")));
}

#[test]
fn verify_holds_all_against_each_other() {
    let (registry, user) = (Registry::start(), somebody());
    let first = registry.push_tree("acme:1", &plugin());
    let source = format!("oci://{}", registry.reference("acme:1"));
    user.plugin(&format!("add {source} --yes"));
    assert_eq!(user.plugin("verify").stdout, "");
    registry.push_tree("acme:1", &artifact(CONFIG, LAYER, b"other"));
    assert!(user.plugin("verify").stdout.starts_with(&format!("moved: acme: {source} {first} -> ")));
    registry.fault(&first, Fault::status(404));
    let verify = |arguments: &str| user.tree.run(&format!("plugin verify {arguments}"));
    let gone = verify("");
    assert!(gone.status == 1 && gone.stdout.contains("gone: acme: "), "{gone:#?}");
    assert_eq!(verify("--offline").stdout, "");
    registry.clear_faults();
    let path = user.config().with_file_name("plimsoll.lock");
    let lock = user.own_lock();
    let (component, other) = (said(&user.plugin("list"), "digest"), format!("sha256:{:064}", 0));
    for (from, to, words) in [
        ("[\"registry\"]", "[]", "it can ask for [registry], and the lock says []"),
        ("0.2.0", "0.1.0", "it is made for the contract 0.2.0, and the lock says 0.1.0"),
        (&component, &other, &format!("plimsoll.toml says {component}")),
        ("\"contract\"", "\"contrast\"", "is no plugin's"),
    ] {
        assert!(lock.contains(from), "no {from} in {lock}");
        fs::write(&path, lock.replace(from, to)).unwrap();
        let wrong = verify("--offline");
        assert!(wrong.status == 1 && wrong.stdout.contains(words), "no `{words}`: {wrong:#?}");
    }
    fs::write(&path, lock).unwrap();
    user.tree.run("cache clear");
    let missing = verify("");
    assert!(missing.status == 0 && missing.stdout.contains("missing: acme: "), "{missing:#?}");
}

#[test]
fn plugins_travel_in_a_file() {
    let (registry, user) = (Registry::start(), somebody());
    let content = registry.push_tree("rules:1", &plugin());
    let source = format!("oci://{}", registry.reference("rules:1"));
    user.refused("save plugins.tar", "no plugin here has a source");
    user.refused("save plugins.tar acme", "there is no plugin acme here");
    user.tree.write("plimsoll.toml", format!("[plugins.acme]\nsource = \"{source}\"\n"));
    user.plugin(&format!("add {source} --yes"));
    assert_eq!(user.plugin("save plugins.tar").stdout, format!("{source}\n"));
    let archive = fs::read(user.tree.path().join("plugins.tar")).unwrap();
    user.refused("save plugins.tar", "it exists");
    drop(registry);

    let other = somebody();
    for file in ["plimsoll.toml", "plimsoll.lock", "plugins.tar"] {
        other.tree.write(file, fs::read(user.tree.path().join(file)).unwrap());
    }
    let digest = said(&other.plugin("load plugins.tar"), "component");
    assert!(runs(&other.lint(&format!("--offline --trust {digest}"))));
    assert!(!runs(&other.lint("--offline")), "who loads lets nothing run");
    other.plugin(&format!("add --offline --yes {source}"));
    assert!(runs(&other.lint("--offline")));
    // Without the tree, by its digest.
    let third = somebody();
    third.tree.write("plugins.tar", &archive);
    third.plugin("load plugins.tar");
    third.refused(&format!("add --offline --yes {source}"), "name it by its digest, oci://…@sha256:…");
    let by_digest = format!("{}@{content}", source.trim_end_matches(":1"));
    third.plugin(&format!("add --offline --yes --name acme {by_digest}"));
    assert!(runs(&third.lint("--offline")));
    third.tree.write("cut.tar", &archive[..archive.len() / 2]);
    third.refused("load cut.tar", "ends early");
    third.refused("load Dockerfile", "it is no archive of plugins");
}

/// The Bytecode Alliance's client, which Cargo builds once, and skopeo.
fn other_clients() -> Result<PathBuf, String> {
    Command::new("skopeo").arg("--version").output().map_err(|error| format!("skopeo: {error}"))?;
    let output = Command::new(repository_root().join("tests/support/wkg.sh")).output();
    let output = output.map_err(|error| format!("wkg.sh: {error}"))?;
    match output.status.success() {
        true => Ok(repository_root().join("target/wkg/bin/wkg")),
        false => Err(format!("wkg cannot be built here: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

#[test]
fn others_pull_what_is_pushed_and_the_other_way_round() {
    let test = "others_pull_what_is_pushed_and_the_other_way_round";
    if !installed_or_skip(test) {
        return;
    }
    let wkg = other_clients();
    if !run_or_skip(test, wkg.clone().map(drop)) {
        return;
    }
    let wkg = wkg.unwrap().to_string_lossy().into_owned();
    let (registry, user) = (DockerRegistry::start(&Auth::Open), somebody());
    let host = registry.reference("").trim_end_matches('/').to_owned();
    let run = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        command.current_dir(user.tree.path()).env("HOME", user.tree.path()).args(words);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program} {words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    user.tree.write("acme.wasm", acme());
    let is_acme = |file: &str| assert!(fs::read(user.tree.path().join(file)).unwrap() == acme(), "{file} is another");

    // A tag that is a version makes it a package too.
    let ours = registry.reference("team/ours:1.2.0");
    let pushed =
        user.plugin(&format!("push oci://{ours} acme.wasm --annotation org.opencontainers.image.licenses=MIT"));
    run(&wkg, &["oci", "pull", "--insecure", &host, &ours, "--output", "pulled.wasm"]);
    is_acme("pulled.wasm");
    let config = format!(
        "[namespace_registries]\nteam = {{ registry = '{host}', metadata = {{ preferredProtocol = 'oci', \
         oci = {{ registry = '{host}', namespacePrefix = '' }} }} }}\n\
         [registry.'{host}'.oci]\nprotocol = 'http'\n"
    );
    user.tree.write("wkg.toml", config);
    let cache = scratch_folder();
    let cache = cache.path().to_string_lossy();
    let package = ["get", "team:ours@1.2.0", "--config", "wkg.toml", "--cache", &cache, "--output", "./package.wasm"];
    run(&wkg, &package);
    is_acme("package.wasm");
    let manifest = run("skopeo", &["inspect", "--raw", "--tls-verify=false", &format!("docker://{ours}")]);
    for part in
        [&said(&pushed, "component"), "\"org.opencontainers.image.licenses\":\"MIT\"", "image.version\":\"1.2.0"]
    {
        assert!(manifest.contains(part), "no `{part}` in {manifest}");
    }

    let theirs = registry.reference("team/acme:1");
    run(&wkg, &["oci", "push", "--insecure", &host, &theirs, "acme.wasm"]);
    user.plugin(&format!("add oci://{theirs} --yes"));
    assert!(runs(&user.lint("")));
    // Other tools read what is saved.
    user.plugin("save acme.tar");
    assert!(run("skopeo", &["inspect", "--raw", "oci-archive:acme.tar"]).contains(CONFIG));
}

/// From a registry to code that runs, and again: what everybody waits for once, and then in each run.
#[test]
fn pulling_and_starting_is_fast() {
    let registry = Registry::start();
    registry.push_tree("acme:1", &plugin());
    let source: Source = format!("oci://{}", registry.reference("acme:1")).parse().unwrap();
    let (first_max, second_max) = (Duration::from_secs(1), Duration::from_millis(1));
    let load = |host: &Arc<Host>, component: &Component| {
        Plugin::load(host, "acme", component, Limits::default()).unwrap_or_else(|error| panic!("{}", error.message))
    };
    let mut second = Duration::MAX;
    let first = best_of(5, first_max, || {
        let scratch = scratch_folder();
        let host = || Host::with_store(Some(Store::new(scratch.path(), scratch.path().join("key")))).unwrap();
        let (shelf, engine) = (Shelf::new(scratch.path()), host());
        let start = Instant::now();
        let remote = Remote::new(ClientConfig::new(Environment::default()), []).unwrap();
        let pulled = pull(&remote, Some(&shelf), &source, None, None, &[]).unwrap();
        load(&engine, &pulled.component);
        let first = start.elapsed();
        assert_eq!(engine.compiled(), 1);
        second = second.min(best_of(10, second_max, || {
            let engine = host();
            let took = timed(|| drop(load(&engine, &shelf.component(pulled.component.digest()).unwrap())));
            assert_eq!(engine.compiled(), 0);
            took
        }));
        first
    });
    println!("pull, verify and compile of {} bytes: {first:?}; second start: {second:?}", acme().len());
    assert!(first <= first_max && second <= second_max, "{first:?} {second:?}");
}
