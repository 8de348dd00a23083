//! ENV and LABEL should have `=` between name and value.

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct LegacyKeyValueFormat;

impl Rule for LegacyKeyValueFormat {
    const NAME: &'static str = "LegacyKeyValueFormat";
    const SUMMARY: &'static str = "ENV and LABEL should be written with =, not with a blank";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for step in document.steps().filter(|step| matches!(step.keyword(), Keyword::Env | Keyword::Label)) {
            if !step.is_needed() || !step.words().any(|word| word.role() == WordRole::LegacyValue) {
                continue;
            }
            let name = step.name();
            let message = format!("\"{name} key=value\" should be used instead of legacy \"{name} key value\" format");
            let finding = report.add(place::of_arguments(document, &step), message);
            if let Some(edit) = step.instruction().and_then(|instruction| rewrite(document, &instruction)) {
                finding.fix("Write it with =", [edit]);
            }
        }
    }
}

/// `name value` as `name=value`, in quotes where the value needs them.
fn rewrite(document: &Document, instruction: &Instruction) -> Option<Edit> {
    let mut words = instruction.words();
    let (key, value) = (words.next()?, words.next()?);
    let written = value.text();
    let needs_quotes = written.chars().any(char::is_whitespace) && !is_one_quoted(&written, document.escape());
    // A value with quotes or escapes of its own may mean something else in quotes.
    if written.is_empty() || needs_quotes && written.contains(['"', '\'', document.escape()]) {
        return None;
    }
    let quoted = if needs_quotes { format!("\"{written}\"") } else { written.into_owned() };
    let span = Span { start: key.span().start, end: value.span().end };
    if !text::is_whole(&document.text(span)) {
        return None;
    }
    Some(Edit::replace(span, format!("{}={quoted}", key.text())))
}

/// Whether it is in quotes from end to end, and nothing in it ends them earlier.
fn is_one_quoted(text: &str, escape: char) -> bool {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote).map(|inner| !inner.contains([quote, escape]));
    inner('"').or_else(|| inner('\'')).unwrap_or(false)
}
