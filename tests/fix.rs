//! `--fix` and `--diff`: what they make of files, which bytes they leave alone, and what they refuse.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use plimsoll_test_support::component::component;
use plimsoll_test_support::{Image, Linted, Project, Registry, files_below, repository_root, scratch_folder};

const OFF: &str = "--slow-checks=off --platform linux/amd64";

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll"))
}

fn fix(project: &Project, flags: &str) -> Linted {
    project.lint(&format!("{OFF} --fix {flags}"))
}

fn text(project: &Project) -> String {
    fs::read_to_string(project.path().join("Dockerfile")).unwrap()
}

/// What becomes of a file.
fn check(flags: &str, before: &str, after: &str) {
    let project = project().file("Dockerfile", before);
    let patch = project.run(&format!("lint {OFF} --diff {}", flags.replace("--show-fixes", "")));
    assert_eq!((patch.status, patch.stdout.is_empty()), (i32::from(before != after), before == after), "{patch:#?}");
    assert_eq!(text(&project), before, "--diff changes nothing");
    fix(&project, flags);
    assert_eq!(text(&project), after, "{before:?}");
    let again = fix(&project, flags);
    assert_eq!(text(&project), after, "fixed twice: {again:#?}");
}

#[test]
fn each_rule_that_can_mends_its_findings() {
    let safe = |before: &str, after: &str| check("", &format!("FROM a:1\n{before}"), &format!("FROM a:1\n{after}"));
    safe("run x\n", "RUN x\n");
    safe("MAINTAINER joe\n", "LABEL org.opencontainers.image.authors=\"joe\"\n");
    safe("ENV A b c\n", "ENV A=\"b c\"\n");
    safe("EXPOSE 80/TCP\n", "EXPOSE 80/tcp\n");
    safe("RUN a && \\\n\n  b\n", "RUN a && \\\n  b\n");
    safe("FROM a:1 AS Two\nCOPY --from=Two a b\n", "FROM a:1 AS two\nCOPY --from=two a b\n");
    check("", "FROM a:1 as two\n", "FROM a:1 AS two\n");
    check("", "FROM --platform=$TARGETPLATFORM a:1\n", "FROM a:1\n");
    // What may change what runs is for who asks for it.
    for (before, after) in [
        ("CMD run it\n", "CMD [\"run\", \"it\"]\n"),
        ("ENV PREFIX=/a\nWORKDIR $PREFX\n", "ENV PREFIX=/a\nWORKDIR $PREFIX\n"),
        ("ENV PREFIX=/a\nWORKDIR ${PREFX}/b\n", "ENV PREFIX=/a\nWORKDIR ${PREFIX}/b\n"),
    ] {
        safe(before, before);
        check("--unsafe-fixes", &format!("FROM a:1\n{before}"), &format!("FROM a:1\n{after}"));
    }
    // Two stages of one name: nobody but the author knows another.
    safe("FROM a:1 AS x\nFROM a:1 AS x\n", "FROM a:1 AS x\nFROM a:1 AS x\n");
}

#[test]
fn fixes_that_overlap_have_their_turn_one_after_another() {
    check("--show-fixes", "from a:1 as Build\nRUN x\nENV A b\nRUN y\n", "FROM a:1 AS build\nRUN x\nENV A=b\nRUN y\n");
}

#[test]
fn bytes_outside_of_edits_stay() {
    check("", "\u{feff}FROM a:1\r\nENV A b  \r\n\r\n# é\r\nRUN x", "\u{feff}FROM a:1\r\nENV A=b  \r\n\r\n# é\r\nRUN x");
    check(
        "--unsafe-fixes",
        "# escape=`\nFROM a:1\nENV A b `\n  c\nCMD run `\n  it\n",
        "# escape=`\nFROM a:1\nENV A=\"b   c\"\nCMD [\"run\", \"it\"]\n",
    );
    check("", "FROM a:1\nRUN <<E\nenv A b\nE\nENV A b\n", "FROM a:1\nRUN <<E\nenv A b\nE\nENV A=b\n");
}

#[test]
fn suppressed_findings_and_rules_that_are_off_change_nothing() {
    let kept = "FROM a:1\n# check=skip=LegacyKeyValueFormat\nENV A b\n";
    check("", kept, kept);
    let project = project().file("Dockerfile", "FROM a:1\nENV A b\n");
    project.write("plimsoll.toml", "[rules]\n\"buildkit/LegacyKeyValueFormat\" = { severity = \"off\" }\n");
    fix(&project, "");
    assert_eq!(text(&project), "FROM a:1\nENV A b\n");
}

