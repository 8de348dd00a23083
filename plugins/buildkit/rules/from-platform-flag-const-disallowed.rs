//! FROM should leave the platform to whoever builds.

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct FromPlatformFlagConstDisallowed;

impl Rule for FromPlatformFlagConstDisallowed {
    const NAME: &'static str = "FromPlatformFlagConstDisallowed";
    const SUMMARY: &'static str = "FROM should not name a platform outright, unless the stage is called after it";
    const URL: Option<&'static str> =
        Some("https://docs.docker.com/go/dockerfile/rule/from-platform-flag-const-disallowed/");

    fn check(&self, document: &Document, report: &mut Report) {
        for from in document.steps().filter(|step| step.keyword() == Keyword::From) {
            let Some(stage) = from.stage() else { continue };
            let Some(platform) = stage.flag_platform() else { continue };
            let name = text::lower(&stage.name().unwrap_or_default());
            let is_variable = from.variables().any(|variable| variable.flag().is_some());
            if is_variable || machine(&platform).any(|part| name.contains(part)) {
                continue;
            }
            let Some(flag) = from.flags().find(|flag| flag.name() == "platform") else { continue };
            let value = text::quoted(flag.value().unwrap_or_default());
            let message = format!("FROM --platform flag should not use constant value {value}");
            report.add(place::of_platform(document, &stage), message);
        }
    }
}

/// Operating system and architecture.
fn machine(platform: &str) -> impl Iterator<Item = &str> {
    platform.split('/').take(2).map(|part| part.split('(').next().unwrap_or_default())
}
