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
        let platform = document.target_platform();
        for image in document.images().filter(|image| image.kind() != ImageUseKind::From) {
            let (step, span) = (image.step(), image.span());
            // What a trigger of a base image names is in no file.
            let (Some(stage), Some(_)) = (step.stage().filter(Stage::is_needed), step.instruction()) else { continue };
            let notes = [step.span().start, span.start, span.end].map(u32::to_le_bytes).concat();
            let request = plan.about(Scope::Stage(stage.index())).with_state(notes);
            registry::plan_image(&request, image.reference(), &platform).expect("it is an image");
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let Scope::Stage(stage) = answered.scope else { return Outcome::Keep };
        let stage = document.stage(stage);
        let (image, expected, whole, part) = match answered.state.as_chunks().0 {
            [whole, start, end] => {
                let [whole, start, end] = [whole, start, end].map(|number| u32::from_le_bytes(*number));
                let part = Span { start, end };
                let whole = Span { start: whole, end: part.end };
                (document.logical_text(part), document.target_platform(), whole, part)
            }
            _ => (stage.base_text().into(), stage.platform(), stage.from().span(), stage.base_span()),
        };
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
        report.add(place::on_first_line(document, whole, part), message);
        Outcome::Add
    }
}

/// What has to agree: operating system and architecture, not their versions.
fn machine(platform: &str) -> (&str, Option<&str>) {
    let mut parts = platform.split('/');
    let system = parts.next().unwrap_or_default();
    (system.split('(').next().unwrap_or_default(), parts.next())
}
