//! `cargo bench`: ratios, each from one run over the repository's own
//! Dockerfiles. The two sides of a ratio take turns, so that a machine whose
//! speed drifts treats them alike; the median of the pairs counts.
//!
//! `PLIMSOLL_CORPUS=FOLDER cargo bench` takes other files.

#![allow(clippy::print_stdout)]

mod native;
mod plugins;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::config::Files;
use plimsoll::discover::discover;
use plimsoll::document::Surroundings;
use plimsoll::lint::{self, Ask, Input, Job, Ruleset, SlowChecks, Source};
use plimsoll::plugin::{Host, Plugin};
use plimsoll::resolve::Recorded;
use plimsoll::schedule::Terms;
use plimsoll_dockerfile::Platform;
use plimsoll_test_support::repository_root;
use plugins::Kind;

/// Pairs of runs for each ratio.
const PAIRS: usize = 31;
/// How often the set is linted in one run, so that a run takes some milliseconds.
const REPEATS: usize = 10;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let pairs = if std::env::args().any(|argument| argument == "--bench") { PAIRS } else { 1 };
    let folder =
        std::env::var_os("PLIMSOLL_CORPUS").map_or_else(|| repository_root().join("tests/dockerfiles"), PathBuf::from);
    let sources: Vec<(String, Vec<u8>)> = discover(&[folder], None)
        .into_iter()
        .filter_map(|found| Some((found.path.display().to_string(), std::fs::read(&found.path).ok()?)))
        .collect();
    println!("{} Dockerfiles, {} bytes", sources.len(), sources.iter().map(|(_, source)| source.len()).sum::<usize>());

    let host = Host::new().expect("the engine starts");
    let wasm = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
    let (wasm, native): (Arc<[Plugin]>, Arc<[Plugin]>) = (plain(wasm).into(), plain(native::packs()).into());
    let none = Vec::new().into();
    let (wasm_job, native_job, bare_job) =
        (job(&sources, wasm.clone(), 1), job(&sources, native, 1), job(&sources, none, 1));
    assert_eq!(findings(&wasm_job), findings(&native_job), "the sandbox changes nothing");

    let [wasm_time, native_time] = times(pairs, [&|| run(&wasm_job), &|| run(&native_job)]);
    println!("whole lint, rules as Wasm against the same rules native: {}", ratio(&wasm_time, &native_time));
    let [native_time, bare_time] = times(pairs, [&|| run(&native_job), &|| run(&bare_job)]);
    println!("whole lint, native rules against reading, parsing and model alone: {}", ratio(&native_time, &bare_time));

    let both_job = job(&sources, wasm, 2);
    let [two, one] = times(pairs, [&|| run(&both_job), &|| run(&wasm_job)]);
    println!("whole lint, two threads against one: {}", ratio(&two, &one));

    for (kind, what) in [
        (Kind::Asking, "that may ask"),
        (Kind::AskingNothing, "that ask nothing"),
        (Kind::BesideBundled, "that ask nothing, beside the bundled packs,"),
    ] {
        let [one, many] = plugins::one_and_many(kind).map(|(plugins, ruleset)| {
            let sources: Vec<_> = sources.iter().cycle().take(plugins::FILES / REPEATS).cloned().collect();
            Job { rulesets: vec![ruleset], ..job(&sources, plugins, 1) }
        });
        assert_eq!(distinct(findings(&many)), distinct(findings(&one)), "who runs a rule changes nothing");
        let [many_time, one_time] = times(pairs, [&|| run(&many), &|| run(&one)]);
        println!(
            "20 plugins of one rule {what} against one of all of them: {}, best against best {:.2}",
            ratio(&many_time, &one_time),
            best(&many_time) / best(&one_time)
        );
    }

    let paths: Vec<PathBuf> = sources.iter().map(|(path, _)| path.into()).collect();
    let [lint, version] = times(
        pairs.div_ceil(6),
        [
            &|| {
                paths
                    .iter()
                    .for_each(|path| process(&["lint", "--slow-checks=off", "--quiet", &path.to_string_lossy()]))
            },
            &|| paths.iter().for_each(|_| process(&["version"])),
        ],
    );
    println!("one process a file, lint against version: {}", ratio(&lint, &version));
}

/// The packs of a plain run: those that need tools wait for the user's leave.
fn plain(packs: Vec<Plugin>) -> Vec<Plugin> {
    packs.into_iter().filter(|pack| pack.name != "shellcheck").collect()
}

fn job(sources: &[(String, Vec<u8>)], plugins: Arc<[Plugin]>, threads: usize) -> Job {
    let inputs = (0..REPEATS).flat_map(|_| sources).map(|(path, source)| Input {
        shown: path.clone(),
        source: Source::Bytes(source.clone()),
        ruleset: 0,
        context: Arc::default(),
    });
    Job {
        inputs: inputs.collect(),
        rulesets: vec![Ruleset::new(&plugins, Files::default()).expect("no configuration, no mistake")],
        plugins,
        unusable: Vec::new(),
        surroundings: vec![Surroundings::of_platform(Platform::host())],
        slow_checks: SlowChecks { ask: Ask::Nothing, fail_fast: true, terms: Terms::within(Duration::from_secs(1)) },
        lock: None,
        resolver: Arc::new(Recorded::default()),
        now: std::time::SystemTime::UNIX_EPOCH,
        threads,
    }
}

fn run(job: &Job) {
    black_box(lint::run(job));
}

fn findings(job: &Job) -> Vec<(String, String)> {
    let files = lint::run(job).files;
    files
        .into_iter()
        .flat_map(|file| file.findings)
        .map(|finding| (finding.rule.to_string(), finding.message))
        .collect()
}

/// A rule that a file asks for itself is run by each plugin that has it.
fn distinct(findings: Vec<(String, String)>) -> BTreeSet<(String, String)> {
    findings.into_iter().collect()
}

fn process(arguments: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("the program starts").code().is_some_and(|code| code < 2), "{arguments:?}");
}

/// The times of both sides, taken in turns after a run that does not count.
fn times(pairs: usize, sides: [&dyn Fn(); 2]) -> [Vec<f64>; 2] {
    sides.iter().for_each(|side| side());
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..pairs {
        for (side, times) in sides.iter().zip(&mut times) {
            let start = Instant::now();
            side();
            times.push(start.elapsed().as_secs_f64());
        }
    }
    times
}

/// What the least disturbed run took.
fn best(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The median of the ratios of pairs, with the quartiles.
fn ratio(one: &[f64], other: &[f64]) -> String {
    let mut ratios: Vec<f64> = one.iter().zip(other).map(|(one, other)| one / other).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |part: usize| ratios[(ratios.len() - 1) * part / 4];
    format!("{:.2} (quartiles {:.2} to {:.2})", at(2), at(1), at(3))
}
