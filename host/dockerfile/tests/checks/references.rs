//! Normal forms are stable: what was written out parses to what it was written from.

use plimsoll_dockerfile::reference::DEFAULT_DOMAIN;
use plimsoll_dockerfile::{Platform, Reference};

/// Reads the bytes as an image reference and as a platform.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(reference) = Reference::parse(&text) {
        self::reference(&reference);
    }
    if let Ok(platform) = Platform::parse(&text) {
        self::platform(&platform);
    }
    let mut parts = text.split('/');
    let mut part = || parts.next().unwrap_or_default();
    let platform = Platform::new(part(), part(), part());
    assert!(platform.acceptable().len() <= ACCEPTABLE_MAX);
}

fn reference(reference: &Reference) {
    assert_eq!(Reference::parse(&reference.canonical()).as_ref(), Ok(reference), "canonical");
    // Docker leaves its own registry out even before what then reads as a registry, or as an identifier.
    let familiar = reference.familiar();
    let first = familiar.split('/').next().unwrap_or_default();
    let misread = first.contains('.') || first == "localhost" || familiar.len() == IDENTIFIER_LENGTH;
    assert!(reference.domain == DEFAULT_DOMAIN && misread || Reference::parse(&familiar).as_ref() == Ok(reference));
    assert!(familiar.len() <= reference.canonical().len());
    assert_eq!(reference.to_string(), reference.canonical());
    let tagged = reference.with_default_tag();
    assert!(tagged.tag.is_some() || tagged.digest.is_some());
    assert_eq!(tagged.with_default_tag(), tagged);
    assert_eq!(Reference::parse(&tagged.canonical()), Ok(tagged), "with a tag");
    assert!(reference.canonical().starts_with(&reference.name()));
}

fn platform(platform: &Platform) {
    let text = platform.to_string();
    assert_eq!(Platform::parse(&text).as_ref(), Ok(platform), "{text}");
    let acceptable = platform.acceptable();
    assert_eq!(acceptable.first(), Some(platform));
    assert_eq!(platform.rank(platform), Some(0));
    assert!(acceptable.len() <= ACCEPTABLE_MAX, "{} platforms", acceptable.len());
    for (rank, other) in acceptable.iter().enumerate() {
        assert!(platform.rank(other).is_some_and(|found| found <= rank), "{other} for {text}");
    }
}

/// Platforms that one can stand in for: the levels of x86-64, or those of both kinds of Arm.
const ACCEPTABLE_MAX: usize = 32;

/// A name of so many hexadecimal digits is taken for the identifier of an image.
const IDENTIFIER_LENGTH: usize = 64;
