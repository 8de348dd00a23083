//! The guide for authors, `sdk/README.md`, followed to the letter: the files it
//! shows are written, the commands of its `console` blocks run, and what these
//! print is what it says.
//!
//! In a `console` block, lines behind `$ ` are commands, the others what they
//! print on standard output, where `…` stands for any text, and alone for any
//! lines. A fenced block with a path behind its language is that file.

#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![cfg(unix)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use plimsoll_test_support::{repository_root, scratch_folder};

/// Exit status when something could not be done; 1 tells of findings.
const FAILED: i32 = 2;

#[test]
fn the_guide_can_be_followed() {
    let guide = fs::read_to_string(repository_root().join("sdk/README.md")).unwrap();
    let scratch = scratch_folder();
    let mut folder = scratch.path().to_owned();
    let (start, mut count) = (Instant::now(), 0);
    for Block { line, info, text } in blocks(&guide) {
        match info.split_once(' ') {
            Some((_, path)) => {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            None if info == "console" => {
                for (command, printed) in commands(&text) {
                    count += 1;
                    match command.strip_prefix("cd ") {
                        Some(to) => folder = folder.join(to),
                        None => check(line, &folder, scratch.path(), &command, &printed),
                    }
                }
            }
            None => panic!("sdk/README.md:{line}: a block is `console`, or has a path behind its language"),
        }
    }
    assert!(count > 8, "{count}");
    println!("the guide, {count} commands: {:.1?}", start.elapsed());
}

/// A fenced block.
struct Block {
    line: usize,
    info: String,
    text: String,
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Block)> = None;
    for (line, text) in (1..).zip(guide.lines()) {
        match &mut open {
            Some((fence, block)) if text == *fence => {
                blocks.push(Block {
                    text: std::mem::take(&mut block.text),
                    info: block.info.clone(),
                    line: block.line,
                });
                open = None;
            }
            Some((_, block)) => writeln!(block.text, "{text}").unwrap(),
            None => {
                let info = text.trim_start_matches('`');
                let fence = &text[..text.len() - info.len()];
                if fence.len() >= 3 {
                    open = Some((fence.to_owned(), Block { line, info: info.to_owned(), text: String::new() }));
                }
            }
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    blocks
}

/// Commands, and what each is to print.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, printed))) => printed.push(line.to_owned()),
            (None, None) => panic!("{line:?} stands before any command"),
        }
    }
    commands
}

fn check(line: usize, folder: &Path, home: &Path, command: &str, expected: &[String]) {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_plimsoll"));
    let mut path = vec![program.parent().unwrap().to_owned()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    // A user with a home of their own, and this machine's Rust.
    let real_home = env::home_dir().unwrap_or_default();
    let rust = |variable: &str, folder: &str| env::var_os(variable).unwrap_or_else(|| real_home.join(folder).into());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env_clear()
        .env("PATH", env::join_paths(path).unwrap())
        .env("HOME", home)
        .env("CARGO_HOME", rust("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", rust("RUSTUP_HOME", ".rustup"))
        .env("CARGO_NET_OFFLINE", "true")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let status = output.status.code().unwrap_or(FAILED);
    assert!((0..FAILED).contains(&status), "sdk/README.md:{line}: $ {command}: {stdout}{stderr}");
    let printed: Vec<&str> = stdout.lines().collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert!(
        are_alike(&expected, &printed),
        "sdk/README.md:{line}: $ {command} prints something else:\n{stdout}{stderr}"
    );
}

/// Whether lines are as expected, in which `…` alone stands for any of them.
fn are_alike(expected: &[&str], printed: &[&str]) -> bool {
    match (expected, printed) {
        ([], _) => printed.is_empty(),
        (["…", rest @ ..], _) => (0..=printed.len()).any(|skipped| are_alike(rest, &printed[skipped..])),
        ([first, rest @ ..], [line, more @ ..]) => is_alike(first, line) && are_alike(rest, more),
        (_, []) => false,
    }
}

/// Whether a line is as expected, in which `…` stands for any text.
fn is_alike(expected: &str, line: &str) -> bool {
    match expected.split_once('…') {
        None => expected == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| is_alike(after, &rest[at..]))
        }),
    }
}
