//! Named contexts, which take the place of images and stages: `--build-context NAME=VALUE`.
//!
//! The name of an image or stage and its platform → the context that stands for it, if one does.

use std::sync::Arc;

use super::Base;
use super::build::{Builder, FastMap};
use crate::platform::Platform;
use crate::reference::{Reference, ReferenceError};

impl Builder<'_> {
    /// The context that stands for an image.
    pub(super) fn context(&self, reference: &Reference, platform: &Platform) -> Option<Base> {
        if self.contexts.is_empty() {
            return None;
        }
        let name = normal_name(reference);
        let index = self.contexts.get(&format!("{name}::{platform}")).or_else(|| self.contexts.get(&name))?;
        Some(Base::Context { name: self.inputs.contexts.get(*index)?.0.clone() })
    }

    /// The context that stands for a stage; the error is that of a name that is no reference.
    pub(super) fn stage_context(&self, name: &str, platform: &Platform) -> Result<Option<Base>, ReferenceError> {
        if EXEMPT.contains(&name) {
            return Ok(None);
        }
        if self.contexts.is_empty() {
            return Reference::check(name).map(|()| None);
        }
        Reference::parse(name).map(|reference| self.context(&reference, platform))
    }

    /// What a name means where it names no stage.
    pub(super) fn meant(&self, name: &str, platform: &Platform) -> (Base, Option<ReferenceError>) {
        if name == "scratch" {
            return (Base::Scratch, None);
        }
        match Reference::parse(name) {
            Ok(reference) => match self.context(&reference, platform) {
                Some(context) => (context, None),
                None => (Base::Image { name: name.into(), reference: Arc::new(reference) }, None),
            },
            Err(error) => (Base::Unresolvable { name: Some(name.to_owned()) }, Some(error)),
        }
    }

    /// Whether a context is an image of some kind, so that it may set more than is known.
    pub(super) fn is_opaque(&self, name: &str) -> bool {
        let value = self.inputs.contexts.iter().rev().find(|(known, _)| known == name);
        let kind = value.and_then(|(_, value)| value.split_once(':'));
        let is_empty = |(kind, rest): (&str, &str)| kind == "docker-image" && rest.trim_start_matches('/') == "scratch";
        kind.is_some_and(|kind| IMAGE_KINDS.contains(&kind.0) && !is_empty(kind))
    }
}

/// The contexts by the names that BuildKit asks for. Of equal names the last counts.
pub(super) fn by_name(contexts: &[(String, String)]) -> FastMap<String, usize> {
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
    contexts.iter().enumerate().map(|(index, (name, _))| (normal(name), index)).collect()
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
