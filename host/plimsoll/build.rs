//! Compiles the rule packs under `plugins/` to components, and those to native
//! code, and hands both to the program: a fresh process compiles nothing. So is
//! the SDK handed to it, for those who write rules without this repository.
//!
//! Output: `bundle.rs` in the build's output folder, one row a pack, `sdk.rs` and `languages.rs`.

#[path = "src/plugin/engine_config.rs"]
mod engine_config;
#[path = "build/languages.rs"]
mod languages;
#[path = "build/sdk.rs"]
mod sdk;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use wasmtime::Engine;
use wit_component::ComponentEncoder;

const GUEST: &str = "wasm32-unknown-unknown";

fn main() -> Result<()> {
    let workspace = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    for input in [
        "plugins",
        "sdk/c",
        "sdk/js",
        "sdk/python",
        "sdk/rust",
        "wit",
        "Cargo.toml",
        "Cargo.lock",
        "host/plimsoll/src/plugin/engine_config.rs",
        "host/plimsoll/build",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    let target = variable("TARGET")?;
    println!("cargo::rustc-env=PLIMSOLL_TARGET={target}");
    if target == "x86_64-unknown-linux-gnu" {
        // Where the linker is LLD: functions that came out the same are there once, which is 4 % of the program.
        println!("cargo::rustc-link-arg-bin=plimsoll=-Wl,--icf=all,--strip-all");
    }

    sdk::write(&workspace, &out)?;
    languages::write(&workspace, &out)?;
    let packs = pack_names(&workspace)?;
    fetch_guest_target()?;
    let modules = build_guests(&workspace, &out, &packs)?;

    let mut bundle = String::from("&[\n");
    for pack in &packs {
        let module = modules.join(format!("plimsoll_pack_{pack}.wasm"));
        let component = encode(&module).with_context(|| format!("pack {pack}"))?;
        let (native, compatibility) = compile(&target, &component)?;
        let (component_path, native_path) = (out.join(format!("{pack}.wasm")), out.join(format!("{pack}.cwasm")));
        fs::write(&component_path, component)?;
        fs::write(&native_path, native)?;
        writeln!(
            bundle,
            "    Bundled {{ name: {pack:?}, component: include_bytes!({component_path:?}), \
             native: include_bytes!({native_path:?}), compatibility: {compatibility} }},"
        )?;
    }
    bundle.push(']');
    fs::write(out.join("bundle.rs"), bundle)?;
    Ok(())
}

fn pack_names(workspace: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace.join("plugins"))? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            names.push(
                path.file_name().and_then(|name| name.to_str()).context("a pack's folder has a name")?.to_owned(),
            );
        }
    }
    names.sort();
    Ok(names)
}

/// Sees to it that the standard library for guests is installed.
fn fetch_guest_target() -> Result<()> {
    let rustc = variable("RUSTC")?;
    let library = Command::new(rustc).args(["--print", "target-libdir", "--target", GUEST]).output()?;
    if library.status.success() && Path::new(String::from_utf8_lossy(&library.stdout).trim()).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", GUEST]).status();
    if !added.is_ok_and(|status| status.success()) {
        bail!("the rule packs need Rust's standard library for {GUEST}; please run: rustup target add {GUEST}");
    }
    Ok(())
}

/// Runs Cargo for the packs, away from this build's own folder and settings.
fn build_guests(workspace: &Path, out: &Path, packs: &[String]) -> Result<PathBuf> {
    let target = out.join("guests");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(workspace)
        .args(["build", "--profile", "pack", "--target", GUEST, "--target-dir"])
        .arg(&target)
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", format!("--remap-path-prefix={}=plimsoll", workspace.display()));
    for pack in packs {
        cargo.arg("--package").arg(format!("plimsoll-pack-{pack}"));
    }
    let output = cargo.output().context("running Cargo for the rule packs")?;
    ensure!(output.status.success(), "the rule packs do not build:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(target.join(GUEST).join("pack"))
}

fn encode(module: &Path) -> Result<Vec<u8>> {
    let module = fs::read(module).with_context(|| module.display().to_string())?;
    ComponentEncoder::default().module(&module)?.validate(true).encode()
}

/// Native code, and the hash that the program compares before it trusts it.
/// Nothing where this machine cannot compile for the target: then the program
/// compiles.
fn compile(target: &str, component: &[u8]) -> Result<(Vec<u8>, u64)> {
    let Ok(engine) = engine_config::engine_config(target).and_then(|config| Engine::new(&config)) else {
        println!("cargo::warning=packs are not precompiled for {target}");
        return Ok((Vec::new(), 0));
    };
    let native = engine.precompile_component(component).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok((native, engine_config::compatibility(&engine)))
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is set by Cargo for build scripts"))
}
