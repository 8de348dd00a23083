//! What the program carries for the authors of rules: the SDK and the contract
//! as they are in this repository, and the template of a new plugin.
//!
//! Input: the workspace. Output: `sdk.rs` in the build's output folder, tables
//! of paths and texts. The manifests of the SDK inherit from the workspace, so
//! what they inherit is cut out of its manifest, and the versions that this
//! workspace is tested with out of its lock file.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, ensure};

/// The crates that an author's plugin is built with, and where they are.
const CRATES: [(&str, &str); 2] = [("plimsoll-sdk", "sdk/rust"), ("plimsoll-sdk-build", "sdk/rust/build")];
/// Further crates that the template names.
const TEMPLATE_CRATES: [&str; 1] = ["serde"];
const TEMPLATE: &str = "sdk/rust/template";

pub fn write(workspace: &Path, out: &Path) -> Result<()> {
    let manifest = fs::read_to_string(workspace.join("Cargo.toml"))?;
    let lock = fs::read_to_string(workspace.join("Cargo.lock"))?;
    let mut text = String::from("/// Paths and texts.\nconst SDK: &[(&str, &str)] = &[\n");
    let mut inherited = BTreeSet::new();
    for (_, folder) in CRATES {
        let folder = workspace.join(folder);
        let crate_manifest = folder.join("Cargo.toml");
        inherited.extend(inherited_crates(&fs::read_to_string(&crate_manifest)?));
        rows(&mut text, workspace, &[crate_manifest])?;
        rows(&mut text, workspace, &files_below(&folder.join("src"))?)?;
    }
    rows(&mut text, workspace, &files_below(&workspace.join("wit"))?)?;
    writeln!(text, "    (\"Cargo.toml\", {:?}),\n];", root_manifest(&manifest, &inherited)?)?;

    let template = workspace.join(TEMPLATE);
    text.push_str("\n/// Paths and texts.\nconst TEMPLATE: &[(&str, &str)] = &[\n");
    rows(&mut text, &template, &files_below(&template)?)?;
    text.push_str("];\n\n/// Names and entries, by name.\nconst LOCKED: &[(&str, &str)] = &[\n");
    for (name, entry) in locked(&lock)? {
        writeln!(text, "    ({name:?}, {entry:?}),")?;
    }
    text.push_str("];\n");
    fs::write(out.join("sdk.rs"), text)?;
    Ok(())
}

pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

pub fn rows(text: &mut String, root: &Path, files: &[PathBuf]) -> Result<()> {
    for file in files {
        let parts = file.strip_prefix(root)?.iter().map(|part| part.to_str().context("a file has a plain name"));
        let path = parts.collect::<Result<Vec<_>>>()?.join("/");
        writeln!(text, "    ({path:?}, include_str!({file:?})),")?;
    }
    Ok(())
}

/// The dependencies that a manifest has from its workspace.
fn inherited_crates(manifest: &str) -> Vec<String> {
    let inherits = |rest: &str| rest.starts_with(".workspace = true") || rest.contains("{ workspace = true");
    let name_end = |line: &str| line.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    let rows = section(manifest, "[dependencies]");
    let split = rows.iter().filter_map(|line| Some(line.split_at(name_end(line)?)));
    split.filter(|(_, rest)| inherits(rest)).map(|(name, _)| name.to_owned()).collect()
}

/// A workspace of the SDK alone.
fn root_manifest(manifest: &str, inherited: &BTreeSet<String>) -> Result<String> {
    let members: Vec<&str> = CRATES.iter().map(|(_, folder)| *folder).collect();
    let mut text = String::from("# Plimsoll's SDK, as `plimsoll plugin new` writes it: leave it as it is.\n\n");
    write!(text, "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n")?;
    for head in ["[workspace.package]", "[workspace.lints.rust]", "[workspace.lints.clippy]"] {
        let rows = section(manifest, head);
        ensure!(!rows.is_empty(), "Cargo.toml of the workspace has no {head}, which the SDK inherits");
        write!(text, "\n{head}\n{}\n", rows.join("\n"))?;
    }
    text.push_str("\n[workspace.dependencies]\n");
    let rows = section(manifest, "[workspace.dependencies]");
    for name in inherited {
        let row = rows.iter().find(|row| row.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(" = ")));
        let row = row.with_context(|| format!("the workspace has no dependency {name}, which the SDK inherits"))?;
        ensure!(!row.ends_with('['), "the SDK inherits {name}: its entry in the workspace has to be one line");
        writeln!(text, "{row}")?;
    }
    Ok(text)
}

/// The rows of a section, without comments.
fn section<'m>(manifest: &'m str, head: &str) -> Vec<&'m str> {
    let rows = manifest.lines().skip_while(|line| *line != head).skip(1).take_while(|line| !line.starts_with('['));
    rows.filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect()
}

/// The entries of a lock file that the SDK needs, and those that these need, by name.
fn locked(lock: &str) -> Result<Vec<(&str, &str)>> {
    let entries: Vec<&str> =
        lock.split("\n\n").map(str::trim).filter(|entry| entry.starts_with("[[package]]")).collect();
    let mut wanted: Vec<&str> = CRATES.iter().map(|(name, _)| *name).chain(TEMPLATE_CRATES).collect();
    let mut taken = BTreeSet::new();
    while let Some(dependency) = wanted.pop() {
        // A dependency is a name, and a version where there are several.
        let mut parts = dependency.split(' ');
        let (name, version) = (parts.next(), parts.next());
        let is_it =
            |entry: &&str| field(entry, "name") == name && (version.is_none() || field(entry, "version") == version);
        let at = entries.iter().position(is_it).with_context(|| format!("Cargo.lock has no {dependency}"))?;
        if taken.insert(at) {
            wanted.extend(entries[at].lines().filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\",")));
        }
    }
    let named = |at: usize| field(entries[at], "name").map(|name| (name, entries[at]));
    taken.into_iter().map(|at| named(at).context("an entry of Cargo.lock has a name")).collect()
}

fn field<'e>(entry: &'e str, name: &str) -> Option<&'e str> {
    entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
}
