//! Names of images, taken apart.

/// A normalised reference.
pub(crate) struct Name<'r> {
    /// Registry and repository.
    pub(crate) repository: &'r str,
    /// Its tag.
    pub(crate) tag: Option<&'r str>,
    /// Its digest.
    pub(crate) digest: Option<&'r str>,
}

impl<'r> Name<'r> {
    pub(crate) fn of(reference: &'r str) -> Self {
        let (name, digest) = match reference.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (reference, None),
        };
        match name.rsplit_once(':') {
            // The colon may be that of a port.
            Some((repository, tag)) if !tag.contains('/') => Self { repository, tag: Some(tag), digest },
            _ => Self { repository: name, tag: None, digest },
        }
    }
}

/// The short text that people know: `python:3.12`.
pub(crate) fn familiar(reference: &str) -> &str {
    let short = reference.strip_prefix("docker.io/").unwrap_or(reference);
    short.strip_prefix("library/").filter(|_| short != reference).unwrap_or(short)
}

/// A digest as people compare it: its algorithm and first digits.
pub(crate) fn short(digest: &str) -> &str {
    const DIGITS: usize = 12;
    let end = digest.find(':').map_or(DIGITS, |colon| colon + 1 + DIGITS);
    digest.get(..end).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let check = |reference, expect| {
            let name = Name::of(reference);
            assert_eq!((name.repository, name.tag, name.digest), expect, "{reference}");
        };
        check("docker.io/library/alpine", ("docker.io/library/alpine", None, None));
        check("localhost:5000/app", ("localhost:5000/app", None, None));
        check("localhost:5000/app:1@sha256:ab", ("localhost:5000/app", Some("1"), Some("sha256:ab")));
        assert_eq!(familiar("docker.io/library/alpine:3"), "alpine:3");
        assert_eq!(familiar("docker.io/acme/app"), "acme/app");
        assert_eq!(familiar("ghcr.io/library/app"), "ghcr.io/library/app");
    }
}
