//! Keys of a test's own, and what they sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll::signature::Key;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

const P256_HEAD: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\0";
const ED25519_HEAD: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\0";

/// A private key.
pub enum Signer {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub fn p256() -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap())
    }

    pub fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    pub fn key(&self) -> Key {
        Key::parse(self.pem().as_bytes()).unwrap()
    }

    /// The public key, as a file has it.
    pub fn pem(&self) -> String {
        let der = match self {
            Self::P256(pair) => [P256_HEAD, pair.public_key().as_ref()].concat(),
            Self::Ed25519(pair) => [ED25519_HEAD, pair.public_key().as_ref()].concat(),
        };
        pem(&der)
    }

    /// A signature, in Base64.
    pub fn sign(&self, bytes: &[u8]) -> String {
        match self {
            Self::P256(pair) => base64(pair.sign(&SystemRandom::new(), bytes).unwrap().as_ref()),
            Self::Ed25519(pair) => base64(pair.sign(bytes).as_ref()),
        }
    }

    /// A bundle around a statement.
    pub fn bundle(&self, statement: &Value) -> Vec<u8> {
        let (kind, payload) = ("application/vnd.in-toto+json", statement.to_string());
        let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": "" } },
            "dsseEnvelope": {
                "payload": base64(payload.as_bytes()),
                "payloadType": kind,
                "signatures": [{ "sig": self.sign(signed.as_bytes()) }],
            },
        });
        bundle.to_string().into_bytes()
    }
}

/// A statement that signs a manifest.
pub fn statement(digest: &str) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": digest.trim_start_matches("sha256:") } }],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    })
}

/// What older signatures sign.
pub fn payload(digest: &str) -> Value {
    json!({
        "critical": {
            "identity": { "docker-reference": "registry.example/acme/rules" },
            "image": { "docker-manifest-digest": digest },
            "type": "cosign container image signature",
        },
        "optional": null,
    })
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(der))
}

pub fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// An RSA key that anybody could find the factors of.
pub fn rsa_of_512_bits() -> Vec<u8> {
    let modulus = [b"\x02\x41\0".as_slice(), &[0xff; 64]].concat();
    let numbers = [b"\x30\x48".as_slice(), &modulus, b"\x02\x03\x01\0\x01"].concat();
    let bits = [b"\x03\x4b\0".as_slice(), &numbers].concat();
    [b"\x30\x5c\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\0".as_slice(), &bits].concat()
}
