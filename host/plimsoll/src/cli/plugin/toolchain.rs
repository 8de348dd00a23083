//! The tools that make components of other languages than Rust.
//!
//! Input: a project. Output: the file of its component, or for C of a module that
//! can be made one. Invariants: no shell comes between; what the tools complain of
//! reaches the user as they say it; a tool that is missing is named, with what to
//! do; what a manifest names is installed into the plugin's folder, in the version
//! and with the digest that its lock file has, and nowhere else.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context as _, anyhow, bail, ensure};
use wasmparser::{Parser, Payload};

use super::super::complain;
use super::generated::given;
use super::language::Language;
use super::project::{COMPONENT, Project};
use crate::plugin::contract::PACKAGE;

/// What npm installed, as it notes itself.
const INSTALLED: &str = "node_modules/.package-lock.json";
/// The tool for JavaScript, as npm installs it.
const COMPONENTIZE_QJS: &str = "node_modules/componentize-qjs/bin/componentize-qjs";
/// Where pip installs, from the plugin's folder on.
const ENVIRONMENT: &str = "target/venv";
/// A copy of the requirements that were installed there.
const REQUIRED: &str = "target/venv/requirements.txt";

/// Builds the plugin in a folder, unless nothing has changed. Output: its name, and what the tool made.
pub(super) fn compile(folder: &Path, language: Language) -> anyhow::Result<(String, PathBuf)> {
    let project = Project::read(folder, language)?;
    let given = given(&project);
    if project.prepare(&given)? {
        match language {
            Language::Rust => bail!("plugins in Rust are built by Cargo"),
            Language::Js => javascript(&project)?,
            Language::Python => python(&project)?,
            Language::C => c(&project)?,
        }
        project.finish(&given)?;
    }
    let component = project.folder.join(COMPONENT);
    Ok((project.name, component))
}

fn javascript(project: &Project) -> anyhow::Result<()> {
    let folder = project.folder.as_path();
    let (lock, installed) = (folder.join("package-lock.json"), folder.join(INSTALLED));
    if !folder.join(COMPONENTIZE_QJS).is_file() || is_newer(&lock, &installed) {
        let install = if lock.is_file() { "ci" } else { "install" };
        complain(&format!("installing what package.json names: npm {install}"));
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        // Scripts of packages would run on the author's machine.
        let arguments = [install, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new(npm).args(arguments), project, "npm")?;
    }
    let mut tool = Command::new("node");
    tool.arg(COMPONENTIZE_QJS).args(["--wit", "target/plimsoll/wit", "--world", project.world_name()?]).args([
        "--js",
        "target/plimsoll/plugin.js",
        "--module-root",
        ".",
        "--stub-wasi",
        "--sync",
        "-o",
        COMPONENT,
    ]);
    run(&mut tool, project, "componentize-qjs")
}

fn python(project: &Project) -> anyhow::Result<()> {
    let bin = environment(project)?;
    let mut tool = Command::new(bin.join(program("componentize-py")));
    tool.args(["-q", "-d", "target/plimsoll/wit", "-w", project.world_name()?, "componentize", "plugin"]).args([
        "--stub-wasi",
        "-p",
        "target/plimsoll",
        "-o",
        COMPONENT,
    ]);
    if project.folder.join("src").is_dir() {
        tool.args(["-p", "src"]);
    }
    // What it finds in an environment it would take along.
    run(tool.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH"), project, "componentize-py")
}

fn c(project: &Project) -> anyhow::Result<()> {
    let mut tool = match env::var_os("ZIG").filter(|zig| !zig.is_empty()) {
        Some(zig) => Command::new(zig),
        None => {
            let mut python = Command::new(environment(project)?.join(program("python")));
            python.args(["-m", "ziglang"]);
            python
        }
    };
    tool.args(["cc", "--target=wasm32-wasi", "-mexec-model=reactor", "-std=c17", "-O2", "-s", "-Wall", "-Wextra"])
        // The C library's own would come with it, and says nothing; zig takes `assert` out of what it optimises.
        .args([
            "-Dabort=plimsoll_abort",
            "-UNDEBUG",
            "-Itarget/plimsoll",
            "-Isrc",
            "-Wl,--gc-sections",
            "-o",
            COMPONENT,
        ])
        .args(
            ["plimsoll.c", "pack.c", "everything.c", "everything_component_type.o"]
                .map(|file| format!("target/plimsoll/{file}")),
        )
        .args(project.rules.iter().map(|rule| format!("rules/{}", rule.file)))
        .args(files_with("c", &project.folder, "src"));
    run(&mut tool, project, "zig")?;
    check_imports(&project.folder.join(COMPONENT))
}

/// Rules in C have no operating system, and should learn it before they run.
fn check_imports(module: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(module).with_context(|| format!("{}", module.display()))?;
    let mut foreign = Vec::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        let Payload::ImportSection(imports) = payload.context("zig made no module")? else { continue };
        for import in imports.into_imports() {
            let import = import?;
            foreign.extend((!import.module.starts_with(PACKAGE)).then(|| import.name.to_owned()));
        }
    }
    let foreign = foreign.join(", ");
    ensure!(
        foreign.is_empty(),
        "rules want an operating system ({foreign}), and there is none: no files, clock or standard streams; \
         write to the log with plimsoll_log"
    );
    Ok(())
}

