//! A `--platform` that cannot be told.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct UnresolvedPlatform;

impl Rule for UnresolvedPlatform {
    const NAME: &'static str = "unresolved-platform";
    const SUMMARY: &'static str = "FROM --platform should use variables that have a value";

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages() {
            let PlatformFlag::Unresolvable(span) = stage.platform_flag() else { continue };
            report.add(
                span,
                format!(
                    "Platform '{}' of FROM uses a variable without a value; the base image is checked for {} instead",
                    document.text(span),
                    stage.platform()
                ),
            );
        }
    }
}