/// Standard input, as it should be, is all there is on standard output.
#[test]
fn standard_input_is_handed_on_fixed() {
    let project = project();
    let mut command = project.command(&format!("lint {OFF} --fix -"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"FROM a:1\nENV A b\nCMD x\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "FROM a:1\nENV A=b\nCMD x\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("JSONArgsRecommended") && !said.contains("LegacyKeyValueFormat"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

/// Who pipes a file through it gets all of it back, whatever it is.
#[test]
fn standard_input_that_cannot_be_fixed_comes_back() {
    let project = project();
    let excluded = "--force-exclude --exclude x.Dockerfile --stdin-filename x.Dockerfile";
    for (bytes, status, flags) in [
        (b"FRM x\0\n".to_vec(), 2, ""),
        (b"FORM x".to_vec(), 1, ""),
        (vec![b'#'; 6 << 20], 2, ""),
        (b"FROM a:1 as b\n".to_vec(), 0, excluded),
    ] {
        project.write("in", &bytes);
        let mut command = project.command(&format!("lint {OFF} --fix - {flags}"));
        let output = command.stdin(fs::File::open(project.path().join("in")).unwrap()).output().unwrap();
        assert!(output.stdout == bytes, "{} bytes of {}", output.stdout.len(), bytes.len());
        assert_eq!(output.status.code(), Some(status));
    }
}

#[test]
fn answers_of_registries_are_written_too() {
    let registry = Registry::start();
    let digest = registry.push("team/app:1", &Image::new("linux/amd64"));
    let reference = registry.reference("team/app:1");
    let project = project().file("Dockerfile", format!("FROM {reference}\n"));
    project.write("plimsoll.toml", "[rules]\n\"sources/unpinned-image\" = { severity = \"warning\" }\n");
    let fixed = project.lint("--slow-checks=on --platform linux/amd64 --fix --show-fixes");
    assert_eq!(text(&project), format!("FROM {reference}@{digest}\n"), "{fixed:#?}");
    assert_eq!((fixed.status, fixed.findings().len()), (0, 0), "{fixed:#?}");
    assert!(fixed.stderr.contains("fixed:\n  Dockerfile: 1 x sources/unpinned-image"), "{fixed:#?}");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_out_of_the_tree_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (outside, tree) = (project().file("Dockerfile", "FROM a:1\nENV A b\n"), project());
    symlink(outside.path().join("Dockerfile"), tree.path().join("Dockerfile")).unwrap();
    let refused = fix(&tree, "Dockerfile");
    assert_eq!(text(&outside), "FROM a:1\nENV A b\n");
    assert!(refused.status == 2 && refused.stderr.contains("a link leads out of"), "{refused:#?}");
    assert_eq!(refused.findings().len(), 1, "what was not mended is found: {refused:#?}");

    let tree = project().file("files/real", "FROM a:1\nENV A b\n");
    symlink("files/real", tree.path().join("Dockerfile")).unwrap();
    fs::set_permissions(tree.path().join("files/real"), fs::Permissions::from_mode(0o751)).unwrap();
    fix(&tree, "");
    assert_eq!(text(&tree), "FROM a:1\nENV A=b\n");
    assert!(fs::symlink_metadata(tree.path().join("Dockerfile")).unwrap().is_symlink());
    assert_eq!(fs::metadata(tree.path().join("files/real")).unwrap().permissions().mode() & 0o777, 0o751);
}

#[test]
fn fixes_that_do_harm_are_refused() {
    static HOSTILE: OnceLock<PathBuf> = OnceLock::new();
    let hostile = HOSTILE.get_or_init(|| component("hostile"));
    let mend = |what: &str| {
        let project = project().file("Dockerfile", format!("# hostile: mends {what}\nFROM a:1\nENV A b\n"));
        let fixed = fix(&project, &format!("--plugin hostile={}", hostile.display()));
        (text(&project), fixed)
    };
    for what in ["breaks", "empties", "binary", "inflates"] {
        let (after, fixed) = mend(what);
        assert_eq!(after, format!("# hostile: mends {what}\nFROM a:1\nENV A=b\n"), "the other fix counts: {fixed:#?}");
        assert!(fixed.stderr.contains(&format!("Do what {what} (hostile/mends)")), "{fixed:#?}");
    }
    // What one line refuses, another may have, and still has when something else has changed there.
    check("", "FROM a:1\nENV f\u{a0}g h\nENV a \\\n\n  b\n", "FROM a:1\nENV f\u{a0}g h\nENV a=b\n");
    let (after, fixed) = mend("again");
    assert_eq!(after, format!("# hostile: mends again\nFROM a:1\nENV A=b\n{}", "# again\n".repeat(10)));
    assert!(fixed.stderr.contains("Dockerfile: not at rest"), "{fixed:#?}");
}

/// Finding out which of many fixes break a large file ends.
#[test]
fn many_fixes_that_do_harm_end() {
    let bad: String = (0..2_000).map(|number| format!("ENV f\u{a0}{number} h\n")).collect();
    let before = format!("FROM a:1\n{bad}{}", "RUN echo something, and something else\n".repeat(60_000));
    let project = project().file("Dockerfile", &before);
    let start = Instant::now();
    let fixed = fix(&project, "");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(text(&project), before);
    let notes: Vec<&str> = fixed.stderr.lines().filter(|line| line.starts_with("note: Dockerfile")).collect();
    assert!(notes[0].starts_with("note: Dockerfile:2: not applied") && notes[0].ends_with(" more below)"), "{notes:?}");
    assert!(notes[1].starts_with("note: Dockerfile: not all fixes were tried"), "{notes:?}");
}

/// On files that nobody here wrote for it: fixing twice changes nothing, no file is worse than before, and what a patch
/// shows is what is done.
#[test]
fn fixing_twice_changes_nothing() {
    let project = project();
    let corpus = std::env::var_os("PLIMSOLL_CORPUS").map(PathBuf::from);
    let corpora = [Some(repository_root().join("tests/dockerfiles")), corpus];
    for (number, corpus) in corpora.into_iter().flatten().enumerate() {
        for file in files_below(&corpus) {
            let name = format!("{number}-{}/Dockerfile", file.strip_prefix(&corpus).unwrap().display());
            project.write(&name, fs::read(&file).unwrap());
        }
    }
    for flags in ["", "--unsafe-fixes"] {
        let before = project.lint(OFF);
        let patch = project.run(&format!("lint {OFF} --diff -q {flags}"));
        let first = fix(&project, flags);
        let files = snapshot(project.path());
        let second = fix(&project, flags);
        assert!(files == snapshot(project.path()), "fixing twice changes something: {}", second.stderr);
        assert_eq!(project.run(&format!("lint {OFF} --diff -q {flags}")).stdout, "");
        assert!(!patch.stdout.is_empty() && first.findings().len() < before.findings().len());
        let problems = |linted: &Linted| linted.json()["summary"]["problems"].as_u64().unwrap();
        assert!(problems(&first) <= problems(&before), "{} {}", problems(&first), problems(&before));
        assert!(!first.stderr.contains("not at rest"), "{}", first.stderr);
        let found = (before.findings().len(), first.findings().len());
        println!("{} files {flags}: {} findings, {} after fixing", files.len(), found.0, found.1);
    }
}

fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = files_below(folder).into_iter().filter(|path| path.ends_with("Dockerfile")).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// A gate that only looks at patches sees what kept files from being looked at.
#[test]
fn patches_do_not_hide_what_is_wrong() {
    let project = project().file("Dockerfile", "FROM a:1\nENV A=b\n").file("bad/Dockerfile", "FROM a:1\nFOO x\n");
    let diff = |arguments: &str| project.run(&format!("lint {OFF} --diff {arguments}"));
    assert_eq!(diff("Dockerfile").status, 0);
    let missing = diff("nowhere");
    assert!(missing.status == 2 && missing.stderr.contains("nowhere: error[io] "), "{missing:#?}");
    let broken = diff("bad");
    assert!(broken.status == 1 && broken.stderr.contains("bad/Dockerfile:2: error[syntax] "), "{broken:#?}");
    let unusable = diff("--plugin nope.wasm Dockerfile");
    assert!(unusable.status == 2 && unusable.stderr.contains("plugin nope cannot be used"), "{unusable:#?}");
    for other in ["--format json", "--statistics", "--record r.json", "--write-baseline", "--suppress", "--exit-zero"] {
        assert!(diff(other).stderr.contains("cannot be used with"), "{other}");
    }
}

/// Names as `patch` and `git apply` take them in the working directory: as seen from there, through no link, in quotes.
#[cfg(unix)]
#[test]
fn patches_apply_where_they_are_made() {
    use std::os::unix::ffi::OsStrExt as _;
    let before = "FROM a:1 as b\n";
    let tree = project().file("plimsoll.toml", "[lint]\n").file("sub/a b/Dockerfile", before);
    let odd = tree.path().join("sub").join(OsStr::from_bytes(b"Dockerfile.\xff"));
    for path in [tree.path().join("sub/Dockerfile.\n::warning::\"x\\\t"), odd] {
        fs::write(path, before).unwrap();
    }
    std::os::unix::fs::symlink("a b/Dockerfile", tree.path().join("sub/Dockerfile.link")).unwrap();
    let sub = tree.path().join("sub");
    let diff = |arguments: &str| {
        let mut command = tree.command(&format!("lint {OFF} --diff --show-fixes {arguments}"));
        command.current_dir(&sub).output().unwrap()
    };
    let patched = diff(". Dockerfile.link");
    assert_eq!(patched.status.code(), Some(1));
    let said = String::from_utf8(patched.stderr).unwrap();
    assert!(!said.lines().any(|line| line.starts_with("::")), "{said}");
    for tool in [["git", "apply", "-p0", "-"], ["patch", "-p0", "-s", "-f"]] {
        if Command::new(tool[0]).arg("--version").output().is_err() {
            println!("{} is not here", tool[0]);
            continue;
        }
        let copy = scratch_folder();
        assert!(Command::new("cp").arg("-a").arg(&sub).arg(copy.path()).status().unwrap().success());
        fs::write(copy.path().join("patch"), &patched.stdout).unwrap();
        let mut command = Command::new(tool[0]);
        command.args(&tool[1..]).current_dir(copy.path().join("sub")).env("GIT_CEILING_DIRECTORIES", copy.path());
        let output = command.stdin(fs::File::open(copy.path().join("patch")).unwrap()).output().unwrap();
        assert!(output.status.success(), "{tool:?}: {output:?}\n{}", String::from_utf8_lossy(&patched.stdout));
        let files = files_below(&copy.path().join("sub"));
        assert_eq!(files.len(), 4, "{files:?}");
        for file in files {
            assert_eq!(fs::read_to_string(&file).unwrap(), "FROM a:1 AS b\n", "{}", file.display());
        }
    }
}

/// What is no UTF-8 reaches rules as something else.
#[test]
fn bytes_that_are_no_text_are_not_rewritten() {
    let before = b"FROM a:1\nMAINTAINER J\xf6rg\nENV A caf\xe9 b\nENV B c\n";
    let project = project().file("Dockerfile", before);
    fix(&project, "");
    let after = fs::read(project.path().join("Dockerfile")).unwrap();
    assert_eq!(after, b"FROM a:1\nMAINTAINER J\xf6rg\nENV A caf\xe9 b\nENV B=c\n");
}

#[test]
fn what_only_looks_like_a_mistake_is_left() {
    for kept in [
        "FROM alpine:{{ env.Variant }} x\nFROM alpine # Base\n",
        "FROM a:1\nMAINTAINER Ann \\\n# on leave until May\n  <a@b>\n",
        "FROM a:1\nCMD [\"a\", \"b\"\n",
        "FROM a:1\nARG VERSION=1\nENV A=${VERSIO:-2}\n",
        "ARG TARGETPLATFORM=linux/amd64\nFROM --platform=$TARGETPLATFORM a:1\n",
        "# escape=`\nFROM a:1\nCMD C:\\app\\server.exe -p 80\n",
        "FROM a:1\nCMD type run\nENTRYPOINT time run\n",
    ] {
        let project = project().file("Dockerfile", kept);
        fix(&project, "--unsafe-fixes");
        assert_eq!(text(&project), kept);
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_several_names_is_fixed_once() {
    let project = project().file("Dockerfile", "FROM a:1\nENV A b\n");
    std::os::unix::fs::symlink("Dockerfile", project.path().join("Dockerfile.prod")).unwrap();
    let fixed = fix(&project, ".");
    assert_eq!((fixed.status, text(&project).as_str()), (0, "FROM a:1\nENV A=b\n"), "{fixed:#?}");
}
