//! A base image should be built for the platform that the stage is built for.

use std::collections::BTreeSet;

use plimsoll_sdk::prelude::*;
use plimsoll_sdk::registry::Selection;

use crate::{place, text};

#[derive(Default)]
pub struct InvalidBaseImagePlatform;

impl Rule for InvalidBaseImagePlatform {
    const NAME: &'static str = "InvalidBaseImagePlatform";
    const SUMMARY: &'static str = "A base image should have the platform that its stage is built for";

    fn plan(&self, document: &Document, plan: &Plan) {
        let mut asked = BTreeSet::new();
        for image in uses(document) {
            let (reference, platform) = (image.reference(), image.platform());
            if asked.insert((reference, platform)) {
                let request = plan.about(Scope::File).with_state(format!("{reference} {platform}"));
                if registry::plan_image(&request, reference, platform).is_err() {
                    // There are more questions than may be asked.
                    return;
                }
            }
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let selection = registry::Image::of(answered).selection();
        let about = |image: &ImageUse| format!("{} {}", image.reference(), image.platform()).into_bytes();
        for image in uses(document).filter(|image| about(image) == answered.state) {
            let (step, span) = (image.step(), image.span());
            let stage = step.stage().filter(|_| image.kind() == ImageUseKind::From);
            let name = stage.map_or_else(|| document.logical_text(span), |stage| stage.base_text().into());
            if let Some(message) = judge(&name, &selection, image.platform()) {
                report.add(place::on_first_line(document, step.span(), span), message);
            }
        }
        Outcome::Add
    }
}

/// The images that the build pulls. What a trigger of a base image names is in no file.
fn uses(document: &Document) -> impl Iterator<Item = ImageUse<'_>> {
    document.images().filter(|image| image.step().is_needed() && image.step().instruction().is_some())
}

fn judge(image: &str, selection: &Selection, expected: &str) -> Option<String> {
    let quoted = text::quoted(expected);
    match selection {
        Selection::Image(found) if machine(&found.platform) == machine(expected) => None,
        Selection::Image(found) => Some(format!(
            "Base image {image} was pulled with platform {}, expected {quoted} for current build",
            text::quoted(&found.platform)
        )),
        Selection::NoMatch(available) => {
            let mut available = available.clone();
            available.sort();
            let available = available.join(", ");
            Some(format!("Base image {image} has no manifest for platform {quoted}; available: {available}"))
        }
    }
}

/// What has to agree: operating system and architecture, not their versions.
fn machine(platform: &str) -> (&str, Option<&str>) {
    let mut parts = platform.split('/');
    let system = parts.next().unwrap_or_default();
    (system.split('(').next().unwrap_or_default(), parts.next())
}
