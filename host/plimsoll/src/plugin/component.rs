//! A component as bytes, before anything of it runs: bounded, told from what
//! else people have at hand, and named by its digest.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use crate::config::Digest;
use crate::limits::COMPONENT_BYTES_MAX;
use crate::words::of_system;

/// A component that nobody has looked into yet.
#[derive(Clone)]
pub struct Component {
    bytes: Vec<u8>,
    digest: Digest,
}

impl Component {
    /// Reads a component from a file.
    ///
    /// # Errors
    /// When the file cannot be read, is too large, or does not begin as a
    /// component does: what is wrong, without the path.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        // A pipe or a device would be waited for.
        if !fs::metadata(path).map_err(|error| of_system(&error).into_owned())?.is_file() {
            return Err("it is no file".to_owned());
        }
        let file = File::open(path).map_err(|error| of_system(&error).into_owned())?;
        file.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| of_system(&error).into_owned())?;
        Self::new(bytes)
    }

    /// Takes bytes for a component.
    ///
    /// # Errors
    /// As [`Component::read`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.len() as u64 > COMPONENT_BYTES_MAX {
            return Err(format!("it is larger than the {} MiB a component may have", COMPONENT_BYTES_MAX >> 20));
        }
        check_header(&bytes)?;
        Ok(Self { digest: Digest::of(&bytes), bytes })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What names these very bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// Tells a component from what else people have at hand.
fn check_header(bytes: &[u8]) -> Result<(), &'static str> {
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {
            Err("it is a core module, not a component; `wasm-tools component new` makes one of it")
        }
        Some([0, b'a', b's', b'm', ..]) => Err("it is WebAssembly, but no component of a version known here"),
        _ => Err("it is no WebAssembly component, such as `plimsoll plugin build` makes"),
    }
}
