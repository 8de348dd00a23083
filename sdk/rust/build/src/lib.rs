//! Finds the rules of a pack at build time, so that adding one edits no
//! existing file.
//!
//! Input: `rules/<rule>.rs` with `rules/<rule>.md` beside it, and the pack's
//! world in `wit/`. Output: `pack.rs` in the build's output folder, which
//! `plimsoll_sdk::pack!()` includes: a module and a table row for each rule,
//! and the exports of the component.

// Build scripts talk to Cargo on standard output.
#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

macro_rules! contract {
    ($($name:literal),+ $(,)?) => {
        &[$((concat!($name, ".wit"), include_str!(concat!("../../../../wit/0.2.0/", $name, ".wit")))),+]
    };
}

/// The contract's files, by name: their text and not their place, since a target folder may be shared by several
/// checkouts, of which this crate is built for one, and any may be gone.
const CONTRACT: &[(&str, &str)] = contract![
    "console", "context", "document", "exports", "git", "http", "lock", "log", "model", "registry", "settings",
    "shell", "types", "worlds",
];
const CONTRACT_VERSION: &str = "0.2.0";

/// Writes `pack.rs` for the crate whose build script calls this. Where the folder is not that of a pack, Cargo
/// is told what is missing, and fails.
pub fn pack() {
    if let Err(message) = write_pack() {
        println!("cargo::error={message}");
    }
}

fn write_pack() -> Result<(), String> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let (rules, world) = (root.join("rules"), root.join("wit"));
    println!("cargo::rerun-if-changed={}", rules.display());
    println!("cargo::rerun-if-changed={}", world.display());

    let stems = rule_stems(&rules)?;
    let text = fs::read_to_string(world.join("world.wit"))
        .map_err(|error| format!("wit/world.wit: {error}: a pack has its world there"))?;
    check_slow(&rules, &stems, &world.join("world.wit"), &text)?;
    let out = PathBuf::from(variable("OUT_DIR"));
    let contract = out.join("contract");
    for (name, text) in CONTRACT {
        write(&contract.join(name), text)?;
    }
    write(&out.join("pack.rs"), &(table(&rules, &stems) + &component(&contract, &world, &text)?))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The names of the files with rules, without `.rs`, in their order.
fn rule_stems(rules: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(rules).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| format!("rules: {error}: a pack has its rules there"))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut stems = Vec::new();
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !is_rule_name(&stem) {
            return Err(format!(
                "rules/{stem}.rs: a rule's file is called by words of a-z and 0-9 that begin with a letter, with - \
                 between them, such as no-root.rs: give it such a name"
            ));
        }
        if !path.with_extension("md").is_file() {
            return Err(format!("rules/{stem}.rs: a rule has its page beside it: write rules/{stem}.md"));
        }
        stems.push(stem);
    }
    stems.sort();
    Ok(stems)
}

/// Whether a file's name makes the name of a module, and of a type.
fn is_rule_name(stem: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    stem.split('-').all(is_word)
}

fn table(rules: &Path, stems: &[String]) -> String {
    let mut text = String::new();
    for stem in stems {
        let path = rules.join(format!("{stem}.rs"));
        let _ = writeln!(text, "#[path = {path:?}]\nmod {};", module(stem));
    }
    text.push_str(
        "\n/// The rules of this pack, by file name.\npub static RULES: &[::plimsoll_sdk::pack::Entry] = &[\n",
    );
    for stem in stems {
        let page = rules.join(format!("{stem}.md"));
        let (module, rule) = (module(stem), upper_camel(stem));
        let _ = writeln!(text, "    ::plimsoll_sdk::pack::entry::<{module}::{rule}>(include_str!({page:?})),");
    }
    text.push_str("];\n");
    text
}

fn component(contract: &Path, world: &Path, text: &str) -> Result<String, String> {
    let name = world_name(text)
        .ok_or("wit/world.wit: it needs a package and a world: `package NAME:NAME;`, `world NAME {`")?;
    let check = if is_slow(text) { "check_before_plan" } else { "check" };
    let slow = if is_slow(text) {
        "    impl exports::plimsoll::rules::slow::Guest for Pack {
        fn plan() { ::plimsoll_sdk::pack::plan(super::RULES) }
        fn on_success(request: ::plimsoll_sdk::Answered) -> ::plimsoll_sdk::Verdict {
            ::plimsoll_sdk::pack::on_success(super::RULES, &request)
        }
    }\n"
    } else {
        ""
    };
    Ok(format!(
        "
#[cfg(target_arch = \"wasm32\")]
#[allow(missing_docs, unused_qualifications, unsafe_code, clippy::all)]
mod component {{
    ::plimsoll_sdk::wit_bindgen::generate!({{
        path: [{contract:?}, {world:?}],
        world: {name:?},
        runtime_path: \"::plimsoll_sdk::wit_bindgen::rt\",
        with: {{ \"plimsoll:rules/types@0.2.0\": ::plimsoll_sdk::bindings::plimsoll::rules::types }},
        generate_all,
    }});

    struct Pack;

    impl exports::plimsoll::rules::plugin::Guest for Pack {{
        fn describe() -> ::plimsoll_sdk::Description {{
            ::plimsoll_sdk::pack::describe(env!(\"CARGO_PKG_VERSION\"), super::RULES)
        }}
        fn validate_options(rule: u32, options: String) -> Vec<::plimsoll_sdk::OptionError> {{
            ::plimsoll_sdk::pack::validate_options(super::RULES, rule, &options)
        }}
    }}
    impl exports::plimsoll::rules::fast::Guest for Pack {{
        fn check() -> Vec<::plimsoll_sdk::Finding> {{ ::plimsoll_sdk::pack::{check}(super::RULES) }}
    }}
{slow}
    export!(Pack);
}}
"
    ))
}

/// A rule that plans questions would never be asked for them without the export.
fn check_slow(rules: &Path, stems: &[String], path: &Path, world: &str) -> Result<(), String> {
    let plans = |stem: &&String| {
        let text = fs::read_to_string(rules.join(format!("{stem}.rs"))).unwrap_or_default();
        text.contains("fn plan(&self")
    };
    match stems.iter().find(plans).filter(|_| !is_slow(world)) {
        Some(stem) => {
            let path = path.display();
            Err(format!(
                "rules/{stem}.rs plans questions: {path} needs `export plimsoll:rules/slow@{CONTRACT_VERSION};`"
            ))
        }
        None => Ok(()),
    }
}

fn is_slow(world: &str) -> bool {
    world.lines().any(|line| line.trim_start().starts_with("export plimsoll:rules/slow@"))
}

/// The world's full name, such as `acme:policy/pack@1.0.0`.
fn world_name(text: &str) -> Option<String> {
    let after = |keyword: &str| text.lines().find_map(|line| line.trim().strip_prefix(keyword));
    let package = after("package ")?.trim_end_matches(';').trim();
    let world = after("world ")?.trim_end_matches('{').trim();
    Some(match package.split_once('@') {
        Some((package, version)) => format!("{package}/{world}@{version}"),
        None => format!("{package}/{world}"),
    })
}

/// A raw name, as a rule may be called like a keyword of Rust.
fn module(stem: &str) -> String {
    format!("r#{}", stem.replace('-', "_"))
}

fn upper_camel(stem: &str) -> String {
    stem.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is set by Cargo for build scripts"))
}
