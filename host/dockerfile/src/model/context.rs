//! Named contexts, which take the place of images and stages: `--build-context NAME=VALUE`.
//!
//! The name of an image or stage and its platform → the context that stands for it, if one does.

use foldhash::fast::RandomState;

use super::build::{Builder, FastMap};
use super::{Base, Kept, PlatformNumber};
use crate::platform::Platform;
use crate::reference::{Reference, ReferenceError};

impl Builder<'_> {
    /// The context that stands for an image.
    pub(super) fn context(&mut self, reference: &Reference, platform: &Platform) -> Option<Base> {
        let name = normal_name(reference);
        let index = self.contexts.get(&format!("{name}::{platform}")).or_else(|| self.contexts.get(&name))?;
        let (name, _) = self.inputs.contexts.get(*index)?;
        Some(Base::Context(Kept(self.model.scopes.keep(name))))
    }

    /// The context that stands for a stage; the error is that of a name that is no reference.
    pub(super) fn stage_context(
        &mut self,
        name: &str,
        platform: PlatformNumber,
    ) -> Result<Option<Base>, ReferenceError> {
        if EXEMPT.contains(&name) {
            return Ok(None);
        }
        if self.contexts.is_empty() {
            return Reference::check(name).map(|()| None);
        }
        Reference::parse(name).map(|reference| self.context_for(&reference, platform))
    }

    /// What a name that is kept means where it names no stage.
    pub(super) fn meant(&mut self, name: Kept, platform: PlatformNumber) -> (Base, Option<ReferenceError>) {
        let text = self.model.scopes.text(name.0);
        if text == "scratch" {
            return (Base::Scratch, None);
        }
        if self.contexts.is_empty() {
            return match Reference::check(text) {
                Ok(()) => (Base::Image(name), None),
                Err(error) => (Base::Unresolvable(Some(name)), Some(error)),
            };
        }
        match Reference::parse(text) {
            Ok(reference) => (self.context_for(&reference, platform).unwrap_or(Base::Image(name)), None),
            Err(error) => (Base::Unresolvable(Some(name)), Some(error)),
        }
    }

    fn context_for(&mut self, reference: &Reference, platform: PlatformNumber) -> Option<Base> {
        let platform = self.model.platform(platform).clone();
        self.context(reference, &platform)
    }

    /// Whether a context is an image of some kind, so that it may set more than is known.
    pub(super) fn is_opaque(&self, name: Kept) -> bool {
        let name = self.model.scopes.text(name.0);
        let value = self.inputs.contexts.iter().rev().find(|(known, _)| known == name);
        let kind = value.and_then(|(_, value)| value.split_once(':'));
        let is_empty = |(kind, rest): (&str, &str)| kind == "docker-image" && rest.trim_start_matches('/') == "scratch";
        kind.is_some_and(|kind| IMAGE_KINDS.contains(&kind.0) && !is_empty(kind))
    }
}

/// The contexts by the names that BuildKit asks for. Of equal names the last counts.
pub(super) fn by_name(contexts: &[(String, String)], hasher: RandomState) -> FastMap<String, usize> {
    let normal = |name: &str| {
        let (image, platform) = name.split_once("::").map_or((name, None), |(image, platform)| (image, Some(platform)));
        let Ok(reference) = Reference::parse(image) else { return name.to_owned() };
        let image = normal_name(&reference);
        match platform.map(|platform| (platform, Platform::parse(platform))) {
            Some((_, Ok(platform))) => format!("{image}::{platform}"),
            Some((platform, Err(_))) => format!("{image}::{platform}"),
            None => image,
        }
    };
    let mut by_name = FastMap::with_hasher(hasher);
    by_name.extend(contexts.iter().enumerate().map(|(index, (name, _))| (normal(name), index)));
    by_name
}

/// The short form of a name, without the tag `latest`.
fn normal_name(reference: &Reference) -> String {
    let name = reference.familiar();
    name.strip_suffix(":latest").map(str::to_owned).unwrap_or(name)
}

/// Names of stages that no context replaces.
const EXEMPT: [&str; 2] = ["scratch", "context"];

/// What the values of contexts begin with that bring a configuration of their own.
const IMAGE_KINDS: [&str; 4] = ["docker-image", "oci-layout", "target", "input"];
