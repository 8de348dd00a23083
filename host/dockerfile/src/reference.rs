//! Image references in Docker's normalised grammar.
//!
//! `python:3.12` → [`Reference`] `docker.io/library/python:3.12`. A reference that was parsed is
//! valid: its canonical text parses to itself.

use std::borrow::Cow;
use std::fmt;

/// Where an image is: a registry, a repository in it, and a tag or digest or both or neither.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Host and perhaps port of the registry, such as `docker.io`. Empty where the grammar allows a
    /// first part that is no host name (`foo_bar.com/image`).
    pub domain: Cow<'static, str>,
    /// Repository, such as `library/python`.
    pub path: String,
    /// Tag, such as `3.12`.
    pub tag: Option<String>,
    /// Digest with its algorithm, such as `sha256:…`.
    pub digest: Option<String>,
}

/// Why a text is no image reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceError {
    /// It does not match the grammar.
    Format,
    /// The repository has upper-case letters; it is named.
    Uppercase(String),
    /// It is 64 hexadecimal digits, which would be taken for an image ID.
    Identifier(String),
    /// The repository is longer than 255 characters.
    TooLong,
    /// The digest is malformed, of a wrong length, or of an algorithm that is not supported.
    Digest(&'static str),
}

impl Reference {
    /// Reads a reference as people write it, and completes domain and `library/`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let Parts { domain, outer, prefix, name, tag, digest } = Parts::read(text)?;
        let domain = if domain == DEFAULT_DOMAIN { DEFAULT_DOMAIN.into() } else { domain.to_owned().into() };
        let path = if outer.is_empty() { joined(prefix, name) } else { [outer, "/", prefix, name].concat() };
        Ok(Self { domain, path, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }

    /// What [`Reference::parse`] finds wrong, without the reference.
    pub(crate) fn check(text: &str) -> Result<(), ReferenceError> {
        Parts::read(text).map(drop)
    }

    /// Domain and path: the repository without tag and digest.
    pub fn name(&self) -> String {
        if self.domain.is_empty() { self.path.clone() } else { format!("{}/{}", self.domain, self.path) }
    }

    /// The short text that Docker shows: `python:3.12`. As in Docker, a repository of `docker.io` whose
    /// first part looks like a host name reads as one of that host.
    pub fn familiar(&self) -> String {
        let name = match self.path.strip_prefix(OFFICIAL_PREFIX) {
            Some(rest) if self.domain == DEFAULT_DOMAIN && !rest.contains('/') => rest.to_owned(),
            _ if self.domain == DEFAULT_DOMAIN => self.path.clone(),
            _ => self.name(),
        };
        self.suffixed(name)
    }

    /// The complete text: `docker.io/library/python:3.12`.
    pub fn canonical(&self) -> String {
        self.suffixed(self.name())
    }

    /// The same with tag `latest` where neither tag nor digest is given.
    pub fn with_default_tag(&self) -> Self {
        let mut reference = self.clone();
        if reference.tag.is_none() && reference.digest.is_none() {
            reference.tag = Some(DEFAULT_TAG.to_owned());
        }
        reference
    }

    fn suffixed(&self, mut name: String) -> String {
        for (separator, part) in [(':', &self.tag), ('@', &self.digest)] {
            if let Some(part) = part {
                name.push(separator);
                name.push_str(part);
            }
        }
        name
    }
}

/// The parts of a reference in its text.
struct Parts<'t> {
    domain: &'t str,
    /// What stands before the first `/` and is no domain.
    outer: &'t str,
    prefix: &'static str,
    name: &'t str,
    tag: Option<&'t str>,
    digest: Option<&'t str>,
}

