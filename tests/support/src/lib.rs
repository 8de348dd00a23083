//! Registries and scratch folders for the tests of Plimsoll.
//!
//! [`Image`] and [`Index`] describe what a registry holds. [`Registry`] serves
//! it from inside the test process, with a request log and faults on demand,
//! [`SecureRegistry`] behind TLS;
//! [`docker_registry`] and [`oci_layout`] put the same images into a real
//! registry, and [`Cosign`] signs them there; [`Registries`] shows them to programs that ask Docker Hub, such as
//! the [`docker_engine`]. Everything listens on loopback or a unix socket, stops
//! on drop, and every wait ends at a deadline named in [`limits`].

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub mod limits;

mod certificates;
mod digest;
mod http;
mod process;

pub mod client;
pub mod component;
pub mod cosign;
pub mod docker_engine;
pub mod docker_registry;
pub mod dockerfiles;
pub mod guest;
pub mod image;
pub mod lint;
pub mod oci_layout;
pub mod registries;
pub mod registry;
pub mod sarif;
pub mod secure;
pub mod servers;
pub mod site;
pub mod timing;
pub mod tools;
pub mod user;

pub use cosign::Cosign;
pub use docker_engine::DockerEngine;
pub use docker_registry::DockerRegistry;
pub use image::{Artifact, Image, Index, Referrers};
pub use lint::{Linted, Project};
pub use registries::Registries;
pub use registry::{Auth, Fault, Registry, never_answers};
pub use secure::SecureRegistry;
pub use timing::{best_of, timed};
pub use user::User;

/// An empty folder that is removed on drop.
#[must_use]
pub fn scratch_folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("plimsoll-test-")
        .tempdir()
        .expect("the system's folder for temporary files is writable")
}

/// The root of the repository: the folder of the workspace's `Cargo.toml`.
#[must_use]
pub fn repository_root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the crate stands two folders below the root")
}

/// All files in a folder and the folders below it, sorted.
#[must_use]
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is a test's own") {
            let path = entry.expect("the folder is a test's own").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
