//! Whose plugins run, and what they may ask for: by the user's word, for the
//! very bytes that were agreed to, and never by a file of the linted tree.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use plimsoll_test_support::component::component;
#[cfg(unix)]
use plimsoll_test_support::servers::run_or_skip;
use plimsoll_test_support::{Image, Linted, Project, Registry, scratch_folder};

fn acme() -> &'static [u8] {
    static ACME: OnceLock<Vec<u8>> = OnceLock::new();
    ACME.get_or_init(|| fs::read(component("acme")).unwrap())
}

/// The same component with a custom section more: other bytes, the same rules.
fn acme_changed() -> Vec<u8> {
    [acme(), b"\x00\x03\x01x!"].concat()
}

/// A user with a home folder of his own, beside a tree that he lints.
struct User {
    tree: Project,
    home: tempfile::TempDir,
}

impl User {
    fn new() -> Self {
        let home = scratch_folder();
        let tree = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
            .variable("HOME", home.path().to_str().unwrap())
            .file("Dockerfile", "FROM alpine:latest\n")
            .file("policies/acme.wasm", acme());
        Self { tree, home }
    }

    fn config(&self) -> PathBuf {
        self.home.path().join(".config/plimsoll/plimsoll.toml")
    }

    fn configure(&self, text: &str) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config(), text).unwrap();
    }

    fn lint(&self, arguments: &str) -> Linted {
        self.tree.lint(&format!("--slow-checks=off {arguments}"))
    }

    fn digest(&self) -> String {
        let inspected = self.tree.run("plugin inspect --format json policies/acme.wasm");
        inspected.json()["digest"].as_str().unwrap().to_owned()
    }
}

fn runs(linted: &Linted) -> bool {
    linted.findings().iter().any(|finding| finding.starts_with("acme/no-latest 1: "))
}

/// The plugin does not run, that is said, and all else is reported.
fn check_refused(linted: &Linted, why: &str) {
    assert!(!runs(linted), "{linted:#?}");
    assert_eq!(linted.status, 2, "{linted:#?}");
    assert!(linted.stderr.contains("plugin acme cannot be used: ") && linted.stderr.contains(why), "{linted:#?}");
    assert!(linted.findings().iter().any(|finding| finding.starts_with("sources/latest-tag ")), "{linted:#?}");
}

const ASKS: &str = "[plugins.acme]\npath = \"policies/acme.wasm\"\n";

#[test]
fn a_tree_can_ask_and_not_let_run() {
    let user = User::new();
    user.tree.write("plimsoll.toml", ASKS);
    let digest = user.digest();
    check_refused(&user.lint(""), &format!("({digest}), which you have not let run"));
    check_refused(&user.lint(&format!("--trust sha256:{:064}", 0)), "which you have not let run");
    // Its own word for itself counts for nothing.
    user.tree.write("plimsoll.toml", format!("{ASKS}digest = \"{digest}\"\n[trust.\"{digest}\"]\nname = \"acme\"\n"));
    let refused = user.lint("");
    check_refused(&refused, "which you have not let run");
    assert!(refused.stderr.contains("[trust] counts in the user's own file only"), "{refused:#?}");

    assert!(runs(&user.lint(&format!("--trust {digest}"))));
    assert!(runs(&user.lint("--trust-workspace")));
    let with = |name: &str, value: &str| {
        let output = user.tree.command("lint --slow-checks=off --format json").env(name, value).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains("acme/no-latest")
    };
    assert!(with("PLIMSOLL_TRUST", &digest) && with("PLIMSOLL_TRUST_WORKSPACE", "true"));
    assert!(!with("PLIMSOLL_TRUST_WORKSPACE", "false"));
}

#[test]
fn consent_is_for_these_very_bytes() {
    let user = User::new();
    let refused = user.tree.run("plugin add policies/acme.wasm");
    assert_eq!(refused.status, 2, "{refused:#?}");
    assert!(refused.stdout.contains("acme/no-root") && refused.stderr.contains("use --yes"), "{refused:#?}");
    assert!(!user.config().exists());

    let added = user.tree.run("plugin add policies/acme.wasm --yes");
    assert_eq!(added.status, 0, "{added:#?}");
    let linted = user.lint("-v");
    assert!(runs(&linted) && linted.stderr.contains("components compiled by this process: 0"), "{linted:#?}");
    assert!(user.tree.run("cache info").stdout.contains("native code of 1 component, "));

    user.tree.write("policies/acme.wasm", acme_changed());
    check_refused(&user.lint(""), "it is another component");
    assert!(user.tree.run("plugin list").stdout.contains("another one than you let run"));
    user.tree.run("plugin add policies/acme.wasm --yes");
    assert!(runs(&user.lint("")));

    fs::remove_file(user.tree.path().join("policies/acme.wasm")).unwrap();
    check_refused(&user.lint(""), "acme.wasm: there is no such file");
    let removed = user.tree.run("plugin remove acme");
    assert_eq!(removed.status, 0, "{removed:#?}");
    assert_eq!(user.lint("").status, 1);
    assert_eq!(user.tree.run("plugin remove acme").status, 2);
    let native = user.home.path().join(".cache/plimsoll/native-1");
    // What was kept of the component before it changed is let go by age.
    assert_eq!(fs::read_dir(native).unwrap().count(), 1);
}

