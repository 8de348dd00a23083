//! Where a plugin is that is in no file of this machine: `oci://…` or `https://…`.
//!
//! Invariant: what it shows has no secret in it, and parses to itself.

use std::fmt;
use std::str::FromStr;

use plimsoll_dockerfile::Reference;
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

/// A name under which others keep a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a registry, with a tag or a digest.
    Oci(Reference),
    /// On the web, by its address.
    Web(Url),
}

impl Source {
    /// Whether a text, such as an argument, means one rather than a file.
    pub fn is_meant(text: &str) -> bool {
        text.contains("://")
    }

    /// Whether the other is in the same repository.
    pub fn is_beside(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Oci(one), Self::Oci(other)) => (&one.domain, &one.path) == (&other.domain, &other.path),
            _ => self == other,
        }
    }

    /// The last part of its name, which plugins are called by where nobody says otherwise.
    pub fn name(&self) -> String {
        match self {
            Self::Oci(reference) => reference.path.rsplit('/').next().unwrap_or_default().to_owned(),
            Self::Web(url) => {
                let last = url.path_segments().and_then(Iterator::last).unwrap_or_default();
                last.strip_suffix(".wasm").unwrap_or(last).to_owned()
            }
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("oci://") {
            // No registry is meant by default: whose plugin runs is not to be guessed.
            let host = name.split_once('/').map(|(host, _)| host);
            let is_named = |reference: &Reference| host.is_some_and(|host| host == reference.domain);
            let reference = Reference::parse(name).ok().filter(is_named);
            return reference.map(|reference| Self::Oci(reference.with_default_tag())).ok_or_else(|| {
                format!(
                    "{text:?} names no artifact; write oci://HOST/REPOSITORY:TAG, such as oci://ghcr.io/acme/rules:1"
                )
            });
        }
        let url = Url::parse(text)
            .map_err(|_| format!("{text:?} is no source; write oci://HOST/REPOSITORY:TAG or https://HOST/PATH.wasm"))?;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            scheme => return Err(format!("a plugin comes by oci:// or https://, not by {scheme}://")),
        }
        // Either may be a secret, and what is written here is shown and committed.
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        match is_plain && url.fragment().is_none() {
            true => Ok(Self::Web(url)),
            false => Err("the address of a plugin has no user, no password and nothing behind ? or #".to_owned()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oci(reference) => write!(f, "oci://{}", reference.canonical()),
            Self::Web(url) => write!(f, "{url}"),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_say_where_and_no_secret() {
        for (text, expect) in [
            ("oci://ghcr.io/acme/rules:1", Some(("oci://ghcr.io/acme/rules:1", "rules"))),
            ("oci://localhost:5000/rules", Some(("oci://localhost:5000/rules:latest", "rules"))),
            ("oci://docker.io/acme/rules:1", Some(("oci://docker.io/acme/rules:1", "rules"))),
            ("oci://acme/rules:1", None),
            ("oci://localhost", None),
            ("https://acme.dev/a/acme.wasm", Some(("https://acme.dev/a/acme.wasm", "acme"))),
            ("http://127.0.0.1:80/acme.wasm", Some(("http://127.0.0.1/acme.wasm", "acme"))),
            ("http://acme.dev/acme.wasm", None),
            ("https://u:p@acme.dev/acme.wasm", None),
            ("https://acme.dev/acme.wasm?token=x", None),
            ("https://acme.dev/acme.wasm#x", None),
            ("file:///etc/passwd", None),
            ("oci://", None),
            ("oci://ghcr.io/Acme", None),
            ("ghcr.io/acme/rules:1", None),
        ] {
            let source: Option<Source> = text.parse().ok();
            let shown = source.as_ref().map(|source| (source.to_string(), source.name()));
            assert_eq!(shown, expect.map(|(shown, name)| (shown.to_owned(), name.to_owned())), "{text}");
            if let Some(source) = source {
                assert_eq!(source.to_string().parse(), Ok(source));
            }
        }
    }
}
