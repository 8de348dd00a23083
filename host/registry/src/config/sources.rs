//! Where to pull a reference from: mirrors in order, then the registry, each with the reference rewritten for it.

use plimsoll_dockerfile::Reference;

use super::{Problem, Proxy, PullFromMirror, Registries, Registry, matching};
use crate::endpoint::is_loopback;

/// One place to pull from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullSource {
    /// The reference there.
    pub reference: Reference,
    /// Whether certificates are not verified, and plain HTTP will do.
    pub insecure: bool,
    /// What it is asked through, instead of the proxies in variables.
    pub proxy: Option<Proxy>,
    /// The file that says so, where a stranger may have chosen it.
    pub distrusted: Option<String>,
}

impl PullSource {
    /// What a file says here that a stranger may have chosen and has no say in: who stands between this machine and
    /// a registry, and that another machine need not prove who it is.
    pub fn is_presumptuous(&self) -> Option<String> {
        let (file, host) = (self.distrusted.as_ref()?, &self.reference.domain);
        let key = match (&self.proxy, self.insecure && !is_loopback(host)) {
            (Some(_), _) => "proxy",
            (None, true) => "insecure",
            (None, false) => return None,
        };
        Some(format!("`{key}` of {host} in {file} counts only where the user's own settings name that file"))
    }
}

impl Registries {
    /// The registry in charge of `reference`, if one is configured.
    pub fn registry_of(&self, reference: &Reference) -> Option<&Registry> {
        self.find_registry(&reference.name())
    }

    /// The places for `reference` in the order to try; the last is the registry itself. Whether it is blocked is not
    /// looked at.
    pub fn pull_sources(&self, reference: &Reference) -> Result<Vec<PullSource>, Problem> {
        let reference = reference.with_default_tag();
        let Some(registry) = self.registry_of(&reference) else {
            return Ok(vec![PullSource { reference, insecure: false, proxy: None, distrusted: None }]);
        };
        let by_digest = reference.digest.is_some();
        let mirrors = registry.mirrors.iter().filter(|mirror| match mirror.pull {
            PullFromMirror::Unset => by_digest || !registry.mirror_by_digest_only,
            PullFromMirror::All => true,
            PullFromMirror::DigestOnly => by_digest,
            PullFromMirror::TagOnly => !by_digest,
        });
        mirrors
            .map(|mirror| (mirror.location.as_str(), mirror.insecure, &mirror.proxy))
            .chain([(registry.location.as_str(), registry.insecure, &registry.proxy)])
            .map(|(location, insecure, proxy)| {
                let reference = rewritten(&reference, &registry.prefix, location)?;
                Ok(PullSource { reference, insecure, proxy: proxy.clone(), distrusted: registry.distrusted.clone() })
            })
            .collect()
    }
}

fn rewritten(reference: &Reference, prefix: &str, location: &str) -> Result<Reference, Problem> {
    let text = reference.canonical();
    let covered = matching::matched(&text, prefix);
    let covered = covered.ok_or_else(|| Problem::of_question(format!("`{prefix}` does not match `{text}`")))?;
    if location.is_empty() {
        return Ok(reference.clone());
    }
    let text = format!("{location}{}", &text[covered..]);
    match Reference::parse(&text) {
        Ok(reference) if reference.canonical() == text => Ok(reference),
        _ => Err(Problem::of_question(format!(
            "registries.conf puts `{location}` instead of `{prefix}`, which makes `{text}`: not a complete reference"
        ))),
    }
}
