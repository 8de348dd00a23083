//! Linting as part of a day's work: what has changed, what is staged, again after each change.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll_test_support::site::{git, git_or_skip};
use plimsoll_test_support::tools::make_tool;
use plimsoll_test_support::{Linted, Project, best_of};

const BAD: &str = "FROM scratch AS Build\n";
const GOOD: &str = "FROM scratch AS build\n";

/// A checkout with a commit on `main` in which all is well; none where git is missing.
fn checkout(test: &str) -> Option<Project> {
    if !git_or_skip(test) {
        return None;
    }
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).variable("PATH", &std::env::var("PATH").unwrap());
    git(project.path(), &["init", "--quiet", "-b", "main"]);
    for folder in ["one", "two", "three"] {
        project.write(&format!("{folder}/Dockerfile"), GOOD);
    }
    project.write(".gitignore", "ignored/\n");
    commit(&project, "begin");
    Some(project)
}

fn commit(project: &Project, message: &str) {
    git(project.path(), &["add", "--all"]);
    let name = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
    git(project.path(), &[&name[..], &["commit", "--quiet", "--no-verify", "-m", message]].concat());
}

fn lint(project: &Project, words: &str) -> Linted {
    project.lint(&format!("--slow-checks=off {words}"))
}

/// The files of a report.
fn files(run: &Linted) -> Vec<String> {
    let json = run.json();
    let files = json["files"].as_array().unwrap().iter();
    files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_has_changed_is_linted() {
    let Some(project) = checkout("what_has_changed_is_linted") else { return };
    let run = lint(&project, "--changed");
    assert_eq!((run.status, files(&run).len()), (0, 0), "{run:#?}");
    assert!(run.stderr.contains("note: no Dockerfile differs from the last commit shared with main"), "{run:#?}");

    project.write("one/Dockerfile", BAD);
    // Written anew, and the same.
    project.write("two/Dockerfile", GOOD);
    fs::remove_file(project.path().join("three/Dockerfile")).unwrap();
    project.write("new/Dockerfile", BAD);
    project.write("ignored/Dockerfile", BAD);
    let run = lint(&project, "--changed");
    assert_eq!(files(&run), ["new/Dockerfile", "one/Dockerfile"], "{run:#?}");
    assert_eq!(run.status, 1);
    // Line ends of another system are no change.
    project.write("two/Dockerfile", GOOD.replace('\n', "\r\n"));
    assert_eq!(files(&lint(&project, "two --changed")).len(), 0);
    assert_eq!(files(&lint(&project, "one --changed")), ["one/Dockerfile"]);
}

#[test]
fn what_holds_for_a_dockerfile_counts_for_it() {
    let Some(project) = checkout("what_holds_for_a_dockerfile_counts_for_it") else { return };
    project.write("one/.dockerignore", "x\n");
    project.write("two/Dockerfile.dockerignore", "x\n");
    assert_eq!(files(&lint(&project, "--changed")), ["one/Dockerfile", "two/Dockerfile"]);
    commit(&project, "ignore files");
    fs::remove_file(project.path().join("two/Dockerfile.dockerignore")).unwrap();
    assert_eq!(files(&lint(&project, "--changed")), ["two/Dockerfile"]);
    project.write("plimsoll.toml", "[rules.\"buildkit/StageNameCasing\"]\nseverity = \"error\"\n");
    assert_eq!(files(&lint(&project, "--changed")).len(), 3);
}

#[test]
fn a_branch_is_compared_with_where_it_began() {
    let Some(project) = checkout("a_branch_is_compared_with_where_it_began") else { return };
    let path = project.path();
    git(path, &["checkout", "--quiet", "-b", "topic"]);
    project.write("one/Dockerfile", BAD);
    commit(&project, "on the branch");
    git(path, &["checkout", "--quiet", "main"]);
    project.write("two/Dockerfile", "FROM scratch AS other\n");
    commit(&project, "meanwhile");
    git(path, &["checkout", "--quiet", "topic"]);
    assert_eq!(files(&lint(&project, "--changed")), ["one/Dockerfile"]);
    assert_eq!(files(&lint(&project, "--changed=HEAD")).len(), 0);
    // A revision is compared with as it is.
    assert_eq!(files(&lint(&project, "--changed main")), ["one/Dockerfile", "two/Dockerfile"]);

    let run = lint(&project, "--changed one");
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("git knows no revision one in "), "{run:#?}");
    assert!(run.stderr.contains("paths stand before --changed"), "{run:#?}");
    let run = lint(&project, "--changed=--output=x");
    assert!(run.status == 2 && run.stderr.contains("git knows no revision --output=x"), "{run:#?}");
    assert!(!path.join("x").exists());
}

