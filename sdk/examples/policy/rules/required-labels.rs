//! Images should carry the labels that the organisation looks for.

use std::collections::BTreeMap;

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::pattern::matches;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequiredLabels {
    /// Patterns of values, by label.
    labels: BTreeMap<String, String>,
}

/// A label that the file sets.
struct Label<'d> {
    name: &'d str,
    /// None where it depends on what nobody knows yet.
    value: Option<&'d str>,
    span: Span,
}

impl Rule for RequiredLabels {
    const NAME: &'static str = "required-labels";
    const SUMMARY: &'static str = "The image should have the labels that option labels names";
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "labels": {
      "description": "Labels, each with a pattern of its value, where * stands for any text",
      "type": "object",
      "additionalProperties": {"type": "string"},
      "examples": [{"org.opencontainers.image.source": "https://git.acme.example/*"}]
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        from_json(options)
    }

    fn check(&self, document: &Document, report: &mut Report) {
        let Some(last) = document.stages().filter(|stage| stage.is_needed()).last() else { return };
        let labels = labels(document, last);
        for (name, pattern) in &self.labels {
            // The last one counts.
            match labels.iter().rfind(|label| label.name == name) {
                None => {
                    let place = last.from().span();
                    report.add(place, format!("The image has no label {name}; add LABEL {name}=\"{pattern}\""));
                }
                Some(Label { value: Some(value), span, .. }) if !matches(pattern, value) => {
                    report.add(*span, format!("Label {name} is '{value}', which is not of the form '{pattern}'"));
                }
                Some(_) => {}
            }
        }
    }
}

/// The labels of a stage, those of the stages it is built on first.
fn labels<'d>(document: &'d Document, last: Stage<'d>) -> Vec<Label<'d>> {
    let mut line = vec![last];
    while let Some(Base::Stage(below)) = line.last().map(|stage| stage.base()) {
        line.push(document.stage(below));
    }
    let mut labels = Vec::new();
    for step in line.iter().rev().flat_map(|stage| stage.steps()).filter(|step| step.keyword() == Keyword::Label) {
        let words: Vec<_> = step.words().collect();
        for pair in words.chunks_exact(2) {
            let value = pair[1].value().filter(|_| pair[1].is_exact());
            labels.push(Label { name: pair[0].value().unwrap_or(pair[0].text()), value, span: step.span() });
        }
    }
    labels
}