/// On a terminal, which the program `script` of Unix makes, the user is asked.
#[cfg(unix)]
#[test]
fn on_a_terminal_the_user_is_asked() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let has_script = Command::new("script").arg("--version").stdout(Stdio::null()).status().map(drop);
    let missing = has_script.map_err(|error| format!("there is no program `script`: {error}"));
    if !run_or_skip("on_a_terminal_the_user_is_asked", missing) {
        return;
    }
    let user = User::new();
    let answer = |answer: &str| {
        let add = format!("'{}' plugin add policies/acme.wasm", env!("CARGO_BIN_EXE_plimsoll"));
        let mut script = Command::new("script");
        script.args(["-qec", &add, "/dev/null"]).current_dir(user.tree.path()).env("HOME", user.home.path());
        script.env_remove("XDG_CONFIG_HOME").env_remove("XDG_STATE_HOME").env_remove("XDG_CACHE_HOME");
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, shown) = answer("n\n");
    assert!(shown.contains("Let acme run? [y/N]") && status == Some(2), "{shown}");
    assert!(!user.config().exists());
    let (status, shown) = answer("y\n");
    assert!(shown.contains("acme runs from now on") && status == Some(0), "{shown}");
    assert!(runs(&user.lint("")));
}

#[test]
fn a_tree_gives_the_user_s_own_no_second_name() {
    let user = User::new();
    user.tree.run("plugin add policies/acme.wasm --yes");
    user.tree.write("plimsoll.toml", ASKS.replace("acme]", "other]"));
    let linted = user.lint("");
    assert!(runs(&linted) && linted.stderr.contains("plugin other runs as acme"), "{linted:#?}");
    assert!(!linted.findings().iter().any(|finding| finding.starts_with("other/")), "{linted:#?}");
}

#[test]
fn consent_where_a_tree_asks_is_for_there() {
    let user = User::new();
    user.tree.write("plimsoll.toml", format!("{ASKS}grants = {{ registry = [\"ghcr.io/*\"] }}\n"));
    let added = user.tree.run("plugin add policies/acme.wasm --yes");
    assert!(added.stdout.contains("may ask for  registry = [\"ghcr.io/*\"]"), "{added:#?}");
    assert!(runs(&user.lint("")));
    user.tree.write("plimsoll.toml", "");
    let elsewhere = user.lint("");
    assert!(!runs(&elsewhere) && elsewhere.status == 1, "{elsewhere:#?}");
    user.tree.write("plimsoll.toml", ASKS);
    user.tree.write("policies/acme.wasm", acme_changed());
    check_refused(&user.lint(""), "what you let run under that name was another component");
}

#[test]
fn a_component_without_digest_does_not_run() {
    let user = User::new();
    let path = user.tree.path().join("policies/acme.wasm").display().to_string();
    user.configure(&format!("[plugins.acme]\npath = \"{path}\"\n"));
    check_refused(&user.lint(""), &format!("write digest = \"{}\"", user.digest()));
    assert!(runs(&user.lint(&format!("--trust {}", user.digest()))));
    check_refused(&user.lint("--trust-workspace"), "write digest");
}

