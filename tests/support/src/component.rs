//! Components of plugins that are not part of the workspace: built by Cargo in
//! their own folders, as a stranger would, and encoded here.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use wit_component::ComponentEncoder;

use crate::repository_root;

const GUEST: &str = "wasm32-unknown-unknown";

/// The component of `tests/plugins/NAME`.
///
/// # Panics
/// When it does not build.
pub fn component(name: &str) -> PathBuf {
    let folder = repository_root().join("tests/plugins").join(name);
    let target = repository_root().join("target/plugins");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(&folder)
        .args(["build", "--locked", "--release", "--target", GUEST, "--target-dir"])
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{name} does not build:\n{}", String::from_utf8_lossy(&output.stderr));

    let artifacts = target.join(GUEST).join("release");
    let crate_name = manifest_name(&fs::read_to_string(folder.join("Cargo.toml")).expect("a plugin has a manifest"));
    let module = fs::read(artifacts.join(format!("{crate_name}.wasm"))).expect("cargo wrote a module");
    let encoded = ComponentEncoder::default().module(&module).and_then(|encoder| encoder.validate(true).encode());
    let component = encoded.unwrap_or_else(|error| panic!("{name} is no component: {error:#}"));
    // Tests run side by side: each writes its own file and moves it into place.
    let (path, own) = (
        artifacts.join(format!("{name}.component.wasm")),
        artifacts.join(format!("{name}.{}.wasm", std::process::id())),
    );
    fs::write(&own, component).and_then(|()| fs::rename(&own, &path)).expect("the target folder is writable");
    path
}

fn manifest_name(manifest: &str) -> String {
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
    name.expect("a package has a name").trim_matches('"').replace('-', "_")
}
