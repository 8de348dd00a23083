//! The command line, case by case: `tests/cli/*.txt`.
//!
//! A case is one file: its command lines on top (`$ plimsoll …`, run in a
//! scratch folder with an empty environment; `$ NAME=VALUE plimsoll …` sets a
//! variable), the files it works on, and what it prints.
//! `BLESS=1 cargo test --test cli` rewrites what is printed.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use plimsoll_test_support::{repository_root, scratch_folder};

#[test]
fn cases() {
    let folder = repository_root().join("tests/cli");
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(paths.len() > 10, "the cases are in {}", folder.display());
    let failed: Vec<String> = paths.iter().filter_map(|path| check(path).err()).collect();
    assert!(failed.is_empty(), "{}\nBLESS=1 accepts what is printed", failed.join("\n"));
}

struct Section {
    title: String,
    body: String,
}

fn check(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).unwrap();
    let (head, sections) = parse(&text);
    let scratch = scratch_folder();
    for section in sections.iter().filter(|section| !is_output(&section.title)) {
        let file = scratch.path().join(&section.title);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &section.body).unwrap();
    }
    let mut written = head.clone();
    for section in sections.iter().filter(|section| !is_output(&section.title)) {
        write!(written, "--- {}\n{}", section.title, section.body).unwrap();
    }
    for (index, command) in head.lines().filter_map(|line| line.strip_prefix("$ ")).enumerate() {
        let (status, stdout, stderr) = run(command, scratch.path());
        let number = if index == 0 { String::new() } else { format!(" {}", index + 1) };
        write!(written, "--- stdout{number}\n{}", ended(&stdout)).unwrap();
        if !stderr.is_empty() {
            write!(written, "--- stderr{number}\n{}", ended(&stderr)).unwrap();
        }
        write!(written, "--- status{number}\n{status}\n").unwrap();
    }
    if written == text {
        return Ok(());
    }
    if env::var_os("BLESS").is_some() {
        fs::write(path, written).unwrap();
        return Ok(());
    }
    Err(format!("{} prints something else:\n{written}", path.display()))
}

fn run(command: &str, folder: &Path) -> (i32, String, String) {
    let mut words = command.split_whitespace().peekable();
    let mut process = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    process.current_dir(folder).env_clear().env("HOME", folder);
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        process.env(name, value);
        words.next();
    }
    assert_eq!(words.next(), Some("plimsoll"), "{command}");
    let mut words: Vec<&str> = words.collect();
    if let Some(at) = words.iter().position(|word| *word == "<") {
        process.stdin(fs::File::open(folder.join(words[at + 1])).unwrap());
        words.truncate(at);
    }
    let output = process.args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&folder.display().to_string(), "FOLDER");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn parse(text: &str) -> (String, Vec<Section>) {
    let mut head = String::new();
    let mut sections: Vec<Section> = Vec::new();
    for line in text.split_inclusive('\n') {
        match (line.strip_prefix("--- "), sections.last_mut()) {
            (Some(title), _) => sections.push(Section { title: title.trim().to_owned(), body: String::new() }),
            (None, Some(section)) => section.body.push_str(line),
            (None, None) => head.push_str(line),
        }
    }
    (head, sections)
}

fn is_output(title: &str) -> bool {
    matches!(title.split(' ').next(), Some("stdout" | "stderr" | "status"))
}

fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
