//! What the program carries for the authors of rules in other languages than Rust:
//! the helper that their rules see, the template of a new plugin, the contract,
//! and for C the contract's bindings, made here by wit-bindgen.
//!
//! Input: the workspace. Output: `languages.rs` in the build's output folder, tables of paths and texts.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

use crate::sdk::{files_below, rows};

/// Names of constants, and folders.
const LANGUAGES: [(&str, &str); 3] = [("JS", "sdk/js"), ("PYTHON", "sdk/python"), ("C", "sdk/c")];
const CONTRACT: &str = "wit/0.2.0";
/// Bindings to all that a host offers: what rules do not call is not imported.
const WORLD: &str = "everything";
/// Pages of the template's rules, which are the same in each language.
const PAGES: &str = "sdk/rust/template/rules";

pub fn write(workspace: &Path, out: &Path) -> Result<()> {
    let is =
        |extension: &'static str| move |path: &&std::path::PathBuf| path.extension().is_some_and(|e| e == extension);
    let mut text = String::new();
    let mut table = |name: &str, root: &Path, files: &[std::path::PathBuf]| -> Result<()> {
        write!(text, "/// Paths and texts.\nconst {name}: &[(&str, &str)] = &[\n")?;
        rows(&mut text, root, files)?;
        text.push_str("];\n\n");
        Ok(())
    };
    let contract = workspace.join(CONTRACT);
    let wit: Vec<_> = files_below(&contract)?.iter().filter(is("wit")).cloned().collect();
    table("CONTRACT", &contract, &wit)?;
    let pages = workspace.join(PAGES);
    let markdown: Vec<_> = files_below(&pages)?.iter().filter(is("md")).cloned().collect();
    table("PAGES", &pages, &markdown)?;
    for (name, folder) in LANGUAGES {
        let folder = workspace.join(folder);
        let template = folder.join("template");
        table(&format!("{name}_TEMPLATE"), &template, &files_below(&template)?)?;
        let own: Vec<_> = files_below(&folder)?
            .into_iter()
            .filter(|path| path.parent() == Some(&folder) && path.extension().is_none_or(|extension| extension != "md"))
            .collect();
        table(&format!("{name}_SDK"), &folder, &own)?;
    }
    text.push_str("/// Names and bytes.\nconst C_BINDINGS: &[(&str, &[u8])] = &[\n");
    for (name, bytes) in bindings(&contract)?.iter() {
        let path = out.join(name);
        fs::write(&path, bytes)?;
        writeln!(text, "    ({name:?}, include_bytes!({path:?})),")?;
    }
    text.push_str("];\n");
    fs::write(out.join("languages.rs"), text)?;
    Ok(())
}

/// What wit-bindgen makes of the contract for C.
fn bindings(contract: &Path) -> Result<Files> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(contract)?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    Ok(files)
}
