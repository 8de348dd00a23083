//! What the image at the root of a chain of stages says of all of them.

use std::collections::BTreeSet;

use plimsoll_sdk::prelude::*;
use plimsoll_sdk::registry::Selection;

/// Asks for the images that these stages are built on, each root once.
pub(crate) fn ask<'d>(document: &'d Document, plan: &Plan, stages: impl Iterator<Item = Stage<'d>>) {
    let roots: BTreeSet<u32> = stages.map(|stage| stage.root()).collect();
    for root in roots.into_iter().map(|root| document.stage(root)) {
        if root.base() == Base::Image {
            let request = plan.about(Scope::Derived(root.index()));
            if registry::plan_image(&request, root.base_text(), &root.platform()).is_err() {
                // There are more questions than may be asked.
                return;
            }
        }
    }
}

/// Hands the root of the stages whose image is known now to `report`, whose
/// findings take the place of what was assumed of them.
pub(crate) fn learn(answered: &Answered, report: impl FnOnce(u32)) -> Outcome {
    match (answered.scope, registry::Image::of(answered).selection()) {
        (Scope::Derived(root), Selection::Image(_)) => {
            report(root);
            Outcome::Replace
        }
        _ => Outcome::Keep,
    }
}
