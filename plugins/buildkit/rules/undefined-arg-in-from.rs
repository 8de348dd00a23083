//! What FROM uses should be declared before the first FROM.

use std::collections::BTreeSet;

use plimsoll_sdk::prelude::*;

use crate::place;

#[derive(Default)]
pub struct UndefinedArgInFrom;

/// Arguments that a name is suggested for: each is held against all names in scope.
const SUGGESTIONS_MAX: usize = 500;

impl Rule for UndefinedArgInFrom {
    const NAME: &'static str = "UndefinedArgInFrom";
    const SUMMARY: &'static str = "FROM should use arguments that an ARG before the first FROM declares";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/undefined-arg-in-from/");

    fn check(&self, document: &Document, report: &mut Report) {
        let mut seen = BTreeSet::new();
        for variable in document.variables() {
            let is_undeclared = variable.visibility() == Visibility::From && variable.state() == State::Unresolved;
            if !is_undeclared || !seen.insert((variable.expansion(), variable.name())) {
                continue;
            }
            let name = variable.name();
            let similar = if report.len() < SUGGESTIONS_MAX { variable.similar_name() } else { None };
            let hint = similar.map(|other| format!(" (did you mean {other}?)")).unwrap_or_default();
            let place = place::on_first_line(document, variable.step().span(), variable.span());
            report.add(place, format!("FROM argument '{name}' is not declared{hint}"));
        }
    }
}
