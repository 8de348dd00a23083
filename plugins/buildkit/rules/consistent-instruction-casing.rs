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
                report.add(place, message).fix(format!("Write '{recased}'"), [Edit::replace(span, recased)]);
            }
        }
    }
}

/// Those of stages: neither what stands before the first FROM nor the triggers of ONBUILD.
fn instructions(document: &Document) -> impl Iterator<Item = Instruction<'_>> {
    let of_stages = document.instructions().skip_while(|instruction| instruction.keyword() != Keyword::From);
    of_stages.filter(|instruction| instruction.enclosing().is_none())
}
