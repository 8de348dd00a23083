//! Keys of credential files: path keys from most to least specific, and the many names of Docker Hub.

use super::Problem;

/// The one name that all names of Docker Hub are compared as.
const DOCKER_HUB: &str = "index.docker.io";
/// What Docker's own tools ask a credential helper for.
const DOCKER_HUB_URL: &str = "https://index.docker.io/v1/";

/// A checked key: `host[:port]` or `host[:port]/path`.
#[derive(Clone, Copy)]
pub(super) struct Key<'a>(&'a str);

impl<'a> Key<'a> {
    pub fn new(text: &'a str) -> Result<Self, Problem> {
        let problem = |what: &str| Err(Problem(format!("`{text}` {what}")));
        if text.starts_with("http://") || text.starts_with("https://") {
            return problem("is a URL, not a registry");
        }
        if text.contains('@') {
            return problem("holds a digest or user");
        }
        if text.split_once('/').is_some_and(|(_, path)| path.contains(':')) {
            return problem("holds a tag");
        }
        if text.is_empty() || text.chars().any(|char| char.is_whitespace() || char.is_control()) {
            return problem("is no registry");
        }
        Ok(Self(text))
    }

    pub fn registry(self) -> &'a str {
        self.0.split('/').next().unwrap_or(self.0)
    }

    /// The key itself, then its parents up to the registry.
    pub fn parents(self) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(self.0), |key| key.rsplit_once('/').map(|(parent, _)| parent))
    }

    /// The names under which a helper may know the registry, in the order to ask.
    pub fn helper_names(self) -> Vec<&'a str> {
        let registry = self.registry();
        match normal(registry) == DOCKER_HUB {
            true => vec![DOCKER_HUB_URL, registry],
            false => vec![registry],
        }
    }
}

/// The host that a key of a file stands for. Only `.dockercfg` (`legacy`) has paths behind bare hosts that mean
/// nothing.
pub(super) fn normal_entry(entry: &str, legacy: bool) -> &str {
    let stripped = entry.strip_prefix("http://").unwrap_or(entry);
    let stripped = stripped.strip_prefix("https://").unwrap_or(stripped);
    let whole = !legacy && stripped.len() == entry.len();
    normal(if whole { stripped } else { stripped.split('/').next().unwrap_or(stripped) })
}

/// A host, with the names of Docker Hub made one.
pub(super) fn normal(registry: &str) -> &str {
    match registry {
        "docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        other => other,
    }
}
