//! A signature that was found to hold, kept to be held again where nobody can be asked.
//!
//! As bytes it is a line, `KEY bundle` or `KEY simple SIGNATURE`, and what follows is the
//! bundle, or what the older signature signs. Invariant: it proves nothing by being
//! there; whoever relies on it verifies it.

use super::{Form, Key, Wrong, verify_bundle, verify_simple};
use crate::config::Digest;
use crate::limits::PROOF_BYTES_MAX;

/// A signature, and which key it is by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    key: Digest,
    /// The bundle, or what an older signature signs.
    content: Vec<u8>,
    /// The older signature, in Base64.
    signature: Option<String>,
}

impl Proof {
    /// A bundle that should be by the key.
    pub fn bundle(key: &Key, bundle: Vec<u8>) -> Self {
        Self { key: key.id().clone(), content: bundle, signature: None }
    }

    /// An older signature that should be by the key, in Base64, over a payload.
    pub fn simple(key: &Key, payload: Vec<u8>, signature: &str) -> Self {
        Self { key: key.id().clone(), content: payload, signature: Some(signature.to_owned()) }
    }

    /// What it says which key it is by.
    pub fn key(&self) -> &Digest {
        &self.key
    }

    /// How it is kept by registries.
    pub fn form(&self) -> Form {
        if self.signature.is_some() { Form::Simple } else { Form::Bundle }
    }

    /// Whether the key signed the manifest of this digest.
    ///
    /// # Errors
    /// Why that does not show.
    pub fn verify(&self, key: &Key, digest: &Digest) -> Result<(), Wrong> {
        if self.key != *key.id() {
            return Err(Wrong::OtherKey);
        }
        match &self.signature {
            Some(signature) => verify_simple(key, &self.content, signature, digest),
            None => verify_bundle(key, &self.content, digest),
        }
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        let line = match &self.signature {
            Some(signature) => format!("{} simple {signature}\n", self.key),
            None => format!("{} bundle\n", self.key),
        };
        [line.as_bytes(), &self.content].concat()
    }

    /// What bytes hold; none if they have another form.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > PROOF_BYTES_MAX {
            return None;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (line, content) = (str::from_utf8(&bytes[..end]).ok()?, bytes[end + 1..].to_vec());
        let mut words = line.split(' ');
        let key = words.next()?.parse().ok()?;
        let signature = match (words.next()?, words.next()) {
            ("bundle", None) => None,
            ("simple", Some(signature)) => Some(signature.to_owned()),
            _ => return None,
        };
        words.next().is_none().then_some(Self { key, content, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let key = Digest::of(b"key");
        for signature in [None, Some("MEUC+/==".to_owned())] {
            let proof = Proof { key: key.clone(), content: b"{\n\0\xff}".to_vec(), signature };
            assert_eq!(Proof::read(&proof.bytes()), Some(proof));
        }
        let large = format!("{key} bundle\n{}", " ".repeat(PROOF_BYTES_MAX));
        let odd = ["", "\n", "bundle\n", "sha256:0 bundle\n", &large];
        for odd in odd.map(str::to_owned).into_iter().chain(
            [" bundle", " bundle x\n", " simple\n", " simple x y\n", " other\n", " \n"]
                .map(|end| format!("{key}{end}")),
        ) {
            assert_eq!(Proof::read(odd.as_bytes()), None, "{odd:.100}");
        }
    }
}
