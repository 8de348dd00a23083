//! Public keys: from a file as `cosign generate-key-pair` writes it to what
//! verifies signatures.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use thiserror::Error;

use crate::config::Digest;
use crate::limits::KEY_BYTES_MAX;
use crate::words::of_system;

/// A public key that verifies signatures.
#[derive(Debug, Clone)]
pub struct Key {
    kind: Kind,
    verifier: UnparsedPublicKey<Vec<u8>>,
    id: Digest,
}

/// Why a file holds no key that can be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("{}", of_system(.0))]
    Io(#[from] io::Error),
    /// It is larger than any key.
    #[error("larger than the {KEY_BYTES_MAX} bytes that a key may have")]
    TooLarge,
    /// It is the other half.
    #[error(
        "this is a private key, which nobody else needs: name the public one, which cosign writes to a file that ends in .pub"
    )]
    Private,
    /// It holds something else, or several keys.
    #[error("one public key is expected, as PEM with the line -----BEGIN PUBLIC KEY-----")]
    NoKey,
    /// What it holds is damaged.
    #[error("the key is malformed")]
    Malformed,
    /// A key of a kind that nothing can be verified with here.
    #[error(
        "{0} keys are not supported: use ECDSA P-256, as `cosign generate-key-pair` does, or P-384, RSA or Ed25519"
    )]
    Unsupported(&'static str),
    /// Too small to be safe, or too large.
    #[error("an RSA key of {0} bits: 2048 to 8192 are taken")]
    Bits(usize),
}

/// What kind of key it is, which says how it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    P256,
    P384,
    Rsa,
    Ed25519,
}

/// The identifiers of algorithms as keys name them, in DER without the outer header.
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
const P521: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const ED25519_ID: &[u8] = b"\x06\x03\x2b\x65\x70";

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

impl Key {
    /// The key in a file.
    ///
    /// # Errors
    /// Why there is none that can be used.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        // A pipe or a device would be waited for.
        if !path.metadata()?.is_file() {
            return Err(KeyError::NoKey);
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(KEY_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        Self::parse(&bytes)
    }

    /// The key in a text: one `PUBLIC KEY` of PEM.
    ///
    /// # Errors
    /// Why there is none that can be used.
    pub fn parse(pem: &[u8]) -> Result<Self, KeyError> {
        if pem.len() > KEY_BYTES_MAX {
            return Err(KeyError::TooLarge);
        }
        if pem.windows(b"PRIVATE KEY-----".len()).any(|words| words == b"PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let keys: Result<Vec<_>, _> = SubjectPublicKeyInfoDer::pem_slice_iter(pem).collect();
        match keys.map_err(|_| KeyError::Malformed)?.as_slice() {
            [key] => Self::of(key),
            _ => Err(KeyError::NoKey),
        }
    }

    fn of(der: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, bytes) = parts(der).ok_or(KeyError::Malformed)?;
        let point = |length: usize| bytes.len() == length && bytes[0] == 4;
        let (kind, is_whole) = match algorithm {
            P256 => (Kind::P256, point(65)),
            P384 => (Kind::P384, point(97)),
            ED25519_ID => (Kind::Ed25519, bytes.len() == 32),
            RSA => {
                let bits = modulus_bits(bytes).ok_or(KeyError::Malformed)?;
                if !(2048..=8192).contains(&bits) {
                    return Err(KeyError::Bits(bits));
                }
                (Kind::Rsa, true)
            }
            P521 => return Err(KeyError::Unsupported("ECDSA P-521")),
            _ => return Err(KeyError::Unsupported("such")),
        };
        if !is_whole {
            return Err(KeyError::Malformed);
        }
        let algorithm: &'static dyn VerificationAlgorithm = match kind {
            Kind::P256 => &ECDSA_P256_SHA256_ASN1,
            Kind::P384 => &ECDSA_P384_SHA384_ASN1,
            Kind::Rsa => &RSA_PKCS1_2048_8192_SHA256,
            Kind::Ed25519 => &ED25519,
        };
        Ok(Self { kind, verifier: UnparsedPublicKey::new(algorithm, bytes.to_vec()), id: Digest::of(der) })
    }

    /// The SHA-256 of the key as DER.
    pub fn id(&self) -> &Digest {
        &self.id
    }

    /// Whether the key made a signature over these bytes.
    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify(bytes, signature).is_ok()
    }

    /// Whether cosign signs with such keys in a way that is not known here: Ed25519ph, for which content is
    /// digested first.
    pub(super) fn may_be_prehashed(&self) -> bool {
        self.kind == Kind::Ed25519
    }
}

/// The algorithm and the bits of a `SubjectPublicKeyInfo`.
fn parts(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, []) = element(der, SEQUENCE)? else { return None };
    let (algorithm, rest) = element(info, SEQUENCE)?;
    let (bits, []) = element(rest, BIT_STRING)? else { return None };
    // The first byte counts the bits of the last that mean nothing.
    let (0, bytes) = bits.split_first()? else { return None };
    Some((algorithm, bytes))
}

/// The length of the modulus of an `RSAPublicKey`.
fn modulus_bits(der: &[u8]) -> Option<usize> {
    let (numbers, []) = element(der, SEQUENCE)? else { return None };
    let (modulus, rest) = element(numbers, INTEGER)?;
    let (_, []) = element(rest, INTEGER)? else { return None };
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let first = modulus.first()?;
    Some(modulus.len() * 8 - first.leading_zeros() as usize)
}

/// What an element of DER with this tag holds, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = match rest {
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        [0x81, length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
        [0x82, high @ 1..=0xff, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length)).flatten()
}
