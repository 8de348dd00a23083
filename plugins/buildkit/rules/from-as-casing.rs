//! `AS` should be in the case of its `FROM`.

use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct FromAsCasing;

impl Rule for FromAsCasing {
    const NAME: &'static str = "FromAsCasing";
    const SUMMARY: &'static str = "AS should be in the case of its FROM";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/from-as-casing/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        let froms = document.instructions().filter(|i| i.keyword() == Keyword::From && i.enclosing().is_none());
        for instruction in froms {
            // Whatever stands there, and whether the name behind it is a good one.
            let words: Vec<Word> = instruction.words().collect();
            let [_, keyword, _, ..] = words[..] else { continue };
            let (from, word, span) = (instruction.name(), keyword.text(), keyword.span());
            let Some(recased) = text::case(&from).map(|case| case(&word)) else { continue };
            if recased != word {
                let place = place::on_first_line(document, instruction.span(), span);
                let finding = report.add(place, format!("'{word}' and '{from}' keywords' casing do not match"));
                if words.len() == 3 && word.eq_ignore_ascii_case("as") {
                    finding.fix(format!("Write '{recased}'"), [Edit::replace(span, recased)]);
                }
            }
        }
    }
}
