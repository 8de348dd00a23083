//! A `--platform` that cannot be told.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct UnresolvedPlatform;

impl Rule for UnresolvedPlatform {
    const NAME: &'static str = "unresolved-platform";
    const SUMMARY: &'static str = "FROM --platform should use variables that have a value";

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages() {
            let PlatformFlag::Unresolvable(span) = stage.platform_flag() else { continue };
            let cause = match without_value(document, &stage, span).as_slice() {
                [] => "of FROM is none".to_owned(),
                [name] => format!("of FROM needs ${name}, which has no value"),
                [names @ .., last] => format!("of FROM needs ${} and ${last}, which have no value", names.join(", $")),
            };
            let consequence = match stage.base() {
                Base::Image => format!("; the base image is checked for {}", stage.platform()),
                _ => String::new(),
            };
            report.add(span, format!("Platform '{}' {cause}{consequence}", document.text(span)));
        }
    }
}

/// The variables in a `--platform` that have no value, each once.
fn without_value<'d>(document: &'d Document, stage: &Stage, flag: Span) -> Vec<&'d str> {
    let mut names = Vec::new();
    for variable in document.variables() {
        let here = variable.visibility() == Visibility::From && variable.stage() == Some(stage.index());
        let is_inside = flag.start <= variable.span().start && variable.span().end <= flag.end;
        if here && is_inside && variable.state() != State::Resolved && !names.contains(&variable.name()) {
            names.push(variable.name());
        }
    }
    names
}
