//! `cargo bench -p plimsoll-dockerfile`: parse and model against the parser of crate `parse-dockerfile`,
//! as ratios, each from one run over the repository's own Dockerfiles. The two sides of a ratio take
//! turns, so that a machine whose speed drifts treats them alike; the median of the pairs counts.
//!
//! Nothing is put off beyond what is timed: a model has computed every value, variable, image and problem that
//! it is asked for. Only tokens, lines, the names in scope, for suggestions, the joined text of a `RUN` over
//! several lines, and the normal form of an image's name, which is checked, are found when asked.
//!
//! Both sides are given text: that bytes are UTF-8 would have to be found out for either.
//!
//! `PLIMSOLL_CORPUS=FOLDER cargo bench -p plimsoll-dockerfile` takes other files. Only files that both
//! accept count.

#![allow(clippy::print_stdout)]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plimsoll_dockerfile::{Inputs, model, parse};

/// Pairs of runs for each ratio.
const PAIRS: usize = 101;
/// How long one run takes at least: the files are read as often as it takes.
const RUN: Duration = Duration::from_millis(10);

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let pairs = if std::env::args().any(|argument| argument == "--bench") { PAIRS } else { 1 };
    let folder = std::env::var_os("PLIMSOLL_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/dockerfiles"), PathBuf::from);
    let files = dockerfiles(&folder);
    let accepted: Vec<&str> = files.iter().map(String::as_str).filter(|text| peer(text)).collect();
    let sources: Vec<&str> = accepted.iter().copied().filter(|text| parse(*text).first_error().is_none()).collect();
    assert!(!sources.is_empty(), "{}: no file that both accept", folder.display());
    let bytes: usize = sources.iter().map(|text| text.len()).sum();
    println!("{} Dockerfiles, {} accepted by parse-dockerfile, {} by both", files.len(), accepted.len(), sources.len());
    println!("{bytes} bytes in those");

    let inputs = Inputs::default();
    let ours = || {
        sources.iter().for_each(|text| {
            let tree = parse(*text);
            black_box(model(*text, &tree, &inputs));
        })
    };
    let tree_only = || sources.iter().for_each(|text| drop(black_box(parse(*text))));
    let theirs = || {
        sources.iter().for_each(|text| {
            let _ = black_box(peer(text));
        })
    };
    println!("parse and model against parse-dockerfile's parse: {}", compare(pairs, &ours, &theirs));
    println!("parse alone against parse-dockerfile's parse: {}", compare(pairs, &tree_only, &theirs));
    println!("parse and model against parse alone: {}", compare(pairs, &ours, &tree_only));
}

/// Whether the other parser accepts a file; its tree is built and dropped.
fn peer(text: &str) -> bool {
    black_box(parse_dockerfile::parse(black_box(text))).is_ok()
}

/// The texts of all files in a folder and below it that are called like a Dockerfile.
fn dockerfiles(folder: &Path) -> Vec<String> {
    let (mut paths, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            match () {
                () if path.is_dir() => folders.push(path),
                () if name.contains("dockerfile") || name.contains("containerfile") => paths.push(path),
                () => {}
            }
        }
    }
    paths.sort();
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// The median of the ratios of pairs, with the quartiles, and the medians of both sides for one round.
fn compare(pairs: usize, one: &dyn Fn(), other: &dyn Fn()) -> String {
    let repeats = [one, other].map(|side| {
        let start = Instant::now();
        side();
        (RUN.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9)).ceil() as usize
    });
    let repeats = repeats[0].max(repeats[1]);
    let time = |side: &dyn Fn()| {
        let start = Instant::now();
        (0..repeats).for_each(|_| side());
        start.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..pairs).map(|_| time(one) / time(other)).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |part: usize| ratios[(ratios.len() - 1) * part / 4];
    format!("{:.2} (quartiles {:.2} to {:.2})", at(2), at(1), at(3))
}
