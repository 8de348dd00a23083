//! No empty lines between the lines of an instruction.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct NoEmptyContinuation;

impl Rule for NoEmptyContinuation {
    const NAME: &'static str = "NoEmptyContinuation";
    const SUMMARY: &'static str = "An instruction should have no empty lines between its lines";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/");
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for (first, reported) in document.empty_continuations() {
            let finding = report.add(reported, "Empty continuation line");
            finding.related(first, "The first empty line");
            finding.fix("Remove the empty lines", empty_lines(document, first.start, reported.start));
        }
    }
}

/// Removes the empty lines between two places.
fn empty_lines(document: &Document, mut start: u32, end: u32) -> Vec<Edit> {
    let mut edits = Vec::new();
    for line in document.source()[start as usize..end as usize].split_inclusive(|byte| *byte == b'\n') {
        let end = start + u32::try_from(line.len()).unwrap_or(0);
        if line.trim_ascii().is_empty() {
            edits.push(Edit::replace(Span { start, end }, ""));
        }
        start = end;
    }
    edits
}
