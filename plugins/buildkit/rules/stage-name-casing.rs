//! Stage names should be lowercase.

use plimsoll_sdk::prelude::*;

use crate::place;

#[derive(Default)]
pub struct StageNameCasing;

impl Rule for StageNameCasing {
    const NAME: &'static str = "StageNameCasing";
    const SUMMARY: &'static str = "Stage names should be lowercase";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/stage-name-casing/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages() {
            let (Some(name), Some(span)) = (stage.name(), stage.name_span()) else { continue };
            let lower = name.to_lowercase();
            if name != lower {
                let place = place::on_first_line(document, stage.from().span(), span);
                let places = [span].into_iter().chain(uses(document, stage.from(), &lower));
                let edits: Vec<Edit> = places.map(|place| Edit::replace(place, lower.clone())).collect();
                let finding = report.add(place, format!("Stage name '{name}' should be lowercase"));
                finding.fix(format!("Call the stage '{lower}'"), edits);
            }
        }
    }
}

/// Where a later `COPY --from` or `RUN --mount=from=` names the stage in a case
/// of its own, up to a stage that takes the name over. BuildKit finds it in any
/// case there, so that a place that is missed does no harm; FROM finds it in
/// lower case only.
fn uses(document: &Document, from: Instruction, lower: &str) -> Vec<Span> {
    let mut uses = Vec::new();
    for instruction in document.instructions().skip(from.index() as usize + 1) {
        let is_named = |word: Word| word.text().to_lowercase() == lower;
        if instruction.keyword() == Keyword::From && instruction.words().nth(2).is_some_and(is_named) {
            break;
        }
        for flag in instruction.flags() {
            let (name, Some(value)) = (flag.name(), flag.value_span()) else { continue };
            uses.extend(match instruction.keyword() {
                Keyword::Copy if name == "from" => Some(value),
                Keyword::Run if name == "mount" => from_of_mount(document, value),
                _ => None,
            });
        }
    }
    uses.retain(|span| document.text(*span) != lower && document.text(*span).to_lowercase() == lower);
    uses
}

/// Where the value of `from` stands in a mount such as `type=bind,from=build`.
fn from_of_mount(document: &Document, mount: Span) -> Option<Span> {
    let mut end = mount.start;
    for field in document.source()[mount.start as usize..mount.end as usize].split(|byte| *byte == b',') {
        let start = end;
        end += u32::try_from(field.len()).ok()?;
        if field.len() > 5 && field[..5].eq_ignore_ascii_case(b"from=") {
            return Some(Span { start: start + 5, end });
        }
        end += 1;
    }
    None
}
