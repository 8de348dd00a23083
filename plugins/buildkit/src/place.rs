//! Where findings belong: on the line where BuildKit reports them, and there as
//! tight as may be.

use plimsoll_sdk::{Document, Span, Stage, Step};

/// `part`, if it stands on the first line of `whole`, the instruction; else
/// that line.
pub(crate) fn on_first_line(document: &Document, whole: Span, part: Span) -> Span {
    let text = &document.source()[whole.start as usize..whole.end as usize];
    let line = match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => without_continuation(&text[..end], document.escape()),
        None => text,
    };
    let end = whole.start + u32::try_from(line.len()).unwrap_or(0);
    if whole.start <= part.start && part.end <= end { part } else { Span { start: whole.start, end } }
}

/// The keyword of a step; for a trigger, the FROM where it fires.
pub(crate) fn of_keyword(document: &Document, step: &Step) -> Span {
    let part = step.instruction().map(|instruction| instruction.keyword_span());
    on_first_line(document, step.span(), part.unwrap_or(step.span()))
}

/// The arguments of a step; for a trigger, the FROM where it fires.
pub(crate) fn of_arguments(document: &Document, step: &Step) -> Span {
    let part = step.instruction().map(|instruction| instruction.arguments_span());
    on_first_line(document, step.span(), part.unwrap_or(step.span()))
}

/// A word of a step; for a trigger, the FROM where it fires.
pub(crate) fn of_word(document: &Document, step: &Step, word: usize) -> Span {
    let part = step.instruction().and_then(|instruction| Some(instruction.word(word)?.span()));
    on_first_line(document, step.span(), part.unwrap_or(step.span()))
}

/// The `--platform` of a stage.
pub(crate) fn of_platform(document: &Document, stage: &Stage) -> Span {
    let from = stage.from();
    let flag = from.flags().find(|flag| flag.name() == "platform");
    on_first_line(document, from.span(), flag.map_or(from.span(), |flag| flag.span()))
}

fn without_continuation(line: &[u8], escape: char) -> &[u8] {
    let line = line.trim_ascii_end();
    line.strip_suffix(&[escape as u8]).unwrap_or(line).trim_ascii_end()
}
