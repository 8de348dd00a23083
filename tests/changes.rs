//! What has changed in a checkout, and what is staged in it: `--changed` and `--staged`.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use plimsoll_test_support::site::{git, git_or_skip};
use plimsoll_test_support::tools::make_tool;
use plimsoll_test_support::{Linted, Project, scratch_folder};

const BAD: &str = "FROM scratch AS Build\n";
const GOOD: &str = "FROM scratch AS build\n";
const AUTHOR: [&str; 4] = ["-c", "user.name=T", "-c", "user.email=t@example.com"];

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
    commit_in(project.path(), message);
}

fn commit_in(folder: &Path, message: &str) {
    git(folder, &["add", "--all"]);
    git(folder, &[&AUTHOR[..], &["commit", "--quiet", "--no-verify", "-m", message]].concat());
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

    // So does what a plimsoll.toml extends.
    project.write("one/plimsoll.toml", "extends = \"../shared/base.toml\"\n");
    project.write("shared/base.toml", "extends = \"all.toml\"\n");
    project.write("shared/all.toml", "");
    commit(&project, "configuration");
    assert_eq!(files(&lint(&project, "--changed")), [""; 0]);
    project.write("shared/all.toml", "[lint]\nignore = []\n");
    assert_eq!(files(&lint(&project, "--changed")), ["one/Dockerfile"]);
    assert_eq!(files(&lint(&project, "--staged")), [""; 0]);
    git(project.path(), &["add", "shared"]);
    assert_eq!(files(&lint(&project, "--staged")), ["one/Dockerfile"]);
    // One that is named holds for all.
    assert_eq!(files(&lint(&project, "--changed --config shared/base.toml")).len(), 3);
    assert_eq!(files(&lint(&project, "two --changed --config plimsoll.toml")), [""; 0]);
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
    let elsewhere = scratch_folder();
    fs::write(elsewhere.path().join("secret"), "FROM scratch AS Secret\n").unwrap();
    fs::create_dir(path.join("link")).unwrap();
    symlink(elsewhere.path().join("secret"), path.join("link/Dockerfile")).unwrap();
    project.write("large/Dockerfile", vec![b'#'; 40 << 20]);
    project.write("odd\n\tname/Dockerfile", BAD);
    git(path, &["add", "--all"]);
    let run = lint(&project, "--staged");
    assert_eq!(files(&run).len(), 2, "{run:#?}");
    assert!(run.problems().iter().any(|problem| problem.contains("larger than")), "{run:#?}");
    assert_eq!(run.findings().len(), 1, "{run:#?}");
}

