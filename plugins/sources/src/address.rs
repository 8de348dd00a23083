//! Addresses as they may be shown.

use std::borrow::Cow;

/// A URL without the user and password that it may hold: reports travel far.
pub(crate) fn shown(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]).into(),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("https://user:pass@host/a@b"), "https://host/a@b");
        assert_eq!(shown("https://a@b@host"), "https://host");
        assert_eq!(shown("https://host/a@b"), "https://host/a@b");
        assert_eq!(shown("git@host:a/b"), "git@host:a/b");
    }
}
