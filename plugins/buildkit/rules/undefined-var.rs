//! Variables should be defined where they are used.

use std::collections::BTreeSet;

use plimsoll_sdk::prelude::*;

use crate::{base_image, place};

#[derive(Default)]
pub struct UndefinedVar;

/// Variables that a name is suggested for: each is held against all names in scope.
const SUGGESTIONS_MAX: usize = 500;

/// Arguments that steer the build, which BuildKit knows without an ARG.
const STEERING: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

impl Rule for UndefinedVar {
    const NAME: &'static str = "UndefinedVar";
    const SUMMARY: &'static str = "Variables should be defined before they are used";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/undefined-var/");
    const FIXABLE: bool = true;

    /// Takes base images to set PATH and nothing else.
    fn check(&self, document: &Document, report: &mut Report) {
        undefined(document).for_each(|variable| add(document, report, &variable));
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        base_image::ask(document, plan, undefined(document).filter_map(|variable| variable.step().stage()));
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        base_image::learn(answered, |root| {
            let known = undefined(document)
                .filter(|variable| variable.stage().is_some_and(|stage| document.stage(stage).root() == root));
            known.for_each(|variable| add(document, report, &variable));
        })
    }
}

/// Variables of stages that nothing sets, a name once for each word.
fn undefined(document: &Document) -> impl Iterator<Item = Variable<'_>> {
    let mut seen = BTreeSet::new();
    document.variables().filter(move |variable| {
        let is_undefined = matches!(variable.state(), State::Unresolved | State::Unknown);
        variable.visibility() == Visibility::Stage
            && is_undefined
            && !STEERING.contains(&variable.name())
            && variable.step().is_needed()
            && seen.insert((variable.expansion(), variable.name()))
    })
}

fn add(document: &Document, report: &mut Report, variable: &Variable) {
    let name = variable.name();
    let similar = if report.len() < SUGGESTIONS_MAX { variable.similar_name() } else { None };
    let hint = similar.as_ref().map(|other| format!(" (did you mean ${other}?)")).unwrap_or_default();
    let place = place::on_first_line(document, variable.step().span(), variable.span());
    let finding = report.add(place, format!("Usage of undefined variable '${name}'{hint}"));
    if place != variable.span() {
        finding.related(variable.span(), format!("${name} is used here"));
    }
    if let Some((place, other)) = name_span(document, variable).zip(similar) {
        finding.unsafe_fix(format!("Write ${other}"), [Edit::replace(place, other)]);
    }
}

/// Where the name stands behind `$` or `${`.
fn name_span(document: &Document, variable: &Variable) -> Option<Span> {
    let span = variable.span();
    let text = document.text(span);
    let behind = text.strip_prefix("${").or_else(|| text.strip_prefix('$'))?;
    let start = span.start + u32::try_from(text.len() - behind.len()).ok()?;
    // What has a word to stand in for it is not missed.
    let is_written = behind.strip_prefix(variable.name()).is_some_and(|rest| rest.is_empty() || rest == "}");
    is_written.then(|| Span { start, end: start + u32::try_from(variable.name().len()).unwrap_or(0) })
}
