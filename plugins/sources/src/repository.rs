//! Git repositories as ADD names them: `https://host/path.git?query#name:folder`.

/// A source of ADD that is a repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repository<'s> {
    /// Its address alone.
    pub(crate) remote: &'s str,
    /// The branch, tag or commit, from the fragment or the query; empty for the
    /// default branch.
    pub(crate) name: String,
    /// The folder behind the name in the fragment, with its colon.
    pub(crate) folder: &'s str,
    /// Whether it says more in a query.
    pub(crate) has_query: bool,
    /// Whether the query names the commit.
    has_checksum: bool,
}

impl<'s> Repository<'s> {
    pub(crate) fn of(source: &'s str) -> Self {
        let (address, fragment) = source.split_once('#').unwrap_or((source, ""));
        let (remote, query) = address.split_once('?').unwrap_or((address, ""));
        let (name, folder) = fragment.split_at(fragment.find(':').unwrap_or(fragment.len()));
        let mut name = name.to_owned();
        let mut has_checksum = false;
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "ref" => name = value.to_owned(),
                "tag" => name = prefixed("refs/tags/", value),
                "branch" => name = prefixed("refs/heads/", value),
                "checksum" | "commit" => has_checksum = true,
                _ => {}
            }
        }
        Self { remote, name, folder, has_query: address.contains('?'), has_checksum }
    }

    /// Whether it can only ever be the one commit.
    pub(crate) fn is_pinned(&self) -> bool {
        let is_hexadecimal = self.name.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.has_checksum || matches!(self.name.len(), 40 | 64) && is_hexadecimal
    }

    /// The same at a commit.
    pub(crate) fn at(&self, commit: &str) -> String {
        format!("{}#{commit}{}", self.remote, self.folder)
    }
}

fn prefixed(prefix: &str, name: &str) -> String {
    if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_taken_apart() {
        let repository = Repository::of("https://a.b/c.git#v1:docs");
        assert_eq!(
            (repository.remote, repository.name.as_str(), repository.folder),
            ("https://a.b/c.git", "v1", ":docs")
        );
        assert!(!repository.is_pinned() && !repository.has_query);
        assert_eq!(repository.at("abc"), "https://a.b/c.git#abc:docs");
        assert_eq!(Repository::of("https://a.b/c.git?branch=x").name, "refs/heads/x");
        assert_eq!(Repository::of("https://a.b/c.git?tag=refs/tags/x").name, "refs/tags/x");
        assert!(Repository::of("https://a.b/c.git?tag=x&checksum=abc").is_pinned());
        assert!(Repository::of(&format!("git@a.b:c#{}", "a".repeat(40))).is_pinned());
        assert_eq!(Repository::of("https://a.b/c.git").name, "");
    }
}
