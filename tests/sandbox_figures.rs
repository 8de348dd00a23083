//! Figures of the sandbox, measured and printed: delays, and memory of this
//! process, which is why nothing else is tested in it.

#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use plimsoll::document::{Document, Meaning, Surroundings};
use plimsoll::plugin::{Component, Draft, Host, Limits, Plugin, Runner, Settings, Store, Subject};
use plimsoll_dockerfile::Platform;
use plimsoll_test_support::component::component;
use plimsoll_test_support::guest::Guest;
use plimsoll_test_support::{best_of, timed};

/// Only one measures at a time.
static TURN: Mutex<()> = Mutex::new(());

/// What one call may take.
const LIMIT: Duration = Duration::from_millis(200);
/// Runs without end.
const LOOP: &str = "(loop (br 0)) unreachable";

/// How often a delay is measured: what counts is the best, since others use this machine too.
const ATTEMPTS: usize = 5;

/// One plugin, ready to draft a file.
struct Bench {
    runner: Runner,
    subject: Subject,
}

impl Bench {
    fn new(component: Vec<u8>) -> Self {
        let host = Host::new().unwrap_or_else(|error| panic!("{error:#}"));
        let component = Component::new(component).unwrap_or_else(|error| panic!("{error}"));
        let limits = Limits { call_time: LIMIT, ..Limits::default() };
        let plugin = Plugin::load(&host, "bad", &component, limits).unwrap_or_else(|error| panic!("{}", error.message));
        let names = plugin.names.clone();
        let plugins: Arc<[Plugin]> = [plugin].into();
        Self { subject: subject(names), runner: Runner::new(plugins) }
    }

    fn draft(&mut self) -> Draft {
        self.runner.draft(0, self.subject.clone())
    }
}

fn subject(rules: Arc<[Arc<str>]>) -> Subject {
    let document = Arc::new(Document::new(0, "Dockerfile".to_owned(), b"FROM scratch\nENV A=1\n".to_vec()));
    let surroundings = Surroundings::of_platform(Platform::host());
    let meaning = Arc::new(Meaning::new(document.clone(), &surroundings, &[]));
    let enabled = (0..u32::try_from(rules.len()).unwrap_or(0)).collect();
    let settings = Arc::new(Settings { rules, enabled, options: Vec::new() });
    Subject { id: 0, document, meaning, settings, context: Arc::default(), now: SystemTime::UNIX_EPOCH }
}

/// A loop costs its limit and a fifth at most, though the call is made again to
/// learn whose it was, and without that rule.
#[test]
fn a_loop_is_stopped_within_its_limit_and_a_fifth() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bench = Bench::new(Guest { check: LOOP.to_owned(), ..Guest::default() }.component());
    let took_max = LIMIT.mul_f64(1.2);
    let took = best_of(ATTEMPTS, took_max, || timed(|| assert_eq!(bench.draft().failures.len(), 1)));
    println!("a loop of a limit of {LIMIT:?} is over after {took:?}");
    assert!(took >= LIMIT && took <= took_max, "{took:?}");
}

/// A thousand traps one after another leave nothing behind.
#[test]
fn traps_leave_no_memory_behind() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bench = Bench::new(Guest { check: "unreachable".to_owned(), ..Guest::default() }.component());
    let mut trap = |times| (0..times).for_each(|_| assert_eq!(bench.draft().failures.len(), 1));
    trap(200);
    let before = resident();
    trap(1_000);
    let after = resident();
    println!("resident memory after 1,000 traps: {before} to {after} KiB");
    assert!(after * 100 <= before * 105, "{before} to {after} KiB");
}

/// A runner is what a thread has for a plugin: 64 of them, with an instance each
/// that has served a file.
#[test]
fn an_instance_takes_little_memory() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let path = component("acme");
    let bytes = fs::read(Path::new(&path)).unwrap_or_else(|error| panic!("{error}"));
    let host = Host::new().unwrap_or_else(|error| panic!("{error:#}"));
    let acme = Component::new(bytes).unwrap_or_else(|error| panic!("{error}"));
    let acme =
        Plugin::load(&host, "acme", &acme, Limits::default()).unwrap_or_else(|error| panic!("{}", error.message));
    let subject = subject(acme.names.clone());
    let plugins: Arc<[Plugin]> = [acme].into();
    let runner = || {
        let mut runner = Runner::new(plugins.clone());
        assert_eq!(runner.draft(0, subject.clone()).failures.len(), 0);
        runner
    };
    let warm = runner();
    let before = resident();
    let runners: Vec<Runner> = (0..64).map(|_| runner()).collect();
    let each = resident().saturating_sub(before) / 64;
    println!("resident memory of one plugin and thread: {each} KiB");
    assert!(each <= 2 << 10, "{each} KiB");
    drop((warm, runners));
}

/// Resident memory of this process in KiB; nothing where the system does not say.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// A component that was compiled before is read, verified, linked and asked for its rules.
#[test]
fn a_stored_plugin_loads_within_a_millisecond() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = plimsoll_test_support::scratch_folder();
    let host = || {
        let store = Store::new(folder.path(), folder.path().join("key"));
        Host::with_store(Some(store)).unwrap_or_else(|error| panic!("{error:#}"))
    };
    let path = component("acme");
    let load = |host: &Arc<Host>| {
        let start = Instant::now();
        let component = Component::read(Path::new(&path)).unwrap_or_else(|error| panic!("{error}"));
        let plugin = Plugin::load(host, "acme", &component, Limits::default());
        assert_eq!(plugin.map_or(0, |plugin| plugin.rules.len()), 4);
        start.elapsed()
    };
    let first = load(&host());
    let host = host();
    let later_max = Duration::from_millis(1);
    let later = best_of(50, later_max, || load(&host));
    println!("first load {first:?}, the best of later ones {later:?}");
    assert_eq!(host.compiled(), 0, "it was stored");
    assert!(later <= later_max, "{later:?}");
}
