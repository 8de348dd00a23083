//! Stage names should be unique.

use std::collections::BTreeSet;

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct DuplicateStageName;

impl Rule for DuplicateStageName {
    const NAME: &'static str = "DuplicateStageName";
    const SUMMARY: &'static str = "Stage names should be unique";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/duplicate-stage-name/");

    fn check(&self, document: &Document, report: &mut Report) {
        let mut names = BTreeSet::new();
        for stage in document.stages() {
            let (Some(name), Some(span)) = (stage.name(), stage.name_span()) else { continue };
            let name = text::lower(&name);
            if names.contains(&name) {
                let place = place::on_first_line(document, stage.from().span(), span);
                report
                    .add(place, format!("Duplicate stage name {}, stage names should be unique", text::quoted(&name)));
            }
            names.insert(name);
        }
    }
}