#[test]
fn what_is_not_granted_is_denied() {
    let registry = Registry::start();
    registry.push("team/app:1", &Image::new("linux/amd64"));
    registry.push("other/app:1", &Image::new("linux/amd64"));
    let user = User::new();
    let from = |name: &str| format!("FROM {}\n", registry.reference(name));
    user.tree.write("Dockerfile", from("team/app:1") + &from("other/app:1") + "USER a\n" + &from("team/app:1"));
    user.tree.write("other.Dockerfile", from("other/app:1"));
    let (digest, host) = (user.digest(), registry.reference("team/app:1"));
    let host = host.split('/').next().unwrap();
    let path = user.tree.path().join("policies/acme.wasm").display().to_string();
    let lint = |grants: &str| {
        user.configure(&format!("[plugins.acme]\npath = \"{path}\"\ndigest = \"{digest}\"\ngrants = {grants}\n"));
        user.tree.lint("--slow-checks=on --platform linux/amd64")
    };
    let found = |linted: &Linted| linted.findings().iter().filter(|found| found.starts_with("acme/no-root")).count();

    let nothing = lint("{}");
    assert_eq!((found(&nothing), nothing.skipped()), (0, vec!["acme/no-root denied".to_owned(); 2]), "{nothing:#?}");
    let why = format!("slow checks denied (plugin acme: its grants have no registry = [\"{host}/other/app\"]");
    assert!(nothing.stderr.contains(&why), "{nothing:#?}");
    assert_eq!(nothing.json()["slow_checks"]["skipped"]["denied"], 2);

    let narrow = lint(&format!("{{ registry = [\"{host}/team/*\"] }}"));
    assert_eq!((found(&narrow), narrow.skipped()), (1, vec!["acme/no-root denied".to_owned()]), "{narrow:#?}");
    let all = lint(&format!("{{ registry = [\"{host}\"] }}"));
    assert_eq!((found(&all), all.skipped()), (2, vec![]), "{all:#?}");
    // What a run with the grant got to know is nothing that one without may hear.
    let again = lint("{}");
    assert_eq!((found(&again), again.skipped().len()), (0, 2), "{again:#?}");
}

#[test]
fn limits_are_a_plugin_s_own() {
    let user = User::new();
    let hostile = component("hostile");
    user.tree.write("policies/acme.wasm", fs::read(hostile).unwrap());
    user.tree.write("Dockerfile", "# hostile: memory\nFROM alpine:latest\n");
    let limits = |limits: &str| {
        user.tree.write("plimsoll.toml", format!("{ASKS}limits = {limits}\n"));
        user.lint("--trust-workspace")
    };
    let small = limits("{ memory = \"8MiB\" }");
    assert!(small.problems()[0].contains("more memory than the 8 MiB"), "{small:#?}");
    let tree = limits("{ memory = \"1GiB\" }");
    assert!(tree.problems()[0].contains("more memory than the 128 MiB"), "a tree can only ask for less: {tree:#?}");
    user.tree.write("Dockerfile", "# hostile: loop\nFROM alpine:latest\n");
    let short = limits("{ time = \"200ms\" }");
    assert!(short.problems()[0].contains("it took longer than the 200ms"), "{short:#?}");
    assert_eq!(limits("{ time = \"1h\" }").status, 2);
}

#[test]
fn every_limit_can_be_set() {
    let user = User::new();
    user.tree.write("Dockerfile", "FROM alpine:latest\nFROM debian:latest\n");
    let path = user.tree.path().join("policies/acme.wasm").display().to_string();
    let all = "{ memory = \"64MiB\", time = \"1s\", table-elements = 500, requests = 9, findings = 1, log = \"2KiB\" }";
    user.configure(&format!("[plugins.acme]\npath = \"{path}\"\ndigest = \"{}\"\nlimits = {all}\n", user.digest()));
    let linted = user.lint("");
    assert!(linted.problems()[0].contains("acme/no-latest: it reported more than the 1 findings"), "{linted:#?}");
}

#[test]
fn rules_of_others_are_listed_and_explained() {
    let user = User::new();
    let listed = |arguments: &str| user.tree.run(&format!("rules {arguments}")).stdout.contains("acme/no-root");
    assert!(!listed("") && listed("--plugin policies/acme.wasm"));
    user.tree.run("plugin add policies/acme.wasm --yes --name acme");
    assert!(listed(""));
    assert!(user.tree.run("explain acme/no-root").stdout.contains("Severity: error"));
}

#[test]
fn tampered_native_code_is_not_run() {
    let user = User::new();
    user.tree.run("plugin add policies/acme.wasm --yes");
    let folder = user.home.path().join(".cache/plimsoll/native-1");
    let native = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&native).unwrap();
    for at in [0, 40, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        fs::write(&native, changed).unwrap();
        let linted = user.lint("-v");
        assert!(runs(&linted) && linted.stderr.contains("compiled by this process: 1"), "{at}: {linted:#?}");
        assert_eq!(fs::read(&native).unwrap().len(), whole.len(), "it was made anew");
    }
    // Native code of another user's making, as a shared cache may bring it, is none.
    let other = User::new();
    other.tree.run("plugin add policies/acme.wasm --yes");
    let foreign = fs::read_dir(other.home.path().join(".cache/plimsoll/native-1")).unwrap().next().unwrap().unwrap();
    assert_ne!(Some(&*foreign.file_name()), native.file_name(), "each key has its own");
    fs::copy(foreign.path(), &native).unwrap();
    assert!(user.lint("-v").stderr.contains("compiled by this process: 1"));
    assert!(user.lint("-v").stderr.contains("compiled by this process: 0"));
}

