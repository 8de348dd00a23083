//! A comment above FROM or ARG describes what it defines.

use std::borrow::Cow;

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct InvalidDefinitionDescription;

impl Rule for InvalidDefinitionDescription {
    const NAME: &'static str = "InvalidDefinitionDescription";
    const SUMMARY: &'static str = "A comment above a named FROM or an ARG should begin with the name it describes";
    const URL: Option<&'static str> =
        Some("https://docs.docker.com/go/dockerfile/rule/invalid-definition-description/");
    const OPT_IN: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for instruction in document.instructions().filter(|instruction| instruction.enclosing().is_none()) {
            let (keyword, names) = match instruction.keyword() {
                Keyword::From => ("FROM", stage_name(&instruction).into_iter().collect()),
                Keyword::Arg => ("ARG", argument_names(&instruction)),
                _ => continue,
            };
            let (Some(comment), Some(first)) = (instruction.comments().next_back(), names.first()) else { continue };
            let text = comment.text();
            let described = text.split(' ').next().unwrap_or_default();
            if names.iter().any(|name| name == described) {
                continue;
            }
            let name = if names.len() > 1 { "<arg_key>" } else { first };
            let place = place::on_first_line(document, instruction.span(), instruction.arguments_span());
            let message = format!("Comment for {keyword} should follow the format: `# {name} <description>`");
            report.add(place, message).related(comment.span(), "The comment");
        }
    }
}

fn stage_name<'d>(from: &Instruction<'d>) -> Option<Cow<'d, str>> {
    from.words().nth(2).map(|name| text::lower(&name.text()).into())
}

fn argument_names<'d>(arg: &Instruction<'d>) -> Vec<Cow<'d, str>> {
    let name = |text: Cow<'d, str>| text.split('=').next().unwrap_or_default().to_owned().into();
    arg.words().map(|word| name(word.text())).collect()
}
