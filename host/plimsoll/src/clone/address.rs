//! The address of a repository, as BuildKit writes it: `git+https://HOST/PATH#REF:FOLDER`.
//!
//! Invariant: shown and handed on without password.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::limits::URL_BYTES_MAX;
use crate::question::{check_reference, is_commit};

/// What an address begins with.
const PREFIX: &str = "git+";
/// How to write one.
const FORM: &str = "write git+https://HOST/PATH#REF:FOLDER, or git+http:// or git+ssh://";

/// What is to be fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Without what is secret, and without a fragment.
    url: Url,
    /// What HTTP servers are told of who asks.
    authorization: Option<String>,
    /// A commit, a branch, a tag, a full name, or `HEAD`.
    reference: String,
    /// A file or folder in the repository.
    inside: PathBuf,
}

impl Address {
    /// The address of a repository; none for the path of a file.
    ///
    /// # Errors
    /// What is wrong with an address. The text itself is not repeated: a password may be in it.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let Some(text) = text.strip_prefix(PREFIX) else { return Ok(None) };
        if text.len() > URL_BYTES_MAX {
            return Err(format!("git+…: an address may have {URL_BYTES_MAX} bytes"));
        }
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (reference, inside) = fragment.split_once(':').unwrap_or((fragment, ""));
        let mut url = Url::parse(text).map_err(|error| format!("git+…: this is no address ({error}): {FORM}"))?;
        let shown = |what: &str| format!("git+{}://{}: {what}", url.scheme(), url.host_str().unwrap_or_default());
        if !matches!(url.scheme(), "https" | "http" | "ssh") {
            return Err(shown(&format!("only https, http and ssh are spoken: {FORM}")));
        }
        // What begins like an option may be taken for one.
        let is_plain =
            |text: &str| !text.starts_with('-') && !text.contains(|c: char| c.is_control() || c.is_whitespace());
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() || !is_plain(host) || !is_plain(url.username()) {
            return Err(shown(&format!("it names no host: {FORM}")));
        }
        if url.query().is_some() {
            return Err(shown("the address of a repository has no query; branch and folder stand behind #"));
        }
        let reference = match is_commit(reference) {
            true => reference.to_owned(),
            false => check_reference(reference).map_err(|what| shown(&format!("{reference:?}: {what}")))?,
        };
        let inside = Path::new(inside.trim_start_matches('/'));
        if !inside.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(shown("the folder behind : lies in the repository, without .."));
        }
        let inside = inside.components().filter(|part| *part != Component::CurDir).collect();
        let mut authorization = None;
        if url.scheme() == "ssh" {
            if url.password().is_some() {
                return Err(shown("ssh takes no password from an address; use a key"));
            }
        } else {
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
            let is_anonymous = user.is_empty() && password.is_empty();
            authorization =
                (!is_anonymous).then(|| format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))));
            let cleared = url.set_username("").and_then(|()| url.set_password(None));
            cleared.map_err(|()| format!("git+…: this is no address: {FORM}"))?;
        }
        Ok(Some(Self { url, authorization, reference, inside }))
    }

    /// Without what is secret, and without a fragment.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A commit, a branch, a tag, a full name, or `HEAD`.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// A file or folder in the repository; empty for all of it.
    pub fn inside(&self) -> &Path {
        &self.inside
    }

    /// Whether what is fetched goes over a network, and could be changed on the way.
    pub fn is_in_the_clear(&self) -> bool {
        let is_here = match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.url.scheme() == "http" && !is_here
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.url)?;
        let inside = self.inside.to_string_lossy();
        match (self.reference.as_str(), &*inside) {
            ("HEAD", "") => Ok(()),
            ("HEAD", inside) => write!(f, "#:{inside}"),
            (reference, "") => write!(f, "#{reference}"),
            (reference, inside) => write!(f, "#{reference}:{inside}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        let check = |text: &str, shown: &str, reference: &str, inside: &str| {
            let address = Address::parse(text).unwrap().unwrap();
            assert_eq!((address.to_string().as_str(), address.reference()), (shown, reference), "{text}");
            assert_eq!((address.inside(), format!("{address:?}").as_str()), (Path::new(inside), shown), "{text}");
        };
        check("git+https://h/a.git", "git+https://h/a.git", "HEAD", "");
        check("git+https://u:p%40ss@h:8443/a#v1", "git+https://h:8443/a#v1", "v1", "");
        check("git+https://token@h/a#:b/./c", "git+https://h/a#:b/c", "HEAD", "b/c");
        check("git+ssh://git@h/a.git#refs/heads/x:/b", "git+ssh://git@h/a.git#refs/heads/x:b", "refs/heads/x", "b");
        let commit = "a".repeat(40);
        check(&format!("git+http://h/a#{commit}"), &format!("git+http://h/a#{commit}"), &commit, "");
        let secret = Address::parse("git+https://u:p%40ss@h/a").unwrap().unwrap();
        assert_eq!(secret.authorization(), Some("Basic dTpwQHNz"));
        assert_eq!(Address::parse("services/api"), Ok(None));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "git+file:///etc",
            "git+ext::sh -c x",
            "git+https://",
            "git+ssh://-oProxyCommand=x/a",
            "git+ssh://-x@h/a",
            "git+ssh://git:secret@h/a",
            "git+https://h/a?secret=1",
            "git+https://u:secret@h/a#b..c",
            "git+https://u:secret@h/a#b:../c",
            "git+https://u:secret@h/a#--upload-pack=x y",
            "git+https://u:secret@:x/a",
            "git+secret",
        ] {
            let refused = Address::parse(text).unwrap_err();
            assert!(!refused.contains("secret"), "{text}: {refused}");
        }
    }

    #[test]
    fn what_stays_here_is_not_in_the_clear() {
        let clear = |text: &str| Address::parse(text).unwrap().unwrap().is_in_the_clear();
        assert!(clear("git+http://example.com/a") && clear("git+http://10.0.0.1/a"));
        for text in ["git+http://localhost/a", "git+http://127.0.0.1:80/a", "git+http://[::1]/a", "git+https://h/a"] {
            assert!(!clear(text), "{text}");
        }
    }
}
