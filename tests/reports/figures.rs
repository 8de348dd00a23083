//! What reports cost: ten thousand files, and a hundred thousand findings.
//!
//! `cargo test --release --test reports figures -- --nocapture` prints the figures; memory is held to its limit here,
//! times are for a machine that does nothing else.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use plimsoll::config::Format;
use plimsoll::discover::discover;
use plimsoll::document::Document;
use plimsoll::finding::{Finding, Fix, Severity};
use plimsoll::lint::{FileReport, Outcome};
use plimsoll_dockerfile::Span;
use plimsoll_test_support::servers::run_or_skip;
use plimsoll_test_support::{repository_root, scratch_folder};

use crate::scene::written;

/// What ten thousand files may take, report included.
const MEMORY_KIB_MAX: u64 = 150 << 10;
const FILES: usize = 10_000;
const FINDINGS: usize = 100_000;

/// Seconds of the processor, and KiB at most.
struct Cost {
    seconds: f64,
    memory: u64,
}

/// Lints a folder, with JSON to a file.
fn cost(folder: &Path) -> Cost {
    let home = scratch_folder();
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%U %S %M", env!("CARGO_BIN_EXE_plimsoll"), "lint", "--quiet", "--slow-checks=off"]);
    command.arg(format!("--format=json={}", home.path().join("report.json").display())).arg(folder);
    let output = command.env_clear().env("HOME", home.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    // Before the figures stands that the status was not zero.
    let figures: Vec<f64> = said.lines().last().unwrap().split(' ').map(|figure| figure.parse().unwrap()).collect();
    assert!(fs::metadata(home.path().join("report.json")).unwrap().len() > 1_000, "{said}");
    Cost { seconds: figures[0] + figures[1], memory: figures[2] as u64 }
}

/// So many files of the corpus, again and again under other names.
fn files(count: usize) -> tempfile::TempDir {
    let corpus =
        env::var_os("PLIMSOLL_CORPUS").map_or_else(|| repository_root().join("tests/dockerfiles"), PathBuf::from);
    let found = discover(&[corpus], None);
    let folder = scratch_folder();
    for (number, file) in found.iter().cycle().take(count).enumerate() {
        let place = folder.path().join(format!("{number}"));
        fs::create_dir(&place).unwrap();
        fs::copy(&file.path, place.join("Dockerfile")).unwrap();
    }
    folder
}

#[test]
fn figures_of_ten_thousand_files() {
    let time = Path::new("/usr/bin/time");
    let installed = if time.is_file() { Ok(()) } else { Err("not installed: time".to_owned()) };
    if !run_or_skip("figures", installed) {
        return;
    }
    let (few, many) = (cost(files(FILES / 10).path()), cost(files(FILES).path()));
    let each = |cost: &Cost, files: usize| cost.seconds * 1_000.0 / files as f64;
    println!("{} files: {:.3} ms a file, {} MiB", FILES / 10, each(&few, FILES / 10), few.memory >> 10);
    println!("{FILES} files: {:.3} ms a file, {} MiB", each(&many, FILES), many.memory >> 10);
    assert!(many.memory <= MEMORY_KIB_MAX, "{} KiB", many.memory);
}

#[test]
fn figures_of_a_hundred_thousand_findings() {
    let outcome = outcome();
    for format in Format::ALL {
        let start = Instant::now();
        let report = written(&outcome, format);
        println!("{}: {:.2} s, {} MB", format.name(), start.elapsed().as_secs_f64(), report.len() / 1_000_000);
    }
}

/// Ten findings in each file, each with a fix.
fn outcome() -> Outcome {
    let text = "FROM alpine:3.20 AS Build\nENV GREETING=\"h\u{e9}llo $NMAE\"\nRUN true\n".repeat(10);
    let lines: Vec<usize> = text.match_indices("ENV").map(|(at, _)| at).collect();
    let finding = |at: &usize| Finding {
        rule: "buildkit/UndefinedVar".into(),
        severity: Severity::Warning,
        message: "Usage of undefined variable '$NMAE' (did you mean $NAME?)".to_owned(),
        url: Some("https://docs.docker.com/go/dockerfile/rule/undefined-var/".to_owned()),
        span: Span::new(*at as u32, *at as u32 + 12),
        related: Vec::new(),
        lock: None,
        fixes: vec![Fix {
            message: "Write $NAME".to_owned(),
            is_safe: false,
            edits: vec![(Span::new(*at as u32, *at as u32 + 3), "$NAME".to_owned())],
            renews_entry: false,
        }],
    };
    let file = |number| {
        let path = format!("services/{number}/Dockerfile");
        let source = Document::new(0, path.clone(), text.clone().into_bytes()).shared_source();
        let findings = lines.iter().map(finding).collect();
        FileReport { path, source: Some(source), findings, ..FileReport::default() }
    };
    Outcome { files: (0..FINDINGS / lines.len()).map(file).collect(), ..Outcome::default() }
}
