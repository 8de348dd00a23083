//! Images that are not named by their digest.

use plimsoll_sdk::prelude::*;

use crate::image::{Name, familiar};
use crate::place;

#[derive(Default)]
pub struct UnpinnedImage;

impl Rule for UnpinnedImage {
    const NAME: &'static str = "unpinned-image";
    const SUMMARY: &'static str = "Images should be pinned by their digest, so that a tag cannot move under a build";
    const FIXABLE: bool = true;
    const OPT_IN: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for image in unpinned(document) {
            add(report, &image);
        }
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        for image in unpinned(document) {
            let Some(stage) = image.step().stage() else { continue };
            let Span { start, end } = image.span();
            let notes = [start.to_le_bytes(), end.to_le_bytes()].concat();
            let request = plan.about(Scope::Stage(stage.index())).with_state(notes);
            if registry::plan_index(&request, image.reference(), false).is_err() {
                // There are more questions than may be asked.
                return;
            }
        }
    }

    /// Says the same again, with what is to be written.
    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        // All platforms of an image have their index in common.
        let index = registry::Index::of(answered);
        for image in unpinned(document) {
            let place = image.span();
            let notes = [place.start.to_le_bytes(), place.end.to_le_bytes()].concat();
            let is_editable = familiar_forms(image.reference()).any(|form| place::is_literal(document, place, form));
            // An image that has nothing for the platform is another rule's business.
            let is_there = || index.entry_for(image.platform()).is_ok_and(|entry| entry.is_some());
            if notes == answered.state && is_editable && is_there() {
                let end = Span { start: place.end, end: place.end };
                let edit = Edit::replace(end, format!("@{}", index.digest()));
                add(report, &image).fix("Append the digest of today's image", [edit]);
            }
        }
        Outcome::Add
    }
}

/// Images without digest, where they are written in this file.
fn unpinned(document: &Document) -> impl Iterator<Item = ImageUse<'_>> {
    document.images().filter(|image| {
        let step = image.step();
        step.is_needed() && step.instruction().is_some() && Name::of(image.reference()).digest.is_none()
    })
}

fn add<'r>(report: &'r mut Report, image: &ImageUse) -> &'r mut plimsoll_sdk::Finding {
    report.add(image.span(), format!("Image '{}' is not pinned by a digest", familiar(image.reference())))
}

/// The ways to write a normalised reference.
fn familiar_forms(reference: &str) -> impl Iterator<Item = &str> {
    let short = reference.strip_prefix("docker.io/").unwrap_or(reference);
    [reference, short, familiar(reference)].into_iter()
}
