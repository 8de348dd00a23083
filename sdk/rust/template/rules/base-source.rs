//! Base images should say where their source is.

use plimsoll_sdk::prelude::*;

const LABEL: &str = "org.opencontainers.image.source";

#[derive(Default)]
pub struct BaseSource;

impl Rule for BaseSource {
    const NAME: &'static str = "base-source";
    const SUMMARY: &'static str = "Base images should say where their source is";

    /// Asks nothing yet: the host collects the questions of all rules and files.
    fn plan(&self, document: &Document, plan: &Plan) {
        for stage in document.stages().filter(|stage| stage.base() == Base::Image) {
            let request = plan.about(Scope::Stage(stage.index()));
            registry::plan_image(&request, stage.base_text(), &stage.platform()).expect("the base is an image");
        }
    }

    /// Called for each question that was answered. Nothing is kept from `plan` to here but what travels in the request.
    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let image = registry::Image::of(answered);
        let (Scope::Stage(stage), registry::Selection::Image(_)) = (answered.scope, image.selection()) else {
            return Outcome::Keep;
        };
        if !image.labels().iter().any(|(name, _)| name == LABEL) {
            let stage = document.stage(stage);
            let message = format!("'{}' does not say where its source is ({LABEL})", stage.base_text());
            report.add(stage.base_span(), message);
        }
        Outcome::Add
    }
}
