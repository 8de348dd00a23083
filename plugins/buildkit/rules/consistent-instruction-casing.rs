//! All instructions should be in the same case.

use plimsoll_sdk::prelude::*;

use crate::place;

#[derive(Default)]
pub struct ConsistentInstructionCasing;

impl Rule for ConsistentInstructionCasing {
    const NAME: &'static str = "ConsistentInstructionCasing";
    const SUMMARY: &'static str = "All instructions should be in the same case";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        let names: Vec<_> = instructions(document).map(|instruction| (instruction, instruction.name())).collect();
        let lower = names.iter().filter(|(_, name)| **name == name.to_lowercase()).count();
        let upper = names.iter().filter(|(_, name)| **name == name.to_uppercase()).count();
        let (case, majority): (fn(&str) -> String, _) =
            if lower > upper { (str::to_lowercase, "lowercase") } else { (str::to_uppercase, "uppercase") };
        for (instruction, name) in names {
            let recased = case(&name);
            if recased != name {
                let span = instruction.keyword_span();
                let place = place::on_first_line(document, instruction.span(), span);
                let message = format!("Command '{name}' should match the case of the command majority ({majority})");
                let edits = [Edit::replace(span, recased.clone())].into_iter().chain(recase_as(&instruction, case));
                report.add(place, message).fix(format!("Write '{recased}'"), edits.collect::<Vec<_>>());
            }
        }
    }
}

/// Those of stages: neither what stands before the first FROM nor the triggers of
/// ONBUILD, nor what is no instruction.
fn instructions(document: &Document) -> impl Iterator<Item = Instruction<'_>> {
    let of_stages = document.instructions().skip_while(|instruction| instruction.keyword() != Keyword::From);
    of_stages.filter(|instruction| instruction.enclosing().is_none() && instruction.keyword() != Keyword::Unknown)
}

/// What FROM is written in, its AS should be too.
fn recase_as(instruction: &Instruction, case: fn(&str) -> String) -> Option<Edit> {
    let word = instruction.words().nth(1).filter(|_| instruction.keyword() == Keyword::From)?;
    let text = word.text();
    (text.eq_ignore_ascii_case("as") && case(&text) != text).then(|| Edit::replace(word.span(), case(&text)))
}
