//! cosign, with a key of its own, to sign what a test pushed.
//!
//! `tests/support/cosign.sh` unpacks the program. It talks to registries on
//! loopback alone: whatever else it may want to ask is out of its reach.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::Running;
use crate::{limits, repository_root, scratch_folder, servers};

/// A key pair, and the program to sign with.
pub struct Cosign {
    folder: TempDir,
}

/// How cosign keeps a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a bundle that refers to the image.
    Bundle,
    /// Under a tag made of the image's digest.
    Tag,
}

/// Names the folder that `tests/support/cosign.sh` filled, if it is not the
/// script's default.
pub const FOLDER: &str = "PLIMSOLL_COSIGN";

/// Whether cosign is here.
///
/// # Errors
///
/// Says what to do.
pub fn installed() -> Result<(), String> {
    let program = program();
    match program.is_file() {
        true => Ok(()),
        false => Err(format!("no cosign at {}: run tests/support/cosign.sh", program.display())),
    }
}

/// True when a test that needs cosign can run; else says that it is skipped.
///
/// # Panics
///
/// When it is missing although [`REQUIRE_SERVERS`](servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn installed_or_skip(test: &str) -> bool {
    servers::run_or_skip(test, installed())
}

impl Cosign {
    /// Makes a key pair.
    ///
    /// # Panics
    ///
    /// When cosign is missing, fails, or does not end in time.
    #[must_use]
    pub fn new() -> Self {
        let cosign = Self { folder: scratch_folder() };
        cosign.run(&["generate-key-pair"]);
        cosign
    }

    /// The file of the public key.
    #[must_use]
    pub fn public_key(&self) -> PathBuf {
        self.folder.path().join("cosign.pub")
    }

    /// The file of the private key, which has no password.
    #[must_use]
    pub fn private_key(&self) -> PathBuf {
        self.folder.path().join("cosign.key")
    }

    /// Signs `host/repository@digest`, without transparency log.
    ///
    /// # Panics
    ///
    /// When cosign fails, or does not end in time.
    pub fn sign(&self, reference: &str, form: Form) {
        let form = format!("--new-bundle-format={}", form == Form::Bundle);
        let offline = ["--use-signing-config=false", "--tlog-upload=false"];
        self.run(&["sign", "--yes", "--key", "cosign.key", offline[0], offline[1], &form, reference]);
    }

    fn run(&self, arguments: &[&str]) {
        let folder = self.folder.path();
        let log = folder.join("cosign.log");
        let output = File::create(&log).expect("the scratch folder is writable");
        let mut command = Command::new(program());
        command.env_clear().current_dir(folder).args(arguments);
        command.env("HOME", folder).env("COSIGN_PASSWORD", "");
        // Nobody listens there, and loopback is asked without it.
        command.env("HTTPS_PROXY", NOWHERE).env("HTTP_PROXY", NOWHERE);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let status = Running::spawn(&mut command).wait(limits::COSIGN_MAX);
        let said = || fs::read_to_string(&log).unwrap_or_default();
        match status {
            Some(status) if status.success() => {}
            Some(status) => panic!("cosign {arguments:?}: {status}\n{}", said()),
            None => panic!("cosign {arguments:?} did not end within {:?}\n{}", limits::COSIGN_MAX, said()),
        }
    }
}

impl Default for Cosign {
    fn default() -> Self {
        Self::new()
    }
}

const NOWHERE: &str = "http://127.0.0.1:9";

fn program() -> PathBuf {
    let own = || repository_root().join("target/cosign");
    let folder = env::var_os(FOLDER).map_or_else(own, |folder| Path::new(&folder).to_owned());
    folder.join("usr/bin/cosign")
}
