//! Tags that are versions: `3.12.4`, `v1.2.3-alpine`.

/// A tag, taken apart at its patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version<'t> {
    /// What stands before the patch, such as `3.12.`.
    line: &'t str,
    /// The third number.
    patch: u64,
    /// What stands behind it, such as `-alpine`.
    variant: &'t str,
}

impl<'t> Version<'t> {
    /// None where a tag is no version, or does not say which patch.
    pub(crate) fn of(tag: &'t str) -> Option<Self> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = usize::from(tag.starts_with('v'));
        for _ in 0..2 {
            let length = digits(&tag[end..]);
            if length == 0 || !tag[end + length..].starts_with('.') {
                return None;
            }
            end += length + 1;
        }
        let (patch, variant) = tag[end..].split_at(digits(&tag[end..]));
        let is_whole = variant.is_empty() || variant.starts_with('-');
        Some(Self { line: &tag[..end], patch: patch.parse().ok().filter(|_| is_whole)?, variant })
    }

    /// Whether this is a later patch of the same.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.line == other.line && self.variant == other.variant && self.patch > other.patch
    }

    /// The newest patch of this version among tags.
    pub(crate) fn newest<'n>(&self, tags: &'n [String]) -> Option<&'n str> {
        let versions = tags.iter().filter_map(|tag| Some((Version::of(tag)?, tag.as_str())));
        let newer = versions.filter(|(version, _)| version.is_newer_than(self));
        newer.max_by_key(|(version, _)| version.patch).map(|(_, tag)| tag)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn the_newest_patch_of_the_same_line_and_variant_counts() {
        let tags = ["1.2.3", "1.2.10", "1.2.9", "1.3.0", "1.2.11-alpine", "1.2.12.1", "1.2", "latest", "v1.2.13"];
        let tags = tags.map(str::to_owned);
        let newest = |tag| Version::of(tag).and_then(|version| version.newest(&tags));
        assert_eq!(newest("1.2.3"), Some("1.2.10"));
        assert_eq!(newest("1.2.10"), None);
        assert_eq!(newest("1.2.3-alpine"), Some("1.2.11-alpine"));
        assert_eq!(newest("v1.2.3"), Some("v1.2.13"));
        assert_eq!(newest("1.2"), None);
        assert_eq!(newest("1.2.99999999999999999999"), None);
    }
}
