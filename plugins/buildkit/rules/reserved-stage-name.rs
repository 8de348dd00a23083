//! A stage should not be called what means something else.

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct ReservedStageName;

const RESERVED: [&str; 2] = ["context", "scratch"];

impl Rule for ReservedStageName {
    const NAME: &'static str = "ReservedStageName";
    const SUMMARY: &'static str = "A stage should not be called scratch or context";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/reserved-stage-name/");

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages() {
            let (Some(name), Some(span)) = (stage.name(), stage.name_span()) else { continue };
            let name = text::lower(&name);
            if RESERVED.contains(&name.as_str()) {
                let place = place::on_first_line(document, stage.from().span(), span);
                let name = text::quoted(&name);
                report.add(place, format!("Stage name should not use the same name as reserved stage {name}"));
            }
        }
    }
}
