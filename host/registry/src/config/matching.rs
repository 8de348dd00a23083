//! Which registry a reference belongs to: the longest prefix that matches, of equally long ones the first in order.

use plimsoll_dockerfile::Reference;

use super::{Registries, Registry};

impl Registries {
    /// The registry for `name`: a host, a repository or a whole reference, complete with host and `library/`.
    pub fn find_registry(&self, name: &str) -> Option<&Registry> {
        let mut found: Option<&Registry> = None;
        for registry in self.registries.values().filter(|registry| matched(name, &registry.prefix).is_some()) {
            if registry.prefix.len() > found.map_or(0, |found| found.prefix.len()) {
                found = Some(registry);
            }
        }
        found
    }
}

/// How much of `name` the prefix covers, if it matches: a part of a name never does.
///
/// A wildcard covers all of the host up to the first occurrence of what follows it, and no later one. A host without
/// port covers those with one too. Both are as container tools have it.
pub(super) fn matched(name: &str, prefix: &str) -> Option<usize> {
    let end = match prefix.strip_prefix('*').filter(|rest| rest.starts_with('.')) {
        Some(rest) => {
            let start = name.find(rest)?;
            if name[..start].contains('/') {
                return None;
            }
            start + rest.len()
        }
        None => name.starts_with(prefix).then_some(prefix.len())?,
    };
    matches!(name.as_bytes().get(end), None | Some(b':' | b'/' | b'@')).then_some(end)
}

/// Whether `text` is a host with or without a port, in the grammar of references.
pub(super) fn is_domain(text: &str) -> bool {
    let is_domain_of = |domain: &str| {
        let reference = Reference::parse(&format!("{domain}/name"));
        reference.is_ok_and(|reference| reference.domain == domain)
    };
    // Without dot or port, the grammar takes a host for a part of a path.
    is_domain_of(text) || is_domain_of(&format!("{text}:1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_where_names_do() {
        for (name, prefix, expect) in [
            ("a.example/app:1", "a.example", Some(9)),
            ("a.example:5000/app", "a.example", Some(9)),
            ("a.example/app@sha256:00", "a.example/app", Some(13)),
            ("a.example/apps", "a.example/app", None),
            ("a.example", "a.example/app", None),
            ("b.a.example/app", "*.a.example", Some(11)),
            ("c.b.a.example:1/app", "*.example", Some(13)),
            ("a.example/app", "*.a.example", None),
            ("x.io/b.example/app", "*.example", None),
            ("a.io.b.io/app", "*.io", None),
        ] {
            assert_eq!(matched(name, prefix), expect, "{name} by {prefix}");
        }
    }

    #[test]
    fn domains_are_hosts_and_ports() {
        for yes in ["a.example", "localhost", "host", "a.example:5000", "[::1]:5000", "docker.io", "index.docker.io"] {
            assert!(is_domain(yes), "{yes}");
        }
        for no in ["", "a.example/b", "a_b.example", "a.example:", ":1", "a b", "-a.example"] {
            assert!(!is_domain(no), "{no}");
        }
    }
}
