//! `plimsoll plugin build`.
//!
//! Input: the folder of a plugin, in any language. Output: its component, which is
//! known to load, and what there is to say of it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use wit_component::ComponentEncoder;

use super::super::{CLEAN, print};
use super::cargo::{Compiled, Target};
use super::language::Language;
use super::project::MADE;
use super::{cargo, inspect, load, name_of, read, toolchain};
use crate::private;

/// How a core module begins, which has to be made a component.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Build a plugin
///
/// In Rust with Cargo, in JavaScript, Python and C with tools that are installed into the plugin's folder.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin build
  plimsoll plugin build policies/acme -o acme.wasm")]
pub(super) struct Arguments {
    /// The plugin's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// What to compile Rust to
    #[arg(long, value_enum, default_value_t)]
    target: Target,
    /// File to write [default: target/NAME.wasm]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let path = build(&arguments.path, arguments.target, arguments.output.as_deref())?;
    let component = read(&path)?;
    let plugin = load(None, &name_of(&path), &path.display().to_string(), &component)?;
    check_world(&arguments.path, &plugin.capabilities)?;
    print(&format!("{}\n\n{}", path.display(), inspect::text(&plugin, &component)))?;
    Ok(CLEAN)
}

/// Builds the plugin in a folder, and puts the component into a file: the one
/// given, or `NAME.wasm` in the folder for what the tool makes.
pub(super) fn build(folder: &Path, target: Target, output: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Compiled { name, wasm, target_folder } = match Language::of(folder) {
        Language::Rust => cargo::compile(folder, target)?,
        language => {
            ensure!(target == Target::default(), "--target is for Rust; this plugin is in {}", language.shown());
            let (name, wasm) = toolchain::compile(folder, language)?;
            Compiled { name, wasm, target_folder: folder.join(MADE) }
        }
    };
    let bytes = fs::read(&wasm).with_context(|| format!("{}", wasm.display()))?;
    let component = encode(bytes).with_context(|| format!("{} is no plugin", wasm.display()))?;
    let path = output.map_or_else(|| target_folder.join(format!("{name}.wasm")), Path::to_owned);
    // Whoever reads the file meanwhile sees the one before or this one.
    let written = private::exchange(&path, |path| File::create_new(path), |file| file.write_all(&component));
    written.with_context(|| format!("{}", path.display()))?;
    Ok(path)
}

/// Makes a component of a core module; a component is left as it is.
fn encode(wasm: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    if !wasm.starts_with(CORE_MODULE) {
        return Ok(wasm);
    }
    ComponentEncoder::default().module(&wasm)?.validate(true).encode()
}

/// Holds what the component imports against the world that its author wrote
/// down: rules ask for nothing that is not said there.
pub(super) fn check_world(folder: &Path, capabilities: &[&str]) -> anyhow::Result<()> {
    let path = folder.join("wit/world.wit");
    // A package without this SDK has its world elsewhere.
    let Ok(world) = fs::read_to_string(&path) else { return Ok(()) };
    let imports = |capability: &str| {
        world.lines().any(|line| line.trim_start().starts_with(&format!("import plimsoll:rules/{capability}@")))
    };
    match capabilities.iter().find(|capability| !imports(capability)) {
        Some(capability) => bail!(
            "{}: rules ask for {capability}, which the world does not import: add `import plimsoll:rules/{capability}@{}`",
            path.display(),
            crate::plugin::contract::VERSION
        ),
        None => Ok(()),
    }
}
