//! `plimsoll lint git+https://…`: repositories that are linted where they are, those of strangers among them,
//! from real git servers.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::clone::{Address, Bounds, Checkout};
use plimsoll_test_support::site::{Page, Site, git, git_or_skip, git_site, private_git_site};
use plimsoll_test_support::tools::make_tool;
use plimsoll_test_support::{Image, Linted, Project, Registry, scratch_folder};

const ON: &str = "--slow-checks=on --platform linux/amd64";

/// The program, in a folder where nothing is, with a place of its own for what is temporary.
struct User(Project);

impl User {
    fn new() -> Self {
        let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
        let temporary = project.path().join("temporary");
        fs::create_dir(&temporary).unwrap();
        let path = std::env::var("PATH").unwrap();
        Self(project.variable("PATH", &path).variable("TMPDIR", temporary.to_str().unwrap()))
    }

    fn run(&self, words: &str) -> Linted {
        let run = self.0.run(words);
        assert_eq!(
            fs::read_dir(self.0.path().join("temporary")).unwrap().count(),
            0,
            "{words} leaves nothing: {run:#?}"
        );
        assert!(
            !run.stdout.contains("/temporary") && !run.stderr.contains("/temporary"),
            "where it was is not told: {run:#?}"
        );
        run
    }

    fn lint(&self, words: &str) -> Linted {
        self.run(&format!("lint --format json {words}"))
    }

    /// What a command complains of that cannot do what it is asked for.
    #[track_caller]
    fn refused(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:#?}");
        run.stderr
    }
}

