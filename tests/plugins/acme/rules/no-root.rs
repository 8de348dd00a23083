//! The image that is built should not run as root.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct NoRoot;

impl Rule for NoRoot {
    const NAME: &'static str = "no-root";
    const SUMMARY: &'static str = "The last stage should run as a user of its own";
    const SEVERITY: Severity = Severity::Error;

    fn plan(&self, document: &Document, plan: &Plan) {
        let Some(last) = document.stages().last() else { return };
        let root = document.stage(last.root());
        if is_root(&user(document, last)) && root.base() == Base::Image {
            let request = plan.about(Scope::Stage(last.index())).with_state(root.base_text());
            registry::plan_image(&request, root.base_text(), &root.platform()).expect("the base is an image");
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let image = registry::Image::of(answered);
        let (Scope::Stage(last), registry::Selection::Image(_)) = (answered.scope, image.selection()) else {
            return Outcome::Keep;
        };
        let last = document.stage(last);
        if is_root(&user(document, last)) && is_root(&image.user()) {
            let name = String::from_utf8_lossy(&answered.state);
            report.add(last.from().keyword_span(), format!("What is built on '{name}' runs as root here; set a USER"));
        }
        Outcome::Add
    }
}

/// The last USER of a stage and those it is built on; empty if there is none.
fn user<'d>(document: &'d Document, mut stage: Stage<'d>) -> String {
    loop {
        if let Some(step) = stage.steps().filter(|step| step.keyword() == Keyword::User).last() {
            return step.words().next().and_then(|word| word.value()).unwrap_or_default().to_owned();
        }
        let Base::Stage(base) = stage.base() else { return String::new() };
        stage = document.stage(base);
    }
}

fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), None | Some("" | "root" | "0"))
}
