//! The seeds of the fuzz targets, run on stable: every file in `fuzz/seeds/TARGET` is checked as the
//! target of that name checks it.

#![allow(clippy::unwrap_used)]

mod checks;

use std::fs;
use std::path::Path;

#[test]
fn parse() {
    replay("parse", checks::parse::check);
}

#[test]
fn expand() {
    replay("expand", checks::expand::check);
}

#[test]
fn references() {
    replay("references", checks::references::check);
}

#[test]
fn ignore() {
    replay("ignore", checks::ignore::check);
}

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", folder.display());
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let checked = std::panic::catch_unwind(|| check(&bytes));
        assert!(checked.is_ok(), "{} breaks a promise", path.display());
    }
}
