//! Reports in files: whole, where the user said, and nowhere else.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_test_support::{Project, User};

const DOCKERFILE: &str = "FROM scratch AS Build\n";

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", DOCKERFILE)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn several_formats_go_to_several_places() {
    let project = project();
    let run = project.run("lint --format concise --format sarif=a.sarif --format json=out/b.json --format junit=c.xml");
    assert_eq!(run.status, 2, "there is no folder `out`");
    assert!(run.stderr.contains("error: --format json=out/b.json: "), "{}", run.stderr);
    assert!(run.stdout.starts_with("Dockerfile:1:17: warning[buildkit/StageNameCasing] "), "{}", run.stdout);
    assert_eq!(names(project.path()), ["Dockerfile", "a.sarif", "c.xml"], "the others are there, and nothing else");
    let run = project.run("lint --format sarif=a.sarif");
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    // Whoever reads along may go; the file is there.
    let mut child = project.command("lint --format text --format html=d.html").stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait().unwrap();
    assert!(fs::read_to_string(project.path().join("d.html")).unwrap().ends_with("</html>\n"));
}

#[cfg(unix)]
#[test]
fn what_is_there_is_replaced_as_it_is() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let project = project();
    project.write("there/report.json", "old and longer than nothing");
    let report = project.path().join("there/report.json");
    fs::set_permissions(&report, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&report, project.path().join("link.json")).unwrap();
    let linted = project.run("lint --format json --format concise=/dev/null Dockerfile");
    project.run("lint --format json=link.json Dockerfile");
    assert_eq!(fs::read_to_string(&report).unwrap(), linted.stdout);
    assert_eq!(fs::metadata(&report).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(project.path().join("link.json")).unwrap().is_symlink());
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    assert_eq!(names(&project.path().join("there")), ["report.json"]);
    // A disk that is full.
    let full = project.run("lint --format json=/dev/full Dockerfile");
    assert_eq!(full.status, 2);
    assert!(full.stderr.contains("--format json=/dev/full: "), "{}", full.stderr);
}

/// An interrupt in the middle of a report leaves the old one, and nothing beside it.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_half_of_a_report() {
    let project = project().file("reports/a.html", "old");
    for number in 0..200 {
        project.write(&format!("{number}/Dockerfile"), "FROM scratch AS Build\nENV A $B\n".repeat(40));
    }
    let reports = project.path().join("reports");
    let mut command = project.command("lint --slow-checks=off --quiet --format html=reports/a.html");
    let mut child = command.spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while names(&reports).len() < 2 && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "no report is begun");
    }
    let is_under_way = child.try_wait().unwrap().is_none();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success() || !is_under_way);
    let status = child.wait().unwrap().code();
    assert_eq!(names(&reports), ["a.html"]);
    let report = fs::read_to_string(reports.join("a.html")).unwrap();
    assert!(report == "old" && status == Some(130) || report.ends_with("</html>\n"), "{status:?}");
}

/// Who wrote the tree has no file written, wherever; the user has, in every tree.
#[test]
fn files_are_for_the_user_to_name() {
    let user = User::new(env!("CARGO_BIN_EXE_plimsoll"));
    let tree = &user.tree;
    let target = user.home.path().join("pwned");
    tree.write("plimsoll.toml", format!("[output]\nformat = ['concise', 'json={}']\n", target.display()));
    let run = tree.run("lint --slow-checks=off");
    assert!(run.stdout.contains("Dockerfile:1:6: warning[sources/latest-tag]"), "{run:#?}");
    assert!(run.stderr.contains("files in format under [output] count in the user's own file only"), "{run:#?}");
    assert!(!target.exists());

    fs::create_dir_all(user.config().parent().unwrap()).unwrap();
    fs::write(user.config(), "[output]\nformat = ['markdown', 'sarif=own.sarif']\n").unwrap();
    tree.write("plimsoll.toml", format!("[output]\nformat = 'json={}'\n", target.display()));
    let run = tree.run("lint --slow-checks=off");
    assert!(run.stdout.starts_with("### Plimsoll\n"), "the tree names none for standard output: {run:#?}");
    assert!(tree.path().join("own.sarif").is_file() && !target.exists());
}