impl<'t> Parts<'t> {
    fn read(text: &'t str) -> Result<Self, ReferenceError> {
        if text.len() == 64 && text.bytes().all(is_lower_hex) {
            return Err(ReferenceError::Identifier(text.to_owned()));
        }
        let (domain, remainder) = split_domain(text);
        let official = domain == DEFAULT_DOMAIN && find(remainder, b'/').is_none();
        let prefix = if official { OFFICIAL_PREFIX } else { "" };
        Self::read_remote(domain, remainder, prefix).map_err(|error| {
            // Whatever else is wrong, upper-case letters come first; a valid name has none.
            let remote = split(remainder, b':').map_or(remainder, |(remote, _)| remote);
            if is_lowercase(remote) { error } else { ReferenceError::Uppercase(format!("{prefix}{remote}")) }
        })
    }

    fn read_remote(domain: &'t str, remainder: &'t str, prefix: &'static str) -> Result<Self, ReferenceError> {
        let (name, tag, digest) = split_name(remainder).ok_or(ReferenceError::Format)?;
        let (domain, outer) = if domain == DEFAULT_DOMAIN || is_domain(domain) {
            (domain, "")
        } else if is_path_component(domain) {
            ("", domain)
        } else {
            return Err(ReferenceError::Format);
        };
        let outer_len = if outer.is_empty() { 0 } else { outer.len() + 1 };
        if outer_len + prefix.len() + name.len() > REPOSITORY_LENGTH_MAX {
            return Err(ReferenceError::TooLong);
        }
        if let Some(digest) = digest {
            check_digest(digest)?;
        }
        Ok(Self { domain, outer, prefix, name, tag, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

impl std::str::FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("invalid reference format"),
            Self::Uppercase(name) => {
                write!(f, "invalid reference format: repository name ({name}) must be lowercase")
            }
            Self::Identifier(text) => {
                write!(f, "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
            }
            Self::TooLong => write!(f, "repository name must not be more than {REPOSITORY_LENGTH_MAX} characters"),
            Self::Digest(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ReferenceError {}

/// The registry that is meant where none is named.
pub const DEFAULT_DOMAIN: &str = "docker.io";

const LEGACY_DEFAULT_DOMAIN: &str = "index.docker.io";
const OFFICIAL_PREFIX: &str = "library/";
const DEFAULT_TAG: &str = "latest";
const REPOSITORY_LENGTH_MAX: usize = 255;
const TAG_LENGTH_MAX: usize = 128;
const DIGEST_HEX_MIN: usize = 32;

/// What stands before the first `/` is a registry only if it looks like one.
fn split_domain(text: &str) -> (&str, &str) {
    match split(text, b'/') {
        Some((LEGACY_DEFAULT_DOMAIN, rest)) => (DEFAULT_DOMAIN, rest),
        Some((first, rest))
            if first == "localhost" || first.bytes().any(|b| matches!(b, b'.' | b':')) || !is_lowercase(first) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    }
}

fn joined(prefix: &str, name: &str) -> String {
    let mut path = String::with_capacity(prefix.len() + name.len());
    path.push_str(prefix);
    path.push_str(name);
    path
}

/// Where an ASCII character stands. Parts of references are short, and most of them hold none.
fn find(text: &str, character: u8) -> Option<usize> {
    text.bytes().position(|b| b == character)
}

/// What stands before and behind an ASCII character.
fn split(text: &str, character: u8) -> Option<(&str, &str)> {
    find(text, character).map(|at| (&text[..at], &text[at + 1..]))
}

fn is_lowercase(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    plain || (!text.is_ascii() && text.chars().all(|c| c.to_lowercase().next() == Some(c)))
}

/// `name[:tag][@digest]` → its parts, if they match the grammar.
fn split_name(text: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let (name, rest) = text.split_at(name_length(text.as_bytes())?);
    let (tag, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let (tag, rest) = rest.split_at(tag_length(rest.as_bytes())?);
            (Some(tag), rest)
        }
        None => (None, rest),
    };
    match rest.strip_prefix('@') {
        Some(digest) => is_digest(digest).then_some((name, tag, Some(digest))),
        None => rest.is_empty().then_some((name, tag, None)),
    }
}

/// The length of the tag at the front.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let length = bytes.iter().take_while(|b| word(**b) || matches!(b, b'.' | b'-')).count();
    (bytes.first().is_some_and(|b| word(*b)) && length <= TAG_LENGTH_MAX).then_some(length)
}

/// The length of the path components at the front, with the slashes between them.
fn name_length(bytes: &[u8]) -> Option<usize> {
    let mut length = component_length(bytes)?;
    while bytes.get(length) == Some(&b'/') {
        length += 1 + component_length(&bytes[length + 1..])?;
    }
    Some(length)
}

/// The length of the path component at the front: runs of lower-case letters and digits, joined by one `.`, one
/// or two `_`, or any number of `-`.
fn component_length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let run = bytes[length..].iter().take_while(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9')).count();
        if run == 0 {
            return None;
        }
        length += run;
        length += match bytes[length..] {
            [b'_', b'_', ..] => 2,
            [b'_' | b'.', ..] => 1,
            [b'-', ..] => bytes[length..].iter().take_while(|b| **b == b'-').count(),
            _ => return Some(length),
        };
    }
}

fn is_path_component(part: &str) -> bool {
    component_length(part.as_bytes()) == Some(part.len())
}

/// A host name, an IPv4 address or an IPv6 address in brackets, and perhaps a port.
fn is_domain(domain: &str) -> bool {
    if let Some(rest) = domain.strip_prefix('[') {
        let Some((host, port)) = split(rest, b']') else { return false };
        let plausible = !host.is_empty() && host.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        return plausible && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = split(domain, b':').map_or((domain, None), |(host, port)| (host, Some(port)));
    port.is_none_or(is_port) && host.as_bytes().split(|b| *b == b'.').all(is_domain_label)
}

fn is_domain_label(label: &[u8]) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    edge(label.first()) && edge(label.last()) && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let word = |part: &str| {
        part.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    hex.len() >= DIGEST_HEX_MIN
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
        && algorithm.split(['-', '_', '+', '.']).all(word)
}

fn check_digest(digest: &str) -> Result<(), ReferenceError> {
    let (algorithm, hex) = digest.split_once(':').unwrap_or_default();
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(ReferenceError::Digest("unsupported digest algorithm")),
    };
    if hex.len() != length {
        return Err(ReferenceError::Digest("invalid checksum digest length"));
    }
    if !hex.bytes().all(is_lower_hex) {
        return Err(ReferenceError::Digest("invalid checksum digest format"));
    }
    Ok(())
}

fn is_lower_hex(b: u8) -> bool {
    b.is_ascii_digit() || (b'a'..=b'f').contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(&str, &str), &str>) {
        match (Reference::parse(text), expect) {
            (Ok(got), Ok((canonical, familiar))) => {
                assert_eq!((got.canonical().as_str(), got.familiar().as_str()), (canonical, familiar), "{text}");
                assert_eq!(Reference::parse(canonical), Ok(got), "again: {text}");
            }
            (Err(got), Err(expect)) => assert!(got.to_string().contains(expect), "{text}: {got}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn grammar() {
        check("python:3.12", Ok(("docker.io/library/python:3.12", "python:3.12")));
        check("index.docker.io/a/b", Ok(("docker.io/a/b", "a/b")));
        check("docker.io/ubuntu", Ok(("docker.io/library/ubuntu", "ubuntu")));
        check("localhost/x", Ok(("localhost/x", "localhost/x")));
        check("[::1]:5000/x:t", Ok(("[::1]:5000/x:t", "[::1]:5000/x:t")));
        check("Host/x", Ok(("Host/x", "Host/x")));
        check("a__b/c--d.e", Ok(("docker.io/a__b/c--d.e", "a__b/c--d.e")));
        check("a___b", Err("invalid reference format"));
        check("A", Err("(library/A) must be lowercase"));
        check("", Err("invalid reference format"));
        check("x:", Err("invalid reference format"));
        check("x@sha256:00", Err("invalid reference format"));
        check(&"a".repeat(64), Err("64-byte"));
        check(&format!("x/{}", "b".repeat(255)), Err("255"));
        check(&format!("x@sha256:{}", "0".repeat(40)), Err("length"));
        check(&format!("x@md5:{}", "0".repeat(40)), Err("unsupported"));
    }
}
