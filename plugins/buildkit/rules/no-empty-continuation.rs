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
            finding.fix("Remove the empty lines", empty_lines(document, first.start, reported.end));
        }
    }
}

/// Removes the empty lines from one place to the end of the line of another, which
/// is an empty one too where the file ends.
fn empty_lines(document: &Document, mut start: u32, last: u32) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let source = document.source();
    let end = source[last as usize..].iter().position(|byte| *byte == b'\n');
    let end = end.map_or(source.len(), |end| last as usize + end + 1);
    for line in source[start as usize..end].split_inclusive(|byte| *byte == b'\n') {
        let end = start + u32::try_from(line.len()).unwrap_or(0);
        if line.trim_ascii().is_empty() {
            match edits.last_mut() {
                Some(edit) if edit.span.end == start => edit.span.end = end,
                _ => edits.push(Edit::replace(Span { start, end }, "")),
            }
        }
        start = end;
    }
    edits
}
