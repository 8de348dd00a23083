//! One file that is valid: locations without schemes, prefixes that can match, no contradictions.
//!
//! Of several registries with one prefix the first counts; several with one location must agree on what is dangerous.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::document::{Document, RawEndpoint, RawRegistry};
use super::files::Source;
use super::layer::Layer;
use super::short_names::aliases;
use super::toml::Line;
use super::{Mirror, Problem, Proxy, PullFromMirror, Registry, ShortNameMode, matching};

/// Judges `document`, which was read from `source`.
pub(super) fn check(document: Document, source: &Source) -> Result<Layer, Problem> {
    let mut registries = BTreeMap::new();
    let mut of_location: BTreeMap<String, (bool, bool, Option<Proxy>)> = BTreeMap::new();
    for raw in document.registries.unwrap_or_default() {
        let line = raw.line;
        let registry = registry(raw, source)?;
        let place = if registry.location.is_empty() { &registry.prefix } else { &registry.location };
        let own = (registry.insecure, registry.blocked, registry.proxy.clone());
        let (insecure, blocked, proxy) = of_location.entry(place.clone()).or_insert(own);
        for (key, differ) in [
            ("insecure", *insecure != registry.insecure),
            ("blocked", *blocked != registry.blocked),
            ("proxy", *proxy != registry.proxy),
        ] {
            if differ {
                let what = format!("`{place}` occurs several times and `{key}` differs; make it the same everywhere");
                return Err(source.problem(line, what));
            }
        }
        if let Entry::Vacant(vacant) = registries.entry(registry.prefix.clone()) {
            vacant.insert(registry);
        }
    }
    let search = document.search.map(|entries| entries.into_iter().map(|entry| search(entry, source)).collect());
    let search = search.transpose()?;
    let mode = match document.mode {
        Some(mode) => Some(ShortNameMode::parse(&mode.value).ok_or_else(|| {
            let what = format!("`short-name-mode` is `{}`, not `disabled`, `permissive` or `enforcing`", mode.value);
            source.problem(mode.line, what)
        })?),
        None => None,
    };
    let aliases = aliases(document.aliases.unwrap_or_default(), source)?;
    Ok(Layer {
        path: source.path.clone(),
        registries,
        search,
        helpers: document.helpers,
        mode,
        aliases,
        distrusted: None,
    })
}

fn search(entry: Line<String>, source: &Source) -> Result<String, Problem> {
    let registry = location(&entry.value, source, entry.line)?;
    match matching::is_domain(&registry) {
        true => Ok(registry),
        false => {
            let what = format!("`{registry}` in `unqualified-search-registries` must be a host, perhaps with a port");
            Err(source.problem(entry.line, what))
        }
    }
}

fn registry(raw: RawRegistry, source: &Source) -> Result<Registry, Problem> {
    let problem = |line: usize, what: String| Err(source.problem(line, what));
    let place = location(&raw.endpoint.location, source, raw.line)?;
    let prefix = match raw.prefix.as_str() {
        "" if place.is_empty() => return problem(raw.line, "a registry needs a `location`".to_owned()),
        "" => place.clone(),
        prefix => location(prefix, source, raw.line)?,
    };
    let wildcard = prefix.starts_with("*.");
    if !wildcard && place.is_empty() {
        return problem(raw.line, format!("registry `{prefix}` needs a `location`"));
    }
    if wildcard && prefix.contains(['/', '@', ':']) {
        return problem(raw.line, format!("`{prefix}` must be `*.` and a host, without port or path"));
    }
    if !raw.endpoint.pull_from_mirror.is_empty() {
        let what = format!("`pull-from-mirror` belongs to the mirrors of `{prefix}`, not to the registry");
        return problem(raw.line, what);
    }
    let mirror = |mirror| mirror_of(&prefix, raw.mirror_by_digest_only, mirror, source);
    let mirrors = raw.mirrors.into_iter().map(mirror).collect::<Result<_, _>>()?;
    Ok(Registry {
        proxy: proxy(&raw.endpoint, &prefix, source)?,
        prefix,
        location: place,
        insecure: raw.endpoint.insecure,
        blocked: raw.blocked,
        mirror_by_digest_only: raw.mirror_by_digest_only,
        mirrors,
        distrusted: None,
    })
}

fn mirror_of(prefix: &str, by_digest_only: bool, raw: RawEndpoint, source: &Source) -> Result<Mirror, Problem> {
    let problem = |what: String| Err(source.problem(raw.line, what));
    let place = location(&raw.location, source, raw.line)?;
    if place.is_empty() {
        return problem(format!("a mirror of `{prefix}` needs a `location`"));
    }
    if by_digest_only && !raw.pull_from_mirror.is_empty() {
        return problem(format!(
            "mirror `{place}` has `pull-from-mirror` and `{prefix}` has `mirror-by-digest-only`; remove one of them"
        ));
    }
    match PullFromMirror::parse(&raw.pull_from_mirror) {
        Some(pull) => {
            let proxy = proxy(&raw, &place, source)?;
            Ok(Mirror { location: place, insecure: raw.insecure, proxy, pull })
        }
        None => problem(format!(
            "`pull-from-mirror` of `{place}` is `{}`, not `all`, `digest-only` or `tag-only`",
            raw.pull_from_mirror
        )),
    }
}

/// The proxy of the endpoint `place`; an empty one is none.
fn proxy(raw: &RawEndpoint, place: &str, source: &Source) -> Result<Option<Proxy>, Problem> {
    let parse = |text: &str| Proxy::parse(text).map_err(|what| format!("`proxy` of `{place}` {what}"));
    let proxy = (!raw.proxy.is_empty()).then(|| parse(&raw.proxy)).transpose();
    proxy.map_err(|what| source.problem(raw.line, what))
}

/// A host with or without a path: no scheme, and no slashes at the end.
fn location(text: &str, source: &Source, line: usize) -> Result<String, Problem> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Err(source.problem(line, format!("`{text}` must be a host and perhaps a path, without `://`"))),
        false => Ok(text.trim_end_matches('/').to_owned()),
    }
}