#[test]
fn staged_content_is_linted() {
    let Some(project) = checkout("staged_content_is_linted") else { return };
    let path = project.path();
    let run = lint(&project, "--staged");
    assert_eq!((run.status, files(&run).len()), (0, 0), "{run:#?}");
    project.write("one/Dockerfile", BAD);
    git(path, &["add", "one"]);
    project.write("one/Dockerfile", GOOD);
    project.write("two/Dockerfile", BAD);
    let run = lint(&project, "--staged");
    assert_eq!((run.status, files(&run)), (1, vec!["one/Dockerfile".to_owned()]), "{run:#?}");
    assert_eq!(run.findings(), ["buildkit/StageNameCasing 1: Stage name 'Build' should be lowercase"]);
    // It is committed, though it is not there.
    fs::remove_file(path.join("one/Dockerfile")).unwrap();
    assert_eq!(lint(&project, "--staged one").findings().len(), 1);
    assert_eq!(lint(&project, "two --staged").findings().len(), 0);
    // What holds for all brings all, as they are staged.
    project.write("plimsoll.toml", "");
    git(path, &["add", "plimsoll.toml"]);
    let run = lint(&project, "--staged");
    assert_eq!((files(&run).len(), run.findings().len()), (3, 1), "{run:#?}");
}

#[test]
fn what_can_be_staged_does_no_harm() {
    let Some(project) = checkout("what_can_be_staged_does_no_harm") else { return };
    let path = project.path();
    fs::write(path.join("secret"), "FROM scratch AS Secret\n").unwrap();
    fs::create_dir(path.join("link")).unwrap();
    symlink("../secret", path.join("link/Dockerfile")).unwrap();
    project.write("large/Dockerfile", vec![b'#'; 40 << 20]);
    project.write("odd\n\tname/Dockerfile", BAD);
    git(path, &["add", "--all"]);
    let run = lint(&project, "--staged");
    assert_eq!(files(&run).len(), 2, "{run:#?}");
    assert!(run.problems().iter().any(|problem| problem.contains("larger than")), "{run:#?}");
    assert_eq!(run.findings().len(), 1, "{run:#?}");
}

/// A commit of all files has an index of its own while hooks run.
#[test]
fn a_hook_sees_the_commit_to_be() {
    let Some(project) = checkout("a_hook_sees_the_commit_to_be") else { return };
    let path = project.path();
    let program = env!("CARGO_BIN_EXE_plimsoll");
    make_tool(&path.join(".git/hooks"), "pre-commit", &format!("exec {program} lint --slow-checks=off --staged\n"));
    project.write("one/Dockerfile", BAD);
    let attempt = |message: &str| {
        let mut command = Command::new("git");
        command.current_dir(path).env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", path);
        command.args(["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-am", message]);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_taken, said) = attempt("bad");
    assert!(!is_taken && said.contains("StageNameCasing"), "{said}");
    project.write("one/Dockerfile", "FROM scratch AS fine\n");
    let (is_taken, said) = attempt("good");
    assert!(is_taken, "{said}");
}

