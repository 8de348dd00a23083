//! Protocols of EXPOSE should be lowercase.

use plimsoll_sdk::prelude::*;

use crate::place;
use crate::port::Port;

#[derive(Default)]
pub struct ExposeProtoCasing;

impl Rule for ExposeProtoCasing {
    const NAME: &'static str = "ExposeProtoCasing";
    const SUMMARY: &'static str = "The protocol in EXPOSE should be lowercase";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/expose-proto-casing/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for (step, word, port) in Port::of_document(document) {
            let Some(protocol) = port.protocol() else { continue };
            if protocol == protocol.to_lowercase() {
                continue;
            }
            let message = format!("Defined protocol '{}' in EXPOSE instruction should be lowercase", port.text);
            let finding = report.add(place::of_word(document, &step, word), message);
            // Where it is written as it is read, and not across lines.
            let written = step.instruction().and_then(|expose| expose.word(word));
            if let Some(span) = written.map(|word| word.span()).filter(|span| document.text(*span) == port.text) {
                let start = span.end - u32::try_from(protocol.len()).unwrap_or(0);
                let lower = protocol.to_lowercase();
                finding.fix(format!("Write '{lower}'"), [Edit::replace(Span { start, ..span }, lower)]);
            }
        }
    }
}
