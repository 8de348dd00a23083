//! Dockerfiles that nobody here wrote, when `PLIMSOLL_CORPUS` names a folder of
//! them: no crash, no plugin that fails, no difference between one thread and
//! two, and no problem with a file unless BuildKit would refuse it.

use plimsoll_test_support::{Project, repository_root};

#[test]
fn nothing_breaks() {
    let folder = std::env::var_os("PLIMSOLL_CORPUS").map_or_else(
        || {
            eprintln!("PLIMSOLL_CORPUS is not set: the repository's own set stands in");
            repository_root().join("tests/dockerfiles")
        },
        Into::into,
    );
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"));
    let one = project.lint(&format!("--slow-checks=off --threads 1 {}", folder.display()));
    let two = project.lint(&format!("--slow-checks=off --threads 2 {}", folder.display()));
    assert_eq!(one.stdout, two.stdout);
    let json = one.json();
    assert!(json["summary"]["files"].as_u64().unwrap() >= 30, "{}", json["summary"]);
    assert_eq!(json["summary"]["not_checked"], 0, "{:?}", one.problems());
    if folder.starts_with(repository_root()) {
        assert_eq!(one.problems(), [""; 0]);
    }
    println!("{} files, {} findings", json["summary"]["files"], json["summary"]["findings"]);
}
