//! CMD and ENTRYPOINT should be JSON arrays.

use plimsoll_sdk::prelude::*;

use crate::{base_image, place};

#[derive(Default)]
pub struct JsonArgsRecommended;

impl Rule for JsonArgsRecommended {
    const NAME: &'static str = "JSONArgsRecommended";
    const SUMMARY: &'static str = "CMD and ENTRYPOINT should be JSON arrays, so that signals reach the program";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");

    /// Takes base images to set no SHELL.
    fn check(&self, document: &Document, report: &mut Report) {
        shell_forms(document).for_each(|step| add(document, report, &step));
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        let open = shell_forms(document).filter(|step| step.shell() == Shell::Unknown);
        base_image::ask(document, plan, open.filter_map(|step| step.stage()));
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        base_image::learn(answered, |root| {
            let known = shell_forms(document).filter(|step| step.stage().is_some_and(|stage| stage.root() == root));
            known.for_each(|step| add(document, report, &step));
        })
    }
}

fn shell_forms(document: &Document) -> impl Iterator<Item = Step<'_>> {
    document.steps().filter(|step| {
        let starts = matches!(step.keyword(), Keyword::Cmd | Keyword::Entrypoint);
        starts && !step.is_exec_form() && step.shell() != Shell::Set && step.is_needed()
    })
}

fn add(document: &Document, report: &mut Report, step: &Step) {
    let name = step.name();
    let message = format!("JSON arguments recommended for {name} to prevent unintended behavior related to OS signals");
    report.add(place::of_keyword(document, step), message);
}
