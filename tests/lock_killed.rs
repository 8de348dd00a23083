//! `plimsoll lock update`, killed at every step: before and after each call to the system that touches the lock,
//! the answers, or their folder. Needs strace, which kills in the middle of things.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use plimsoll_test_support::tools::strace_or_skip;
use plimsoll_test_support::{Image, Project, Registry, scratch_folder};

const UPDATE: &str = "lock update --platform linux/amd64";
/// How often a run may be killed elsewhere than was meant: what waits for answers does not always call alike.
const MISSES_MAX: usize = 200;

/// A moment of a run: how many calls that touch the lock have begun, and whether the last of them has ended.
type Moment = (usize, bool);

/// A call of the main thread.
#[derive(Debug)]
struct Called {
    name: String,
    touches: bool,
}

struct Scene {
    project: Project,
    log: PathBuf,
}

impl Scene {
    /// Runs the update under strace, and kills it before the main thread's n-th call of a name. All calls up to then.
    fn run(&self, kill: Option<(&str, usize)>) -> Vec<Called> {
        let plain = self.project.command(UPDATE);
        let mut command = Command::new("strace");
        command.args(["-y", "-qq", "-o"]).arg(&self.log);
        if let Some((name, nth)) = kill {
            command.args(["-e", &format!("inject={name}:signal=KILL:when={nth}")]);
        }
        command.arg(plain.get_program()).args(plain.get_args()).current_dir(self.project.path()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", std::env::var_os("PATH").unwrap());
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert!(kill.is_some() || status.success(), "{status}");
        let log = String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned();
        let folder = fs::canonicalize(self.project.path()).unwrap().display().to_string();
        let mut called: Vec<Called> = Vec::new();
        let mut has_begun = false;
        for line in log.lines() {
            let Some((name, rest)) = line.split_once('(') else { continue };
            // Where the run is says nothing of what a call is about.
            let rest = rest.replace(&format!("AT_FDCWD<{folder}>"), "");
            has_begun |= name == "flock" && rest.contains(&folder);
            let ours = ["plimsoll.lock", "plimsoll.answers", &format!("<{folder}>"), &format!("\"{folder}\"")];
            let touches = has_begun && ours.iter().any(|name| rest.contains(name));
            called.push(Called { name: name.to_owned(), touches });
        }
        called
    }

    fn files(&self) -> [Option<String>; 2] {
        ["plimsoll.lock", "plimsoll.answers"].map(|name| fs::read_to_string(self.project.path().join(name)).ok())
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.project.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

/// The moment that a run which was killed had come to.
fn moment(called: &[Called]) -> Moment {
    let begun = called.iter().filter(|call| call.touches).count();
    (begun, called.last().is_some_and(|call| !call.touches))
}

/// For each moment, the call before which a run has to be killed to end there.
fn moments(called: &[Called]) -> Vec<(Moment, String, usize)> {
    let mut moments = Vec::new();
    for (index, call) in called.iter().enumerate() {
        let follows = index > 0 && called[index - 1].touches;
        if call.touches || follows {
            let nth = called[..=index].iter().filter(|other| other.name == call.name).count();
            moments.push((moment(&called[..=index]), call.name.clone(), nth));
        }
    }
    moments
}

#[test]
fn an_update_may_be_killed_at_any_step() {
    if !strace_or_skip("an_update_may_be_killed_at_any_step") {
        return;
    }
    let registry = Registry::start();
    let image = |version: &str| Image::new("linux/amd64").env("V", version);
    for name in ["a", "b"] {
        registry.push(&format!("team/{name}:1"), &image("old"));
    }
    let [a, b] = ["a", "b"].map(|name| registry.reference(&format!("team/{name}:1")));
    let elsewhere = scratch_folder();
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("plimsoll.toml", "[lock]\nanswers = true\n")
        .file("Dockerfile", format!("FROM {a}\nENV A=$V\nFROM {b}\nENV A=$V\n"))
        .variable("PLIMSOLL_CACHE_DIR", elsewhere.path().join("cache").to_str().unwrap());
    let scene = Scene { project, log: elsewhere.path().join("log") };
    assert_eq!(scene.project.run("lock --platform linux/amd64").status, 0);
    let (old, names) = (scene.files(), scene.names());
    for name in ["a", "b"] {
        registry.push(&format!("team/{name}:1"), &image("new"));
    }
    let whole = scene.run(None);
    let new = scene.files();
    assert!(old.iter().zip(&new).all(|(old, new)| old.is_some() && new.is_some() && old != new), "{old:?} {new:?}");
    let wanted = moments(&whole);
    let calls: BTreeSet<&str> = wanted.iter().map(|(_, name, _)| name.as_str()).collect();
    for call in ["flock", "openat", "write", "fsync", "rename", "close"] {
        assert!(calls.contains(call), "{calls:?}");
    }
    let mut open: BTreeSet<Moment> = wanted.iter().map(|(moment, ..)| *moment).collect();
    let mut seen = BTreeSet::new();
    let (mut left_behind, mut misses) = (0, 0);
    for (wanted_moment, call, nth) in wanted.iter().cycle() {
        if open.is_empty() {
            break;
        }
        if !open.contains(wanted_moment) {
            continue;
        }
        for (name, text) in ["plimsoll.lock", "plimsoll.answers"].iter().zip(&old) {
            scene.project.write(name, text.as_ref().unwrap());
        }
        let reached = moment(&scene.run(Some((call, *nth))));
        misses += usize::from(!open.remove(&reached));
        assert!(misses < MISSES_MAX, "never reached: {open:?} of {wanted:#?}");
        let files = scene.files();
        for (index, file) in files.iter().enumerate() {
            assert!(*file == old[index] || *file == new[index], "{reached:?} {call}: neither old nor new: {file:?}");
        }
        seen.insert(files.map(|file| new.contains(&file)));
        left_behind += usize::from(scene.names() != names);
        let next = scene.project.run(UPDATE);
        assert_eq!(next.status, 0, "{reached:?} {call}: {next:#?}");
        assert_eq!((scene.files(), scene.names()), (new.clone(), names.clone()), "{reached:?} {call}: {next:#?}");
    }
    println!("moments: {}, half-written files left behind: {left_behind}, killed elsewhere: {misses}", wanted.len());
    assert_eq!(seen.len(), 3, "nothing written, the lock, both: {seen:?}");
    assert!(left_behind > 0, "some were killed while they wrote");
}
