//! FROM builds for the target platform without being told.

use plimsoll_sdk::prelude::*;

use crate::place;

#[derive(Default)]
pub struct RedundantTargetPlatform;

const TARGET_PLATFORM: &str = "TARGETPLATFORM";

impl Rule for RedundantTargetPlatform {
    const NAME: &'static str = "RedundantTargetPlatform";
    const SUMMARY: &'static str = "FROM need not name the target platform, which is the default";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/redundant-target-platform/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        let is_given = gives_value(document);
        for step in document.steps().filter(|step| step.keyword() == Keyword::From) {
            let Some(stage) = step.stage() else { continue };
            let variables: Vec<Variable> = step.variables().filter(|variable| variable.flag().is_some()).collect();
            let Some(first) = variables.first() else { continue };
            let is_target =
                |variable: &Variable| variable.name() == TARGET_PLATFORM && variable.state() == State::Resolved;
            let Some(flag) = step.flags().find(|flag| flag.name() == "platform") else { continue };
            if variables.iter().all(is_target) && flag.value() == first.value().as_deref() {
                let written = flag.text().unwrap_or_default();
                let message = format!(
                    "Setting platform to predefined {written} in FROM is redundant as this is the default behavior"
                );
                let finding = report.add(place::of_platform(document, &stage), message);
                let gap = Span { start: stage.from().keyword_span().end, end: stage.base_span().start };
                // A build argument may have given the variable another value, which is no default.
                let is_default = flag.value() == Some(&*document.target_platform());
                if is_default
                    && !is_given
                    && is_plain(written)
                    && stage.from().flags().count() == 1
                    && !document.text(gap).contains('\n')
                {
                    finding.fix("Remove --platform", [Edit::replace(gap, " ")]);
                }
            }
        }
    }
}

/// Whether an ARG gives the variable a value, which is then that for every target platform.
fn gives_value(document: &Document) -> bool {
    let globals = document.instructions().take_while(|instruction| instruction.keyword() != Keyword::From);
    let mut words = globals.filter(|instruction| instruction.keyword() == Keyword::Arg).flat_map(|arg| arg.words());
    words.any(|word| word.text().split_once('=').is_some_and(|(name, _)| name == TARGET_PLATFORM))
}

/// Whether it is the variable's value for every target platform: what stands in for
/// no value does not matter, for it always has one.
fn is_plain(text: &str) -> bool {
    let rest = text.strip_prefix("${").unwrap_or(text).trim_start_matches('$').strip_prefix(TARGET_PLATFORM);
    rest.is_some_and(|rest| rest.is_empty() || rest == "}" || rest.starts_with('-') || rest.starts_with(":-"))
}
