//! Digests of content that comes piece by piece.
//!
//! Input: bytes. Output: `sha256:…`, `sha384:…` or `sha512:…`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::question::Algorithm;

/// A digest in the making.
pub(super) enum Checksum {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Checksum {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest as ADD takes it.
    pub(super) fn digest(self) -> String {
        match self {
            Self::Sha256(hasher) => spelled(Algorithm::Sha256, &hasher.finalize()),
            Self::Sha384(hasher) => spelled(Algorithm::Sha384, &hasher.finalize()),
            Self::Sha512(hasher) => spelled(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

fn spelled(algorithm: Algorithm, bytes: &[u8]) -> String {
    let mut text = format!("{}:", algorithm.name());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