/// What git has a hook do, which asks it to commit in a folder.
fn attempt(folder: &Path, words: &[&str]) -> (bool, String) {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", folder).args(AUTHOR).args(words);
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A commit of all files has an index of its own while hooks run.
#[test]
fn a_hook_sees_the_commit_to_be() {
    let Some(project) = checkout("a_hook_sees_the_commit_to_be") else { return };
    let path = project.path();
    let program = env!("CARGO_BIN_EXE_plimsoll");
    make_tool(&path.join(".git/hooks"), "pre-commit", &format!("exec {program} lint --slow-checks=off --staged\n"));
    project.write("one/Dockerfile", BAD);
    let (is_taken, said) = attempt(path, &["commit", "-am", "bad"]);
    assert!(!is_taken && said.contains("StageNameCasing"), "{said}");
    project.write("one/Dockerfile", "FROM scratch AS fine\n");
    let (is_taken, said) = attempt(path, &["commit", "-am", "good"]);
    assert!(is_taken, "{said}");

    // Where a commit takes the index as it is, git names that from the root of the checkout.
    let script = format!("cd one && exec {program} lint --slow-checks=off --format concise --staged . >&2\n");
    make_tool(&path.join(".git/hooks"), "pre-commit", &script);
    project.write("one/Dockerfile", BAD);
    git(path, &["add", "one"]);
    let (is_taken, said) = attempt(path, &["commit", "-m", "bad"]);
    assert!(!is_taken && said.starts_with("Dockerfile:1:17: "), "{said}");
}

/// To the hooks of a linked worktree git says where its repository is, and nothing of the folder.
#[test]
fn a_hook_of_a_linked_worktree_sees_the_commit_to_be() {
    let Some(project) = checkout("a_hook_of_a_linked_worktree_sees_the_commit_to_be") else { return };
    let linked = scratch_folder();
    let linked = linked.path().join("linked");
    git(project.path(), &["worktree", "add", "--quiet", "-b", "topic", linked.to_str().unwrap()]);
    fs::write(linked.join("one/Dockerfile"), BAD).unwrap();
    git(&linked, &["add", "one"]);
    let program = env!("CARGO_BIN_EXE_plimsoll");
    for (folder, words, shown) in [
        (".", "--staged one/Dockerfile", "one/Dockerfile"),
        (".", "--staged one", "one/Dockerfile"),
        (".", "--changed=HEAD one two", "one/Dockerfile"),
        ("one", "--staged .", "Dockerfile"),
        ("two", "--changed=HEAD ../one", "../one/Dockerfile"),
    ] {
        let script = format!("cd {folder} && exec {program} lint --slow-checks=off --format concise {words} >&2\n");
        make_tool(&project.path().join(".git/hooks"), "pre-commit", &script);
        let (is_taken, said) = attempt(&linked, &["commit", "-m", "bad"]);
        assert!(!is_taken && said.starts_with(&format!("{shown}:1:17: ")), "{words}: {said}");
        assert!(said.contains("1 finding in 1 file"), "{words}: {said}");
    }
    // So it is for what an alias runs.
    let alias = format!("alias.check=!{program} lint --slow-checks=off --format concise --staged one >&2");
    let (is_clean, said) = attempt(&linked, &["-c", &alias, "check"]);
    assert!(!is_clean && said.starts_with("one/Dockerfile:1:17: "), "{said}");
}

/// Whoever keeps the repository elsewhere says so, from the root of the checkout.
#[test]
fn a_repository_may_be_anywhere() {
    let Some(project) = checkout("a_repository_may_be_anywhere") else { return };
    project.write("one/Dockerfile", BAD);
    git(project.path(), &["add", "one"]);
    let elsewhere = scratch_folder();
    let repository = elsewhere.path().join("repository");
    assert!(Command::new("mv").arg(project.path().join(".git")).arg(&repository).status().unwrap().success());
    let project = project.variable("GIT_DIR", repository.to_str().unwrap());
    assert_eq!(files(&lint(&project, "--staged one two")), ["one/Dockerfile"]);
    assert_eq!(files(&lint(&project, "--changed=HEAD two one")), ["one/Dockerfile"]);
}

#[test]
fn what_lies_in_a_submodule_is_another_repositorys() {
    let Some(project) = checkout("what_lies_in_a_submodule_is_another_repositorys") else { return };
    let module = project.path().join("module");
    git(project.path(), &["init", "--quiet", "-b", "main", "module"]);
    fs::write(module.join("Dockerfile"), GOOD).unwrap();
    commit_in(&module, "of the module");
    commit(&project, "a submodule");
    for words in ["--changed", "--changed=HEAD", "--staged", "--changed=HEAD~1 ."] {
        assert_eq!(files(&lint(&project, words)), [""; 0], "{words}");
    }
    fs::write(module.join("Dockerfile"), BAD).unwrap();
    assert_eq!(files(&lint(&project, "--changed")), [""; 0]);
    assert_eq!(files(&lint(&project, "module --changed")), ["module/Dockerfile"], "it is a checkout by itself");
}

/// What is noted to be added some day is not committed.
#[test]
fn what_is_only_meant_to_be_added_is_not_staged() {
    let Some(project) = checkout("what_is_only_meant_to_be_added_is_not_staged") else { return };
    let path = project.path();
    project.write("new/Dockerfile", BAD);
    git(path, &["add", "--intent-to-add", "new"]);
    let run = lint(&project, "--staged");
    assert_eq!((run.status, files(&run).len()), (0, 0), "{run:#?}");
    assert_eq!(files(&lint(&project, "--changed")), ["new/Dockerfile"]);
    // An empty file is taken.
    project.write("empty/Dockerfile", "");
    git(path, &["add", "empty"]);
    assert_eq!(files(&lint(&project, "--staged")), ["empty/Dockerfile"]);
    git(path, &["add", "new"]);
    assert_eq!(files(&lint(&project, "--staged")).len(), 2);
}

#[test]
fn a_name_that_nothing_has_is_told() {
    let Some(project) = checkout("a_name_that_nothing_has_is_told") else { return };
    let path = project.path();
    fs::remove_dir_all(path.join("three")).unwrap();
    project.write("one/Dockerfile", BAD);
    git(path, &["add", "one"]);
    for how in ["--changed=HEAD", "--staged"] {
        let run = lint(&project, &format!("{how} one on/Dokerfile"));
        assert_eq!((run.status, run.findings().len()), (2, 1), "{run:#?}");
        assert!(run.problems().iter().any(|problem| problem.contains("the file cannot be read")), "{run:#?}");
        // What was there is no mistake, and neither is a folder where nothing differs.
        for words in ["three/Dockerfile", "three", "one/../three/Dockerfile", "two", "two/Dockerfile"] {
            let run = lint(&project, &format!("{how} {words}"));
            assert_eq!((run.status, files(&run).len()), (0, 0), "{words}: {run:#?}");
        }
    }
    git(path, &["add", "--all"]);
    let run = lint(&project, "--staged three/Dockerfile");
    assert_eq!((run.status, files(&run).len()), (0, 0), "{run:#?}");
}

#[test]
fn a_staged_link_counts_with_what_it_leads_to() {
    let Some(project) = checkout("a_staged_link_counts_with_what_it_leads_to") else { return };
    let path = project.path();
    project.write("shared/real", GOOD);
    fs::create_dir(path.join("api")).unwrap();
    symlink("../shared/real", path.join("api/Dockerfile")).unwrap();
    symlink("api/Dockerfile", path.join("Dockerfile")).unwrap();
    // A loop, one by way of a link to a folder, and some that lead elsewhere.
    symlink("b.Dockerfile", path.join("a.Dockerfile")).unwrap();
    symlink("a.Dockerfile", path.join("b.Dockerfile")).unwrap();
    symlink("shared", path.join("folder")).unwrap();
    for (name, target) in [("c", "folder/../one/Dockerfile"), ("d", "../../etc/passwd"), ("e", "/etc/passwd")] {
        symlink(target, path.join(format!("{name}.Dockerfile"))).unwrap();
    }
    git(path, &["add", "--all"]);
    assert_eq!(files(&lint(&project, "--staged")), ["Dockerfile", "api/Dockerfile"]);
    commit(&project, "links");
    assert_eq!(files(&lint(&project, "--staged")), [""; 0]);
    project.write("shared/real", BAD);
    assert_eq!(files(&lint(&project, "--staged")), [""; 0]);
    git(path, &["add", "--all"]);
    project.write("shared/real", GOOD);
    let run = lint(&project, "--staged");
    assert_eq!((run.status, files(&run)), (1, vec!["Dockerfile".to_owned(), "api/Dockerfile".to_owned()]), "{run:#?}");
    assert_eq!(run.findings().len(), 2, "{run:#?}");
}

#[test]
fn nothing_of_a_checkout_is_run() {
    let Some(project) = checkout("nothing_of_a_checkout_is_run") else { return };
    let path = project.path();
    let trap = make_tool(path, "trap", &format!("touch {}/sprung\ncat\n", path.display()));
    let trap = trap.to_str().unwrap();
    project.write(".gitattributes", "* filter=trap diff=trap\n");
    commit(&project, "attributes");
    symlink("one/Dockerfile", path.join("Dockerfile")).unwrap();
    git(path, &["add", "Dockerfile"]);
    project.write("new/Dockerfile", BAD);
    git(path, &["add", "--intent-to-add", "new"]);
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