#[test]
fn nothing_of_a_checkout_is_run() {
    let Some(project) = checkout("nothing_of_a_checkout_is_run") else { return };
    let path = project.path();
    let trap = make_tool(path, "trap", &format!("touch {}/sprung\ncat\n", path.display()));
    let trap = trap.to_str().unwrap();
    project.write(".gitattributes", "* filter=trap diff=trap\n");
    commit(&project, "attributes");
    for setting in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "diff.external",
        "diff.trap.command",
        "diff.trap.textconv",
        "gpg.program",
        "credential.helper",
        "core.alternateRefsCommand",
        "uploadpack.packObjectsHook",
        "alias.rev-parse",
    ] {
        git(path, &["config", setting, trap]);
    }
    git(path, &["config", "core.hooksPath", path.join("hooks").to_str().unwrap()]);
    fs::create_dir(path.join("hooks")).unwrap();
    for hook in ["post-index-change", "pre-commit", "fsmonitor-watchman", "reference-transaction"] {
        fs::copy(trap, path.join("hooks").join(hook)).unwrap();
        fs::set_permissions(path.join("hooks").join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    // What is missing would be fetched, by whatever the checkout names.
    git(path, &["config", "remote.origin.url", &format!("ext::{trap}")]);
    git(path, &["config", "remote.origin.promisor", "true"]);
    git(path, &["config", "extensions.partialClone", "origin"]);
    project.write("one/Dockerfile", BAD);
    for words in ["--changed", "--changed=HEAD", "--staged"] {
        let run = lint(&project, words);
        assert!(run.status < 2, "{run:#?}");
        assert!(!path.join("sprung").exists(), "{words} ran something");
    }
    // The trap works.
    let _ = Command::new("git").current_dir(path).env_clear().args(["status"]).env("PATH", "/usr/bin:/bin").output();
    assert!(path.join("sprung").exists());
}

#[test]
fn without_git_or_checkout_it_is_said() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", GOOD);
    for words in ["--changed", "--staged"] {
        let run = project.variable_run("PATH", "/nowhere", &format!("lint {words}"));
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("there is no program git on the PATH"), "{run:#?}");
    }
    if !git_or_skip("without_git_or_checkout_it_is_said") {
        return;
    }
    let project = project.variable("PATH", &std::env::var("PATH").unwrap());
    for words in ["--changed", "--staged"] {
        let run = lint(&project, words);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("git knows no checkout here"), "{run:#?}");
    }
    for (words, what) in [
        ("- --changed", "standard input is in no checkout"),
        ("git+https://h/a --staged", "leave out --changed, --staged and --watch"),
        ("git+https://h/a --watch", "clone the repository, and watch the clone"),
        ("- --watch", "standard input is none"),
        ("--changed --staged", "cannot be used with"),
    ] {
        let run = lint(&project, words);
        assert!(run.status == 2 && run.stderr.contains(what), "{run:#?}");
    }
    // Without any commit, all is new.
    git(project.path(), &["init", "--quiet", "-b", "main"]);
    assert_eq!(files(&lint(&project, "--changed")), ["Dockerfile"]);
    git(project.path(), &["add", "Dockerfile"]);
    assert_eq!(files(&lint(&project, "--staged")), ["Dockerfile"]);
}

/// A run that watches, which is ended with the test.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_watched_folder_is_linted_again() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", GOOD);
    let mut command = project.command("lint --slow-checks=off --watch");
    let log = fs::File::create(project.path().join("log")).unwrap();
    let child = command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
    let mut watching = Watching(child);
    let seen = |rounds: usize| {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let mut text = String::new();
            fs::File::open(project.path().join("log")).unwrap().read_to_string(&mut text).unwrap();
            let parts: Vec<&str> = text.split("waiting for changes in .; Ctrl-C ends\n").collect();
            if parts.len() > rounds {
                return parts[rounds - 1].to_owned();
            }
            assert!(Instant::now() < deadline, "{text}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(seen(1), "No findings in 1 file.\n");
    // No screen is cleared where there is none.
    project.write("Dockerfile", BAD);
    assert!(seen(2).starts_with("warning[buildkit/StageNameCasing]"), "{}", seen(2));
    project.write("more/Dockerfile", GOOD);
    assert!(seen(3).contains("1 finding in 2 files"), "{}", seen(3));
    project.write("plimsoll.toml", "[lint]\nfail-lvel = \"none\"\n");
    assert!(seen(4).contains("did you mean `fail-level`?"), "{}", seen(4));
    project.write("plimsoll.toml", "[rules.\"buildkit/StageNameCasing\"]\nseverity = \"error\"\n");
    assert!(seen(5).contains("error[buildkit/StageNameCasing]"), "{}", seen(5));
    project.write("shared/base.toml", "[lint]\nignore = [\"buildkit/*\"]\n");
    project.write("plimsoll.toml", "extends = \"shared/base.toml\"\n[lint]\nbaseline = \"known.json\"\n");
    let is_last = |round: usize, what: &str| {
        let text = seen(round);
        assert!(text.contains(what), "{text}");
    };
    is_last(6, "there is no baseline");
    project.write("known.json", "[");
    is_last(7, "this is no baseline");
    project.write("plimsoll.toml", "extends = \"shared/base.toml\"\n");
    is_last(8, "No findings in 2 files.");
    project.write("shared/base.toml", "[lint]\nignore = []\n");
    is_last(9, "1 finding in 2 files");
    let id = watching.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(watching.0.wait().unwrap().code(), Some(130));
}

/// Opening a pipe to which nobody writes takes for ever.
#[test]
fn init_takes_over_files_alone() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    assert!(Command::new("mkfifo").arg(project.path().join("pipe")).status().unwrap().success());
    let run = project.run("init --from hadolint pipe");
    assert!(run.status == 2 && run.stderr.contains("pipe is no file"), "{run:#?}");
}

#[test]
fn help_starts_at_once() {
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let took_max = Duration::from_millis(10);
    let took = best_of(40, took_max, || project.run("--help").took);
    println!("plimsoll --help: {took:?}");
    assert!(took <= took_max, "{took:?}");
}
