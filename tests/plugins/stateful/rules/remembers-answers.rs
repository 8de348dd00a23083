//! Finds what an earlier answer said.

use std::sync::Mutex;

use plimsoll_sdk::prelude::*;

static LAST: Mutex<String> = Mutex::new(String::new());

#[derive(Default)]
pub struct RemembersAnswers;

impl Rule for RemembersAnswers {
    const NAME: &'static str = "remembers-answers";
    const SUMMARY: &'static str = "Tells files of the images of others";

    fn plan(&self, document: &Document, plan: &Plan) {
        for image in document.images() {
            registry::plan_tags(&plan.about(Scope::File), image.reference()).expect("an image has a repository");
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let tags = registry::tags(answered).join(" ");
        let last = std::mem::replace(&mut *LAST.lock().expect("nothing panics"), tags);
        if let Some(stage) = document.stages().next().filter(|_| !last.is_empty()) {
            report.add(stage.base_span(), format!("Before: {last}"));
        }
        Outcome::Add
    }
}
