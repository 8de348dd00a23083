//! CMD, ENTRYPOINT and HEALTHCHECK count once in a stage.

use std::collections::BTreeMap;

use plimsoll_sdk::prelude::*;

use crate::place;

#[derive(Default)]
pub struct MultipleInstructionsDisallowed;

impl Rule for MultipleInstructionsDisallowed {
    const NAME: &'static str = "MultipleInstructionsDisallowed";
    const SUMMARY: &'static str = "A stage should have one CMD, one ENTRYPOINT and one HEALTHCHECK";
    const URL: Option<&'static str> =
        Some("https://docs.docker.com/go/dockerfile/rule/multiple-instructions-disallowed/");

    fn check(&self, document: &Document, report: &mut Report) {
        let mut last: BTreeMap<(u32, u8), Step> = BTreeMap::new();
        for step in document.steps() {
            let kind = match step.keyword() {
                Keyword::Cmd => 0,
                Keyword::Entrypoint => 1,
                Keyword::Healthcheck => 2,
                _ => continue,
            };
            let Some(stage) = step.stage().filter(Stage::is_needed) else { continue };
            if let Some(earlier) = last.insert((stage.index(), kind), step) {
                let name = step.name();
                let finding = report.add(
                    place::of_keyword(document, &earlier),
                    format!(
                        "Multiple {name} instructions should not be used in the same stage because only the last one \
                         will be used"
                    ),
                );
                finding.related(place::of_keyword(document, &step), "This one takes its place");
            }
        }
    }
}