/// Commits all there is in a folder.
fn commit(folder: &Path) -> String {
    git(folder, &["add", "--all", "--force"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", "all"]);
    git(folder, &["rev-parse", "HEAD"])
}

fn write(folder: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A folder with a repository in `app.git`, which holds these files.
fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = scratch_folder();
    git(folder.path(), &["init", "-q", "-b", "main", "app.git"]);
    let work = folder.path().join("app.git");
    files.iter().for_each(|(path, text)| write(&work, path, text));
    commit(&work);
    folder
}

/// The report but for what it says of where the files are from and how the world was asked.
fn report(linted: &Linted) -> serde_json::Value {
    let mut json = linted.json();
    json.as_object_mut().unwrap().retain(|key, _| !matches!(key.as_str(), "repository" | "slow_checks"));
    json
}

#[test]
fn a_repository_is_linted_as_its_checkout_is() {
    if !git_or_skip("a_repository_is_linted_as_its_checkout_is") {
        return;
    }
    let registry = Registry::start();
    let digest = registry.push("team/python:3", &Image::new("linux/amd64").env("PYTHON_VERSION", "3"));
    let file = format!("FROM {}\nENV A=$PYTHON_VERSION B=$NOWHERE\nCOPY gone /\n", registry.reference("team/python:3"));
    let folder = repository(&[
        ("plimsoll.toml", "[lock]\nwrite = true\npin = [\"*\"]\n"),
        ("services/api/Dockerfile", &file),
        ("services/api/plimsoll.toml", "[rules.\"buildkit/UndefinedVar\"]\nseverity = \"info\"\n"),
        ("services/ignored/Dockerfile", "FROM scratch AS Ignored\n"),
        (".ignore", "ignored\n"),
        ("web/Dockerfile", "FROM scratch AS Web\n"),
    ]);
    let work = folder.path().join("app.git");
    symlink("../web/Dockerfile", work.join("services/linked.Dockerfile")).unwrap();
    let checkout = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let here =
        |words: &str| checkout.command(&format!("{words} {}", work.display())).current_dir(&work).output().unwrap();
    assert!(here("lock --platform linux/amd64").status.success());
    let first = commit(&work);
    git(&work, &["tag", "-a", "-m", "first", "v1"]);
    git(&work, &["branch", "stable"]);

    // What the lock says counts, whatever the tag means by now.
    let other = registry.push("team/python:3", &Image::new("linux/amd64").env("OTHER", "3"));
    registry.clear_log();
    let site = git_site(folder.path(), false);
    let url = format!("git+{}", site.url("/app.git"));
    let user = User::new();
    let linted = user.lint(&format!("{ON} {url}"));
    assert_eq!(linted.status, 1, "{linted:#?}");
    let asked: Vec<String> = registry.log().into_iter().map(|entry| entry.path).collect();
    let is_by_tag = |path: &String| path.contains("/manifests/") && !path.contains("/manifests/sha256:");
    assert!(asked.iter().any(|path| path.contains(&digest)) && !asked.iter().any(is_by_tag), "{asked:#?}");
    let json = linted.json();
    let paths: Vec<&str> =
        json["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["services/api/Dockerfile", "services/linked.Dockerfile", "web/Dockerfile"]);
    let plain = site.url("/app.git");
    assert_eq!(json["repository"], serde_json::json!({ "url": plain, "reference": "HEAD", "commit": first }));
    assert!(linted.stderr.contains(&format!("note: {url} is linted at commit {first}\n")), "{linted:#?}");
    assert!(!linted.stderr.contains("write = true"), "nothing has moved: {linted:#?}");
    // In code scanning too, without the folder that it was fetched to.
    let sarif = user.run(&format!("lint --format sarif {ON} {url}")).stdout;
    let provenance = serde_json::json!([
        { "repositoryUri": plain, "revisionId": first, "mappedTo": { "uriBaseId": "%SRCROOT%" } }
    ]);
    let parsed: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(parsed["runs"][0]["versionControlProvenance"], provenance);
    let local = here(&format!("lint --format json {ON}"));
    let mut local: serde_json::Value = serde_json::from_slice(&local.stdout).unwrap();
    local.as_object_mut().unwrap().remove("slow_checks");
    assert_eq!(report(&linted), local, "as in a checkout");

    // Whatever the name is, it is that commit.
    write(&work, "web/Dockerfile", "FROM scratch\n");
    let second = commit(&work);
    for (reference, commit) in [
        ("#v1", &first),
        ("#stable", &first),
        ("#refs/heads/stable", &first),
        (&*format!("#{first}"), &first),
        ("#main", &second),
        ("", &second),
    ] {
        let linted = user.lint(&format!("{ON} {url}{reference}"));
        assert_eq!(linted.json()["repository"]["commit"], **commit, "{reference}: {linted:#?}");
        let findings = linted.findings().iter().filter(|finding| finding.contains("StageNameCasing")).count();
        assert_eq!(findings, if *commit == first { 2 } else { 0 }, "{reference}: {linted:#?}");
    }
    let part = user.lint(&format!("{ON} {url}#v1:services/api"));
    let parts = part.json()["files"].as_array().unwrap().clone();
    assert_eq!((parts.len(), &parts[0]), (1, &json["files"][0]), "{part:#?}");
    let file = user.lint(&format!("{ON} {url}#:web/Dockerfile"));
    assert_eq!(file.json()["files"][0]["path"], "web/Dockerfile", "{file:#?}");
    let old = git_site(folder.path(), true);
    let linted = user.lint(&format!("git+{}#v1:web", old.url("/app.git")));
    assert_eq!(linted.json()["repository"]["commit"], *first, "{linted:#?}");

    // The lock there is nobody's to change.
    let locked = fs::read_to_string(work.join("plimsoll.lock")).unwrap();
    assert!(locked.contains(&digest) && !locked.contains(&other));
    let told = user.refused(&format!("lint --lock update {url}"));
    assert!(told.contains("--lock update would change the lock of what was only fetched"), "{told}");
    for command in ["lock", "lock update --in", "lock check", "lock apply", "lock export --source-policy"] {
        let told = user.refused(&format!("{command} {url}"));
        assert!(told.contains("the lock of a repository is changed in a checkout of it"), "{command}: {told}");
    }
    write(&work, "plimsoll.toml", "[lock]\nwrite = true\n");
    write(&work, "plimsoll.lock", locked.replace("\"pin\"", "\"float\""));
    commit(&work);
    let moved = user.lint(&format!("{ON} {url}"));
    assert!(moved.stderr.contains("note: write = true does not count"), "{moved:#?}");
    assert!(moved.stdout.contains("sources/moved-tag") && moved.stdout.contains(&other[..19]), "{moved:#?}");
}

#[test]
fn what_cannot_be_had_is_said_to_be_so() {
    if !git_or_skip("what_cannot_be_had_is_said_to_be_so") {
        return;
    }
    let folder = repository(&[("Dockerfile", "FROM scratch\n"), ("plimsoll.toml", "[lint]\nfail-levle = 1\n")]);
    let site = git_site(folder.path(), false);
    let url = |rest: &str| format!("git+{}{rest}", site.url("/app.git"));
    let user = User::new();
    let check = |words: &str, told: &str| {
        let refused = user.refused(&format!("lint {words}"));
        assert!(refused.contains(told), "{words}: {refused}");
    };
    check(&url("#nothing"), "#nothing: the repository has no branch or tag nothing");
    check(&url(&format!("#{}", "0".repeat(40))), "git fetch failed: ");
    check(&url("#main:web"), "web is not there at ");
    check(&format!("git+{}", site.url("/other.git")), "git ls-remote failed: ");
    check(&url(""), "error: plimsoll.toml:2:1: unknown field `fail-levle`");
    check(&format!("{} --offline", url("")), "--offline asks nobody");
    check(&format!("{} --context .", url("")), "leave out --context");
    check(&format!("{} Dockerfile", url("")), "name one address and no other path");
    check(
        "git+http://git.example/a.git",
        "write git+https://, or allow the host with --slow-checks-allow-host git.example",
    );
    check("git+file:///etc", "only https, http and ssh are spoken");
    check("git+ssh://-oProxyCommand=true/a", "it names no host");

    let bare = User(Project::new(env!("CARGO_BIN_EXE_plimsoll")).variable("PATH", "/nowhere"));
    let told = bare.0.run(&format!("lint {}", url("")));
    assert!(told.status == 2 && told.stderr.contains("there is no program git on the PATH"), "{told:#?}");
}

/// What is secret in an address goes to its server, and nowhere else.
#[test]
fn passwords_are_told_to_nobody_else() {
    if !git_or_skip("passwords_are_told_to_nobody_else") {
        return;
    }
    let folder = repository(&[("Dockerfile", "FROM scratch\n")]);
    let site = private_git_site(folder.path(), "Basic YWRhOnAlY3JldA==");
    let with = |site: &Site, who: &str| format!("git+{}", site.url("/app.git").replace("//", &format!("//{who}@")));
    let user = User::new();
    let linted = user.lint(&with(&site, "ada:p%25cret"));
    assert_eq!(linted.status, 0, "{linted:#?}");
    let wrong = user.run(&format!("lint {}", with(&site, "ada:secret")));
    assert!(wrong.status == 2 && wrong.stderr.contains("git ls-remote failed"), "{wrong:#?}");
    assert!(!site.log().is_empty());
    let target = site.url("/app.git/info/refs?service=git-upload-pack");
    let before = site.log().len();
    let lure = Site::start(move |_| Page::redirect(&target));
    let lured = user.run(&format!("lint {}", with(&lure, "ada:p%25cret")));
    assert_eq!((lured.status, site.log().len()), (2, before), "{lured:#?}");
    for run in [linted, wrong, lured] {
        for secret in ["cret", "YWRhO"] {
            assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{run:#?}");
        }
    }
}

#[test]
fn ssh_is_spoken_and_never_asks() {
    if !git_or_skip("ssh_is_spoken_and_never_asks") {
        return;
    }
    let folder = repository(&[("Dockerfile", "FROM scratch AS Odd\n")]);
    let user = User::new();
    let log = folder.path().join("log");
    // In place of a server: runs what it is told to here.
    let script = format!("echo \"$*\" >> {}\nfor last; do :; done\neval \"$last\"\n", log.display());
    let ssh = make_tool(folder.path(), "ssh", &script);
    let user = User(user.0.variable("GIT_SSH_COMMAND", ssh.to_str().unwrap()));
    let linted = user.lint(&format!("git+ssh://git@git.example:2222{}/app.git#main", folder.path().display()));
    assert_eq!(linted.findings().len(), 1, "{linted:#?}");
    let log = fs::read_to_string(log).unwrap();
    for line in log.lines() {
        assert!(
            line.contains("-o BatchMode=yes") && line.contains("-p 2222 git@git.example git-upload-pack"),
            "{line}"
        );
    }
}

/// Nothing that a stranger's repository holds is run, followed or believed.
#[test]
fn a_hostile_repository_does_no_harm() {
    if !git_or_skip("a_hostile_repository_does_no_harm") {
        return;
    }
    let folder = repository(&[
        (".gitattributes", "* filter=evil\n*.Dockerfile filter=lfs\n"),
        ("good/Dockerfile", "FROM scratch AS Good\n"),
        ("hooks/post-checkout", "#!/bin/sh\ntouch \"$WITNESS\"\n"),
        (".gitconfig", "[filter \"evil\"]\n\tsmudge = touch witness\n"),
        ("plimsoll.toml", "[slow-checks.console]\nenabled = true\n[plugins.evil]\npath = \"evil.wasm\"\n"),
    ]);
    let work = folder.path().join("app.git");
    fs::set_permissions(work.join("hooks/post-checkout"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", work.join("Dockerfile")).unwrap();
    symlink("../../../../../../../etc/passwd", work.join("good/up.Dockerfile")).unwrap();
    write(&work, "evil.wasm", "evil");
    // A submodule at an address that would run a program.
    write(
        &work,
        ".gitmodules",
        "[submodule \"sub\"]\n\tpath = sub\n\turl = ext::touch witness\n\tupdate = !touch witness\n",
    );
    git(&work, &["add", "--all", "--force"]);
    let head = git(&work, &["rev-parse", "HEAD"]);
    git(&work, &["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]);
    git(&work, &["commit", "-q", "-m", "evil"]);

    let user = User::new();
    let witness = user.0.path().join("witness");
    // The user's own filter is for files of the user's.
    let filter = format!("touch {}; cat", witness.display());
    user.0.write(".gitconfig", format!("[filter \"evil\"]\n\tsmudge = {filter:?}\n\tclean = cat\n\trequired = true\n"));
    user.0.write("templates/hooks/post-checkout", format!("#!/bin/sh\ntouch {}\n", witness.display()));
    let site = git_site(folder.path(), false);
    let linted = user.lint(&format!("git+{}", site.url("/app.git")));
    assert!(!witness.exists(), "{linted:#?}");
    assert!(!linted.stdout.contains("root:") && !linted.stderr.contains("root:"), "{linted:#?}");
    let json = linted.json();
    let paths: Vec<&str> =
        json["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["Dockerfile", "good/Dockerfile", "good/up.Dockerfile"], "{linted:#?}");
    assert!(linted.findings().iter().any(|finding| finding.contains("StageNameCasing")), "{linted:#?}");
    assert!(linted.stderr.contains("note: submodules are not fetched, their folders are empty: 1"), "{linted:#?}");
    assert!(
        linted.status == 2 && linted.stderr.contains("plugin evil"),
        "nothing of the tree's choice runs: {linted:#?}"
    );

    // What lies above the files says nothing of them.
    fs::write(user.0.path().join("temporary/plimsoll.toml"), "nonsense").unwrap();
    let linted = user.0.lint(&format!("git+{}", site.url("/app.git")));
    assert_eq!(linted.json(), json, "{linted:#?}");
}

fn clone(site: &Site, bounds: Bounds) -> Result<Checkout, String> {
    let address = Address::parse(&format!("git+{}", site.url("/app.git"))).unwrap().unwrap();
    Checkout::of(&address, bounds).map_err(|error| error.to_string())
}

#[test]
fn a_repository_costs_no_more_than_its_bounds() {
    if !git_or_skip("a_repository_costs_no_more_than_its_bounds") {
        return;
    }
    let check = |folder: &Path, bounds: Bounds, told: &str| {
        let refused = clone(&git_site(folder, false), bounds).unwrap_err();
        assert!(refused.contains(told), "{refused}");
    };
    // Small on its way, large on disk.
    let hollow = repository(&[("Dockerfile", "FROM scratch\n")]);
    let work = hollow.path().join("app.git");
    fs::File::create(work.join("zeros")).unwrap().set_len(64 << 20).unwrap();
    commit(&work);
    let small = Bounds { bytes: 32 << 20, ..Bounds::default() };
    check(hollow.path(), small, "it is larger than the 33554432 bytes that are fetched");
    assert!(clone(&git_site(hollow.path(), false), Bounds { bytes: 65 << 20, ..small }).is_ok());
    // Large on its way.
    let noise: Vec<u8> = (0..4u32 << 20).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    write(&work, "zeros", "");
    write(&work, "noise", &noise);
    commit(&work);
    check(hollow.path(), Bounds { bytes: 1 << 20, ..Bounds::default() }, "it is larger than the 1048576 bytes");
    // Folders of folders, each of which is one object: ten thousand million files.
    let many = repository(&[]);
    let work = many.path().join("app.git");
    write(&work, "file", "");
    let mut object = git(&work, &["hash-object", "-w", "file"]);
    let (mut mode, mut kind) = ("100644", "blob");
    for _ in 0..10 {
        let lines: String = (0..10).map(|name| format!("{mode} {kind} {object}\t{name}\n")).collect();
        write(many.path(), "tree", lines);
        object = tree(&work, &many.path().join("tree"));
        (mode, kind) = ("040000", "tree");
    }
    let bomb = git(&work, &["commit-tree", "-m", "bomb", &object]);
    git(&work, &["update-ref", "refs/heads/main", &bomb]);
    check(many.path(), Bounds::default(), "it has more than the 200000 files that are fetched");
    let few = repository(&[("a", ""), ("b", ""), ("c", "")]);
    check(few.path(), Bounds { files: 2, ..Bounds::default() }, "it has more than the 2 files");

    // A server that never answers, and one that begins to.
    for page in [Page::of("").never(), Page::of("001e# service=git-upload-pack\n").trickle(Duration::from_millis(300))]
    {
        let page = page.header("Content-Type", "application/x-git-upload-pack-advertisement");
        let site = Site::start(move |_| page.clone());
        let start = Instant::now();
        let refused = clone(&site, Bounds { time: Duration::from_millis(800), ..Bounds::default() }).unwrap_err();
        assert!(refused.contains("git ls-remote did not end in time"), "{refused}");
        assert!(start.elapsed() < Duration::from_millis(1_300), "{:?}", start.elapsed());
    }
}

fn tree(work: &Path, lines: &Path) -> String {
    let mut command = std::process::Command::new("git");
    let output = command.current_dir(work).arg("mktree").stdin(fs::File::open(lines).unwrap()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn an_interrupt_leaves_nothing() {
    if !git_or_skip("an_interrupt_leaves_nothing") {
        return;
    }
    let site = Site::start(|_| Page::of("").never());
    let user = User::new();
    let mut command = user.0.command(&format!("lint git+{}", site.url("/app.git")));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while site.log().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20), "git never asks");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(fs::read_dir(user.0.path().join("temporary")).unwrap().count(), 1);
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(user.0.path().join("temporary")).unwrap().count(), 0, "the folder is gone");
}
