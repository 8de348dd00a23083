//! Branches and downloads that are no longer what they were when they were locked.

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::image::short;
use crate::repository::Repository;
use crate::{address, place};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MovedSource {
    /// Whether what the URLs hold is downloaded, to see whether it is what it was.
    download: bool,
}

/// What the lock digests downloads with.
const ALGORITHM: &str = "sha256";

impl Rule for MovedSource {
    const NAME: &'static str = "moved-source";
    const SUMMARY: &'static str = "What ADD takes from elsewhere should be what the lock says it was";
    const SEVERITY: Severity = Severity::Info;
    const FIXABLE: bool = true;
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "download": {
      "description": "Whether what the URLs hold is downloaded, to see whether it changed; may be much",
      "type": "boolean"
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        from_json(options)
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        for added in added(document) {
            let Some(stage) = added.step.stage() else { continue };
            let request = plan.about(Scope::Stage(stage.index())).with_state(added.notes());
            // What cannot be asked stays unknown.
            let _ = match &added.from {
                From::Web if !self.download => continue,
                From::Web => http::plan_digest(&request, added.source, ALGORITHM),
                From::Git(repository) => git::plan_resolve(&request, repository.remote, &repository.name),
            };
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let Some(added) = added(document).find(|added| answered.state == added.notes()) else { return Outcome::Keep };
        let now = match added.from {
            From::Web => http::Download::of(answered).digest(),
            From::Git(_) => git::commit(answered),
        };
        if now == added.entry.value {
            return Outcome::Keep;
        }
        let (shown, was) = (address::shown(added.source), short(&added.entry.value));
        let message = format!("'{shown}' has changed since it was locked, from {was} to {}", short(&now));
        report.add(added.place, message).entry(&added.entry).renew_entry("Take over into the lock what it is now");
        Outcome::Add
    }
}

/// Something that an ADD takes from elsewhere, which the lock knows and leaves free to change.
struct Added<'d> {
    step: Step<'d>,
    word: u32,
    place: Span,
    source: &'d str,
    from: From<'d>,
    entry: lock::Entry,
}

enum From<'d> {
    Web,
    Git(Repository<'d>),
}

impl Added<'_> {
    fn notes(&self) -> Vec<u8> {
        place::notes(&self.step, self.word)
    }
}

fn added(document: &Document) -> impl Iterator<Item = Added<'_>> {
    let is_free = |step: &Step| {
        let has_checksum = step.flags().any(|flag| flag.name() == "checksum");
        step.keyword() == Keyword::Add && step.is_needed() && !has_checksum
    };
    document.steps().filter(is_free).flat_map(|step| {
        (0u32..).zip(step.words()).filter_map(move |(number, word)| {
            let source = word.value().filter(|_| word.is_exact())?;
            let from = match word.source()? {
                Source::Url => From::Web,
                Source::Git => From::Git(Repository::of(source)),
                _ => return None,
            };
            if matches!(&from, From::Git(repository) if repository.is_pinned()) {
                return None;
            }
            let entry = match &from {
                From::Web => lock::download(source, ALGORITHM),
                From::Git(repository) => lock::commit(repository.remote, &repository.name),
            };
            let entry = entry.filter(|entry| !entry.pinned)?;
            Some(Added { step, word: number, place: place::of_word(&step, number as usize), source, from, entry })
        })
    })
}
