//! Content digests: `sha256:…`, `sha384:…` and `sha512:…`, parsed strictly and verified over the bytes received.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A digest in the form `algorithm:hex`, with an algorithm that can be verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Digest(String);

impl Digest {
    /// Reads `text`; `None` where it is malformed or of another algorithm.
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => return None,
        };
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (hex.len() == length && hex.bytes().all(lower_hex)).then(|| Self(text.to_owned()))
    }

    /// The sha256 digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(bytes))))
    }

    /// Whether `bytes` have this digest.
    pub fn verifies(&self, bytes: &[u8]) -> bool {
        match self.0.split_once(':') {
            Some(("sha384", expected)) => hex(&Sha384::digest(bytes)) == expected,
            Some(("sha512", expected)) => hex(&Sha512::digest(bytes)) == expected,
            Some((_, expected)) => hex(&Sha256::digest(bytes)) == expected,
            None => false,
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_digests_parse() {
        let sha256 = format!("sha256:{}", "a".repeat(64));
        assert_eq!(Digest::parse(&sha256).unwrap().to_string(), sha256);
        assert!(Digest::parse(&format!("sha512:{}", "0".repeat(128))).is_some());
        for bad in [
            String::new(),
            "sha256:".into(),
            format!("sha256:{}", "A".repeat(64)),
            format!("sha256:{}", "a".repeat(63)),
            format!("sha224:{}", "a".repeat(56)),
            format!("md5:{}", "a".repeat(32)),
        ] {
            assert!(Digest::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn digests_verify_their_bytes_only() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        let sha512 = Digest::parse(&format!("sha512:{}", hex(&Sha512::digest(b"x")))).unwrap();
        assert!(sha512.verifies(b"x") && !sha512.verifies(b"y"));
    }
}