#[test]
fn a_store_that_cannot_be_written_costs_time_only() {
    let user = User::new();
    user.tree.write("cache", "a file, no folder");
    let added = user.tree.run("plugin add policies/acme.wasm --yes --cache-dir cache");
    assert_eq!(added.status, 0, "{added:#?}");
    let linted = user.lint("-v --cache-dir cache/deep");
    assert!(runs(&linted) && linted.stderr.contains("compiled by this process: 1"), "{linted:#?}");
}

#[test]
fn many_processes_share_a_store() {
    let user = User::new();
    user.tree.write("plimsoll.toml", ASKS);
    let mut command = user.tree.command("lint --slow-checks=off --format json --trust-workspace");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let children: Vec<_> = (0..8).map(|_| command.spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("acme/no-latest"), "{output:?}");
    }
    assert!(user.lint("-v --trust-workspace").stderr.contains("compiled by this process: 0"));
    let native = user.home.path().join(".cache/plimsoll/native-1");
    assert_eq!(fs::read_dir(native).unwrap().count(), 1, "nothing is left half written");
}

/// What a user narrowed by hand, or by `--grant`, should stay so when the component changes.
#[test]
fn what_was_narrowed_stays_narrow() {
    let user = User::new();
    user.tree.run("plugin add policies/acme.wasm --yes --grant registry=ghcr.io/acme/*");
    assert!(fs::read_to_string(user.config()).unwrap().contains("[\"ghcr.io/acme/*\"]"));
    user.tree.write("policies/acme.wasm", acme_changed());
    check_refused(&user.lint(""), "then `plimsoll plugin add`");
    let again = user.tree.run("plugin add policies/acme.wasm --yes");
    assert!(again.stdout.contains("may ask for  registry = [\"ghcr.io/acme/*\"]"), "{again:#?}");
    let wider = user.tree.run("plugin add policies/acme.wasm --yes --grant registry=ghcr.io");
    assert!(wider.stdout.contains("before       registry = [\"ghcr.io/acme/*\"]"), "{wider:#?}");
}

/// Who follows what the refusal says, from wherever he lints, should grant what the tree asks for.
#[test]
fn the_way_to_consent_leads_to_the_tree_that_asks() {
    let user = User::new();
    user.tree.write("deep/policies/acme.wasm", acme());
    user.tree.write("deep/Dockerfile", "FROM alpine:latest\n");
    user.tree.write("deep/plimsoll.toml", format!("{ASKS}grants = {{ registry = [\"ghcr.io/*\"] }}\n"));
    check_refused(&user.lint("deep"), "then `plimsoll plugin add ");
    let added = user.tree.run("plugin add deep/policies/acme.wasm --yes");
    assert!(added.stdout.contains("may ask for  registry = [\"ghcr.io/*\"]"), "{added:#?}");
    assert!(added.stdout.contains("deep/plimsoll.toml asks for it"), "{added:#?}");
    assert!(runs(&user.lint("deep")) && !runs(&user.lint("Dockerfile")));
}

/// Names and paths of a tree's file are a stranger's text.
#[test]
fn a_tree_writes_no_lines_of_the_list() {
    let user = User::new();
    user.tree.write("plimsoll.toml", "[plugins.\"good  runs\\n\\u001b[8m\"]\npath = \"a\\u001b[2J.wasm\"\n");
    let listed = user.tree.run("plugin list");
    assert!(listed.stdout.starts_with("good  runs\u{fffd}\u{fffd}[8m  does not run"), "{listed:#?}");
    assert!(!listed.stdout.contains('\u{1b}'), "{listed:#?}");
}

/// Whatever a recording says of the time, it is no crash.
#[test]
fn a_recording_from_the_end_of_time_is_read() {
    let user = User::new();
    user.tree.write("r.json", format!("{{\"recording\":1,\"now\":{},\"console\":false}}\n", u64::MAX));
    let replayed = user.tree.run("lint --replay r.json");
    assert_ne!(replayed.status, 101, "{replayed:#?}");
}
