//! A base image should be built for the platform that the stage is built for.

use plimsoll_sdk::prelude::*;
use plimsoll_sdk::registry::Selection;

use crate::{place, text};

#[derive(Default)]
pub struct InvalidBaseImagePlatform;

impl Rule for InvalidBaseImagePlatform {
    const NAME: &'static str = "InvalidBaseImagePlatform";
    const SUMMARY: &'static str = "A base image should have the platform that its stage is built for";

    fn plan(&self, document: &Document, plan: &Plan) {
        for stage in document.stages().filter(|stage| stage.base() == Base::Image && stage.is_needed()) {
            let request = plan.about(Scope::Stage(stage.index()));
            registry::plan_image(&request, stage.base_text(), &stage.platform()).expect("the base is an image");
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let Scope::Stage(stage) = answered.scope else { return Outcome::Keep };
        let stage = document.stage(stage);
        let (image, expected) = (stage.base_text(), stage.platform());
        let message = match registry::Image::of(answered).selection() {
            Selection::Image(found) if machine(&found.platform) == machine(&expected) => return Outcome::Keep,
            Selection::Image(found) => format!(
                "Base image {image} was pulled with platform {}, expected {} for current build",
                text::quoted(&found.platform),
                text::quoted(&expected)
            ),
            Selection::NoMatch(mut available) => {
                available.sort();
                let expected = text::quoted(&expected);
                format!(
                    "Base image {image} has no manifest for platform {expected}; available: {}",
                    available.join(", ")
                )
            }
        };
        report.add(place::on_first_line(document, stage.from().span(), stage.base_span()), message);
        Outcome::Add
    }
}

/// What has to agree: operating system and architecture, not their versions.
fn machine(platform: &str) -> (&str, Option<&str>) {
    let mut parts = platform.split('/');
    let system = parts.next().unwrap_or_default();
    (system.split('(').next().unwrap_or_default(), parts.next())
}