/// The folder of programs in the plugin's Python environment, in which is what its requirements name.
fn environment(project: &Project) -> anyhow::Result<PathBuf> {
    let bin = project.folder.join(ENVIRONMENT).join(if cfg!(windows) { "Scripts" } else { "bin" });
    let requirements = project.folder.join("requirements.txt");
    let wanted = fs::read(&requirements)
        .with_context(|| format!("{}: it names the tool that plugins are built with", requirements.display()))?;
    if fs::read(project.folder.join(REQUIRED)).is_ok_and(|installed| installed == wanted) {
        return Ok(bin);
    }
    complain(&format!("installing what requirements.txt names into {ENVIRONMENT}"));
    let python = env::var_os("PYTHON").filter(|python| !python.is_empty());
    let python = python.unwrap_or_else(|| if cfg!(windows) { "python" } else { "python3" }.into());
    run(Command::new(python).args(["-m", "venv", "--clear", ENVIRONMENT]), project, "python -m venv")?;
    let install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "--no-deps"];
    let mut pip = Command::new(bin.join(program("python")));
    pip.args(install).args(["--only-binary", ":all:", "-r", "requirements.txt"]);
    run(&mut pip, project, "pip")?;
    fs::write(project.folder.join(REQUIRED), wanted).context(REQUIRED)?;
    Ok(bin)
}

/// Runs a tool in the plugin's folder.
fn run(tool: &mut Command, project: &Project, name: &str) -> anyhow::Result<()> {
    tool.current_dir(&project.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let program = tool.get_program().to_owned();
    let status = tool.status().map_err(|error| match error.kind() {
        ErrorKind::NotFound => missing(&program, project.language),
        _ => anyhow!("{} does not start: {error}", program.display()),
    })?;
    ensure!(status.success(), "{} does not build; {name} says why above", project.folder.display());
    Ok(())
}

fn missing(program: &OsStr, language: Language) -> anyhow::Error {
    let needed = match language {
        Language::Rust => "Rust, see https://rustup.rs",
        Language::Js => "Node.js and its npm, see https://nodejs.org",
        Language::Python => "Python 3.10 or later, see https://www.python.org; the variable PYTHON names another",
        Language::C => "zig, which the variable ZIG names, else through Python 3.10 or later, which PYTHON names",
    };
    let (program, language) = (program.display(), language.shown());
    anyhow!("{program} is not there: plugins in {language} are built with {needed}")
}

/// A program's file.
fn program(name: &str) -> OsString {
    format!("{name}{}", env::consts::EXE_SUFFIX).into()
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    changed(file) > changed(than)
}

/// The files in one of the plugin's folders whose names end so, from the plugin's folder on.
fn files_with(extension: &str, folder: &Path, inside: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.join(inside)).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut files: Vec<_> = names
        .filter(|name| Path::new(name).extension().is_some_and(|found| found == extension))
        .map(|name| format!("{inside}/{name}"))
        .collect();
    files.sort();
    files
}
