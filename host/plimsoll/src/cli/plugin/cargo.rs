//! Cargo and what it takes to compile a plugin.
//!
//! Input: the folder of a Rust package. Output: the WebAssembly that Cargo made
//! of it. Invariants: no shell comes between; what the tools say reaches the
//! user as they say it; a tool that is missing is named, with what to do; the
//! same sources give the same bytes in any folder.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::ValueEnum;
use serde::Deserialize;

use super::super::complain;
use super::language::Language;

/// What Cargo compiles a plugin to.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Target {
    /// Small, and imports nothing but the contract
    #[default]
    #[value(name = "wasm32-unknown-unknown")]
    Unknown,
    /// For crates that want an operating system; Plimsoll gives them an empty one
    #[value(name = "wasm32-wasip2")]
    Wasip2,
}

/// What Cargo made.
pub(super) struct Compiled {
    /// The name of the package.
    pub(super) name: String,
    /// The file of the module or component.
    pub(super) wasm: PathBuf,
    /// Cargo's folder for what it makes.
    pub(super) target_folder: PathBuf,
}

impl Target {
    fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// One of the messages that Cargo writes for programs, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Compiles the package in a folder.
pub(super) fn compile(folder: &Path, target: Target) -> anyhow::Result<Compiled> {
    let name = package_name(folder)?;
    let folder = folder.canonicalize().with_context(|| format!("{}", folder.display()))?;
    fetch_standard_library(&folder, target)?;

    let triple = target.triple();
    let program = program_of("CARGO", "cargo");
    let mut cargo = Command::new(&program);
    cargo
        .current_dir(&folder)
        .args(["build", "--release", "--target", triple, "--message-format", "json-render-diagnostics", "--config"])
        .arg(remapped(&folder, triple))
        // Flags for this machine's processor are none for a component.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = cargo.output().map_err(|error| missing(&error, &program))?;
    ensure!(output.status.success(), "{} does not build; Cargo says why above", folder.display());

    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let own = messages.filter(|message| {
        message.reason == "compiler-artifact" && message.manifest_path.parent() == Some(folder.as_path())
    });
    let is_wasm = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
    let wasm = own.flat_map(|message| message.filenames).find(is_wasm).with_context(|| {
        format!("{}: it makes no component: write crate-type = [\"cdylib\"] below [lib]", manifest(&folder).display())
    })?;
    let target_folder = wasm.ancestors().nth(3).context("Cargo puts modules into TARGET/TRIPLE/PROFILE")?.to_owned();
    Ok(Compiled { name, wasm, target_folder })
}

fn manifest(folder: &Path) -> PathBuf {
    folder.join("Cargo.toml")
}

/// Advice for who is inside of a plugin's folder.
pub(super) fn hint_above(folder: &Path) -> String {
    let Ok(folder) = folder.canonicalize() else { return String::new() };
    let is_plugin = |above: &&Path| Language::is_in(above) && above.join("rules").is_dir();
    let above = folder.ancestors().skip(1).find(is_plugin);
    above.map_or(String::new(), |above| format!("; {} is one", above.display()))
}

fn package_name(folder: &Path) -> anyhow::Result<String> {
    let path = manifest(folder);
    let shown = path.display();
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let hint = hint_above(folder);
            anyhow!("{shown} is not there: name a plugin's folder, such as `plimsoll plugin new` writes{hint}")
        }
        _ => anyhow!("{shown}: {error}"),
    })?;
    let manifest: Manifest = toml::from_str(&text).map_err(|error| anyhow!("{shown}: {error}"))?;
    let package = manifest.package.with_context(|| format!("{shown}: it has no [package]: name the folder of one"))?;
    Ok(package.name)
}

/// Sees to it that the standard library for the target is installed.
fn fetch_standard_library(folder: &Path, target: Target) -> anyhow::Result<()> {
    let triple = target.triple();
    let program = program_of("RUSTC", "rustc");
    let mut rustc = Command::new(&program);
    rustc.current_dir(folder).args(["--print", "target-libdir", "--target", triple]).stdin(Stdio::null());
    let output = rustc.output().map_err(|error| missing(&error, &program))?;
    if !output.status.success() {
        bail!("rustc does not know {triple}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    if Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(());
    }
    let advice =
        format!("Rust's standard library for {triple} is not installed; please run: rustup target add {triple}");
    complain(&format!("fetching Rust's standard library for {triple}: rustup target add {triple}"));
    let mut rustup = Command::new("rustup");
    rustup.current_dir(folder).args(["target", "add", triple]).stdin(Stdio::null());
    match rustup.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => bail!("{advice}; rustup says above why it could not"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{advice} (there is no rustup here; Rust from elsewhere has a package of its own for that)")
        }
        Err(error) => bail!("{advice}; rustup does not start: {error}"),
    }
}

/// A setting of Cargo's that keeps the names of this machine's folders, which
/// panics would tell, out of the component: files of the plugin are told from
/// its folder on, to the compiler's reader too. Flags of the package's own stay.
fn remapped(folder: &Path, triple: &str) -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let folders = home.iter().map(|home| (home.as_path(), "/cargo")).chain([(folder, "")]);
    // rustc takes the last that fits.
    let flags: Vec<String> = folders.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
    format!("target.{triple}.rustflags={flags:?}")
}

/// What a variable of Cargo's names, else a program on the PATH.
fn program_of(variable: &str, name: &str) -> OsString {
    env::var_os(variable).filter(|program| !program.is_empty()).unwrap_or_else(|| name.into())
}

fn missing(error: &io::Error, program: &OsStr) -> anyhow::Error {
    let program = program.display();
    match error.kind() {
        ErrorKind::NotFound => anyhow!("{program} is not there: plugins are built with Rust, see https://rustup.rs"),
        _ => anyhow!("{program} does not start: {error}"),
    }
}
