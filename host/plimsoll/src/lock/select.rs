//! What people call entries, and what the configuration says of them.

use plimsoll_dockerfile::Reference;

use super::{Key, Policy};
use crate::config::{LockConfig, fits};

/// The policy of a new entry: what the patterns say, else that of its kind.
pub fn policy(config: &LockConfig, key: &Key) -> Policy {
    let is_pinned = config.pins(&names(key)).unwrap_or(key.is_known() && !key.is_of_files());
    if is_pinned { Policy::Pin } else { Policy::Float }
}

/// What patterns and selectors know a key by: its first argument, and for an image also as Docker shows it.
pub fn names(key: &Key) -> Vec<String> {
    let Some(name) = key.arguments().into_iter().next() else { return Vec::new() };
    let familiar = (key.module == "oci").then(|| Reference::parse(&name).ok()).flatten();
    let familiar = familiar.map(|reference| reference.familiar());
    std::iter::once(name).chain(familiar).collect()
}

/// Whether a key is called by one of these: by its name, by an image's without its tag, or by a pattern.
pub fn is_selected(key: &Key, selectors: &[String]) -> bool {
    let names = names(key);
    selectors.iter().any(|selector| {
        let is_image = |name: &str| key.module == "oci" && fits(selector, without_tag(name));
        names.iter().any(|name| fits(selector, name) || is_image(name))
    })
}

/// What an image is of, without its tag; none for a key that is of no image.
pub fn repository(key: &Key) -> Option<String> {
    let name = key.arguments().into_iter().next().filter(|_| key.module == "oci")?;
    Some(without_tag(&name).to_owned())
}

fn without_tag(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    let tag = name.rfind(':').filter(|colon| !name[*colon..].contains('/'));
    &name[..tag.unwrap_or(name.len())]
}
