//! The Docker Engine: ready when started, and gone with all its processes when
//! dropped, whatever happens.

#![expect(clippy::unwrap_used, reason = "functions of tests fail like tests")]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use plimsoll_test_support::docker_engine::installed_or_skip;
use plimsoll_test_support::image::Tree;
use plimsoll_test_support::{DockerEngine, Image, Registries, limits, scratch_folder};

#[test]
fn a_panic_ends_the_engine() {
    if !installed_or_skip("a_panic_ends_the_engine") {
        return;
    }
    let running = thread::spawn(|| {
        let registries = Registries::start(|_| Tree::from(&Image::new("linux/amd64")));
        let engine = DockerEngine::start(&registries);
        let folder = engine.folder().to_owned();
        assert!(processes_with(&folder) >= 2, "dockerd and containerd: {}", engine.log());

        let scratch = scratch_folder();
        let file = scratch.path().join("Dockerfile");
        fs::write(&file, "FROM alpine:3 AS Base\n").unwrap();
        let checked = engine.check(&file);
        assert_eq!((checked.warnings.len(), checked.build_error), (1, None), "{}", engine.log());
        assert_eq!(checked.warnings[0].rule, "StageNameCasing");
        std::panic::panic_any(folder);
    });
    let panic = running.join().unwrap_err();
    let folder = panic.downcast::<std::path::PathBuf>().expect("the panic at the end, and none before");
    let until = Instant::now() + limits::ENGINE_END_MAX;
    while processes_with(&folder) > 0 {
        assert!(Instant::now() < until, "something of the engine is left");
        thread::sleep(limits::READY_POLL);
    }
    assert!(!folder.exists());
}

/// How many processes have this folder mounted, as only those of the engine do.
fn processes_with(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("mountinfo"));
    // A process may end while it is looked at.
    processes.filter(|file| fs::read_to_string(file).is_ok_and(|mounts| mounts.contains(folder))).count()
}
