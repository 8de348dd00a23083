//! Components of plugins that are not part of the workspace: built by Cargo in
//! their own folders, as a stranger would, and encoded here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use wit_component::ComponentEncoder;

use crate::{files_below, repository_root};

const GUEST: &str = "wasm32-unknown-unknown";

/// The component of `tests/plugins/NAME`.
///
/// # Panics
/// When it does not build.
pub fn component(name: &str) -> PathBuf {
    build(name, &repository_root().join("tests/plugins").join(name))
}

/// The component of `tests/plugins/NAME` as another version of it, which a test makes of a copy. It is a package of
/// its own, called `AS_NAME`.
///
/// # Panics
/// When it does not build.
pub fn edited(name: &str, as_name: &str, edit: impl FnOnce(&Path)) -> PathBuf {
    // As deep as what is copied, from where the SDK is found.
    let (from, to) = (repository_root().join("tests/plugins").join(name), target().join(as_name));
    drop(fs::remove_dir_all(&to));
    for file in files_below(&from) {
        let copy = to.join(file.strip_prefix(&from).expect("the file lies below"));
        fs::create_dir_all(copy.parent().expect("a file lies in a folder")).expect("the target folder is writable");
        fs::copy(&file, copy).expect("the target folder is writable");
    }
    let own = manifest_name(&text_of(&from.join("Cargo.toml")));
    for manifest in ["Cargo.toml", "Cargo.lock"].map(|file| to.join(file)) {
        let text = text_of(&manifest).replace(&format!("name = \"{own}\""), &format!("name = \"{as_name}\""));
        fs::write(manifest, text).expect("the target folder is writable");
    }
    edit(&to);
    build(as_name, &to)
}

fn build(name: &str, folder: &Path) -> PathBuf {
    let target = target();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(folder)
        .args(["build", "--locked", "--release", "--target", GUEST, "--target-dir"])
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{name} does not build:\n{}", String::from_utf8_lossy(&output.stderr));

    let artifacts = target.join(GUEST).join("release");
    let crate_name = manifest_name(&text_of(&folder.join("Cargo.toml"))).replace('-', "_");
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

fn target() -> PathBuf {
    repository_root().join("target/plugins")
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest_name(manifest: &str) -> String {
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
    name.expect("a package has a name").trim_matches('"').to_owned()
}
