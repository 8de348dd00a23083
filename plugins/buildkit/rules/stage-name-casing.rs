//! Stage names should be lowercase.

use std::collections::BTreeMap;

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct StageNameCasing;

impl Rule for StageNameCasing {
    const NAME: &'static str = "StageNameCasing";
    const SUMMARY: &'static str = "Stage names should be lowercase";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/stage-name-casing/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        let is_lower =
            |stage: &Stage| third_of_three(stage).is_none_or(|word| word.text() == text::lower(&word.text()));
        if document.stages().all(|stage| is_lower(&stage)) {
            return;
        }
        let mut uses = uses(document);
        let stages: Vec<Stage> = document.stages().collect();
        // From the last on, so that a stage that takes a name over has taken its uses already.
        for stage in stages.into_iter().rev() {
            let Some(word) = third_of_three(&stage) else { continue };
            let (name, span) = (word.text(), word.span());
            let lower = text::lower(&name);
            let places = uses.get_mut(&lower).map(|uses| {
                uses.split_off(uses.partition_point(|(instruction, _)| *instruction <= stage.from().index()))
            });
            if name == lower {
                continue;
            }
            let places = places.into_iter().flatten().map(|(_, place)| place);
            let changed = places.filter(|place| document.text(*place) != lower);
            let edits: Vec<Edit> =
                [span].into_iter().chain(changed).map(|place| Edit::replace(place, lower.clone())).collect();
            let place = place::on_first_line(document, stage.from().span(), span);
            let finding = report.add(place, format!("Stage name '{name}' should be lowercase"));
            let is_named = stage.from().word(1).is_some_and(|word| word.text().eq_ignore_ascii_case("as"));
            if is_named {
                finding.fix(format!("Call the stage '{lower}'"), edits);
            }
        }
    }
}

/// What stands where the name of a stage stands, be it a good one or not.
fn third_of_three<'d>(stage: &Stage<'d>) -> Option<Word<'d>> {
    let words: Vec<Word> = stage.from().words().collect();
    <[Word; 3]>::try_from(words).ok().map(|[.., name]| name)
}

/// Where each `COPY --from` and `RUN --mount=from=` names a stage, by the name in
/// lower case, with the instruction's number. BuildKit finds stages in any case
/// there, so that a place that is missed does no harm; FROM finds them in lower
/// case only.
fn uses(document: &Document) -> BTreeMap<String, Vec<(u32, Span)>> {
    let mut uses: BTreeMap<String, Vec<(u32, Span)>> = BTreeMap::new();
    for instruction in document.instructions() {
        for flag in instruction.flags() {
            let (name, Some(value)) = (flag.name(), flag.value_span()) else { continue };
            let place = match instruction.keyword() {
                Keyword::Copy if name == "from" => Some(value),
                Keyword::Run if name == "mount" => from_of_mount(document, value),
                _ => None,
            };
            let Some(place) = place else { continue };
            uses.entry(document.text(place).to_lowercase()).or_default().push((instruction.index(), place));
        }
    }
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
