//! ADD of a URL whose content nothing vouches for, or something else does.

use plimsoll_sdk::http::Download;
use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::{address, place};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnverifiedDownload {
    /// Whether what the URLs hold is downloaded, to tell the right checksum.
    download: bool,
}

/// What a checksum is made with where none is given.
const ALGORITHM: &str = "sha256";

impl Rule for UnverifiedDownload {
    const NAME: &'static str = "unverified-download";
    const SUMMARY: &'static str = "ADD of a URL should name the right checksum of what it downloads";
    const FIXABLE: bool = true;
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "download": {
      "description": "Whether what the URLs hold is downloaded, to tell the right checksum; may be much",
      "type": "boolean"
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        from_json(options)
    }

    fn check(&self, document: &Document, report: &mut Report) {
        for added in added(document).filter(|added| added.checksum.is_none()) {
            added.report_missing(report);
        }
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        for added in added(document).filter(|added| self.download && added.is_exact && added.is_alone) {
            let Some(stage) = added.step.stage() else { continue };
            let algorithm = match &added.checksum {
                Some(Checksum { value: Some(value), .. }) => value.split(':').next().unwrap_or_default(),
                Some(_) => continue,
                None => ALGORITHM,
            };
            let notes = added.step.index().to_le_bytes();
            let request = plan.about(Scope::Stage(stage.index())).with_state(notes);
            // What cannot be asked, such as a URL with a password, stays unknown.
            let _ = http::plan_digest(&request, added.url, algorithm);
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let digest = Download::of(answered).digest();
        let notes = added(document).find(|added| answered.state == added.step.index().to_le_bytes());
        let Some(added) = notes else { return Outcome::Keep };
        match &added.checksum {
            None => {
                let edit = place::insert_checksum(&added.step, &digest);
                let finding = added.report_missing(report);
                if let Some(edit) = edit {
                    finding.fix("Name the checksum of what it holds today", [edit]);
                }
            }
            Some(Checksum { value: Some(value), place }) if *value != digest => {
                let message = format!("'{}' holds something else than --checksum says: {digest}", added.shown);
                let finding = report.add(*place, message).severity(Severity::Error);
                if place::is_literal(document, *place, value) {
                    finding.unsafe_fix("Name the checksum of what it holds today", [Edit::replace(*place, digest)]);
                }
            }
            Some(_) => {}
        }
        Outcome::Add
    }
}

/// A URL that an ADD downloads.
struct Added<'d> {
    step: Step<'d>,
    place: Span,
    url: &'d str,
    /// As it may be shown: where not all of it is known, as it is written.
    shown: String,
    /// Whether nothing in it is unknown.
    is_exact: bool,
    /// Whether it is the only source, as a checksum demands.
    is_alone: bool,
    checksum: Option<Checksum<'d>>,
}

struct Checksum<'d> {
    /// None where it is not known yet.
    value: Option<&'d str>,
    place: Span,
}

impl Added<'_> {
    fn report_missing<'r>(&self, report: &'r mut Report) -> &'r mut plimsoll_sdk::Finding {
        let advice = if self.is_alone { "" } else { "; give it an ADD of its own with one" };
        report.add(self.place, format!("'{}' is downloaded without a checksum{advice}", self.shown))
    }
}

fn added(document: &Document) -> impl Iterator<Item = Added<'_>> {
    let steps = document.steps().filter(|step| step.keyword() == Keyword::Add && step.is_needed());
    steps.flat_map(|step| {
        let is_alone = step.words().filter(|word| word.source().is_some()).count() == 1;
        let urls = step.words().enumerate().filter(|(_, word)| word.source() == Some(Source::Url));
        urls.filter_map(move |(number, word)| {
            let (place, is_exact) = (place::of_word(&step, number), word.is_exact());
            let url = word.value()?;
            let shown = address::shown(if is_exact { url } else { word.text() }).into_owned();
            Some(Added { step, place, url, shown, is_exact, is_alone, checksum: checksum(&step) })
        })
    })
}

/// The checksum that a step names; an empty one is none.
fn checksum<'d>(step: &Step<'d>) -> Option<Checksum<'d>> {
    let flag = step.flags().find(|flag| flag.name() == "checksum")?;
    let written = step.instruction().and_then(|instruction| {
        instruction.flags().find(|flag| flag.name() == "checksum").and_then(|flag| flag.value_span())
    });
    if flag.is_exact() && flag.value().is_none_or(str::is_empty) {
        return None;
    }
    Some(Checksum { value: flag.value().filter(|_| flag.is_exact()), place: written.unwrap_or(step.span()) })
}
