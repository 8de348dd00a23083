//! The tree of any bytes is lossless, and its tables fit together; and so does the model of it.

use std::ops::Range;

use plimsoll_dockerfile::tree::{DirectiveKind, Flag, Heredoc, Instruction, Keyword, Text, TokenKind, Tree, Word};
use plimsoll_dockerfile::{LineIndex, Span, find_directive, parse};

use super::{is_inside, is_within};

/// Parses the bytes and checks tree and model.
pub fn check(source: &[u8]) {
    let tree = parse(source);
    tokens(source, &tree);
    tables(&tree);
    let lines = LineIndex::new(source);
    for index in 0..tree.instructions.len() {
        instruction(source, &tree, &lines, index);
    }
    for pair in top_level(&tree).collect::<Vec<_>>().windows(2) {
        assert!(pair[0].span.end <= pair[1].span.start, "instructions follow each other: {pair:?}");
        assert!(pair[0].lines.1 < pair[1].lines.0, "and so do their lines: {pair:?}");
    }
    comments(source, &tree, &lines);
    problems(source, &tree, &lines);
    super::model::check(source, &tree);
}

/// The tokens are the source.
pub fn tokens(source: &[u8], tree: &Tree) {
    let mut at = 0;
    for token in tree.tokens(source) {
        assert!(token.span.start == at && token.span.end > at, "a gap, an overlap or nothing at {at}: {token:?}");
        at = token.span.end;
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C);
        if matches!(token.kind, TokenKind::Whitespace | TokenKind::Newline) {
            assert!(token.span.of(source).iter().all(blank), "{token:?}");
        }
    }
    assert_eq!(at as usize, source.len(), "tokens end where the source ends");
}

/// Ranges of instructions cut the tables without gap.
fn tables(tree: &Tree) {
    let (mut words, mut flags, mut segments, mut heredocs) = (0, 0, 0, 0);
    for (index, instruction) in tree.instructions.iter().enumerate() {
        follows(&mut words, &instruction.words);
        follows(&mut flags, &instruction.flags);
        match instruction.parent {
            None => {
                follows(&mut segments, &instruction.segments);
                follows(&mut heredocs, &instruction.heredocs);
            }
            Some(parent) => {
                assert_eq!(parent as usize + 1, index, "what is inside an ONBUILD follows it");
                let parent = &tree.instructions[parent as usize];
                assert_eq!(parent.keyword, Keyword::Onbuild);
                assert_eq!(parent.arguments.start, instruction.span.start);
                assert_eq!((&parent.segments, &parent.heredocs), (&instruction.segments, &instruction.heredocs));
                assert_eq!((parent.lines, &parent.comments), (instruction.lines, &instruction.comments));
                assert!(is_within(instruction.span, parent.span), "{instruction:?} in {parent:?}");
            }
        }
    }
    assert_eq!(words as usize, tree.words.len());
    assert_eq!(flags as usize, tree.flags.len());
    assert_eq!(segments as usize, tree.segments.len());
    assert_eq!(heredocs as usize, tree.heredocs.len());
}

fn follows(at: &mut u32, range: &Range<u32>) {
    assert!(range.start == *at && range.end >= *at, "{range:?} behind {at}");
    *at = range.end;
}

fn top_level(tree: &Tree) -> impl Iterator<Item = &Instruction> {
    tree.instructions.iter().filter(|instruction| instruction.parent.is_none())
}

fn instruction(source: &[u8], tree: &Tree, lines: &LineIndex, index: usize) {
    let instruction = &tree.instructions[index];
    let Instruction { span, keyword_span, arguments, .. } = *instruction;
    assert!(is_inside(span, source) && is_within(keyword_span, span), "{instruction:?}");
    // What follows the keyword may be nothing, at the end of the line.
    assert!(is_within(arguments, span) || arguments.is_empty() && is_inside(arguments, source), "{instruction:?}");
    assert!(keyword_span.end <= arguments.start, "{instruction:?}");
    let line = lines.line_of(span.start);
    // An escape character alone may stand on the lines above the keyword.
    assert!(instruction.lines.0 <= line);
    assert!(line <= instruction.lines.1);
    assert!(instruction.lines.0 <= instruction.lines.1 && instruction.lines.1 <= lines.line_count());
    readable(source, tree, instruction.text, span);
    let mut at = keyword_span.end;
    for flag in tree.flags_of(instruction) {
        assert!(at <= flag.span.start && flag.span.end <= arguments.start, "{flag:?} in {instruction:?}");
        at = flag.span.end;
        self::flag(source, tree, flag);
    }
    let mut at = arguments.start;
    for word in tree.words_of(instruction) {
        assert!(at <= word.span.start && is_within(word.span, arguments), "{word:?} in {instruction:?}");
        at = word.span.end;
        self::word(source, tree, word);
    }
    let mut at = span.start;
    for heredoc in tree.heredocs_of(instruction) {
        assert!(at <= heredoc.span.start, "{heredoc:?} in {instruction:?}");
        at = heredoc.span.end;
        self::heredoc(source, tree, instruction, heredoc);
    }
    let bodies = tree.heredocs_of(instruction).windows(2);
    bodies.for_each(|pair| assert!(pair[0].terminator.unwrap_or(pair[0].body).end <= pair[1].body.start, "{pair:?}"));
    let segments = &tree.segments[instruction.segments.start as usize..instruction.segments.end as usize];
    assert!(segments.iter().all(|segment| is_inside(*segment, source)));
    segments.windows(2).for_each(|pair| assert!(pair[0].end <= pair[1].start, "{pair:?}"));
}

/// The text is there, and each of its characters has a place in `span`, in order.
fn readable(source: &[u8], tree: &Tree, text: Text, span: Span) {
    let characters = tree.text(source, text);
    assert_eq!(characters.len(), text.len() as usize, "a text that cannot be read: {text:?}");
    assert_eq!(characters.is_empty(), text.is_empty());
    let mut at = span.start;
    // Long texts are looked at here and there, which keeps the check linear.
    let step = characters.len() / PLACES_MAX + 1;
    for (start, character) in characters.char_indices().step_by(step) {
        let place = tree.source_span(text, start as u32..(start + character.len_utf8()) as u32);
        assert!(at <= place.start && is_within(place, span), "{character:?} at {start} of {characters:?}: {place:?}");
        at = place.start;
    }
}

fn word(source: &[u8], tree: &Tree, word: &Word) {
    assert!(is_inside(word.span, source), "{word:?}");
    readable(source, tree, word.text, word.span);
}

fn flag(source: &[u8], tree: &Tree, flag: &Flag) {
    for text in [Some(flag.text), Some(flag.name), flag.value].into_iter().flatten() {
        readable(source, tree, text, flag.span);
    }
    let text = |text| tree.text(source, text);
    let value = flag.value.map(|value| format!("={}", text(value))).unwrap_or_default();
    assert_eq!(text(flag.text), format!("--{}{value}", text(flag.name)));
}

fn heredoc(source: &[u8], tree: &Tree, instruction: &Instruction, heredoc: &Heredoc) {
    let Heredoc { span, body, terminator, .. } = *heredoc;
    readable(source, tree, heredoc.name, span);
    assert!(is_within(span, instruction.span) && is_within(body, instruction.span), "{heredoc:?} in {instruction:?}");
    assert!(span.end <= body.start && (body.is_empty() || source[body.start as usize - 1] == b'\n'), "{heredoc:?}");
    if let Some(end) = terminator {
        assert!(body.end <= end.start && is_within(end, instruction.span), "{heredoc:?} in {instruction:?}");
        let line = end.of(source);
        assert!(line.ends_with(tree.text(source, heredoc.name).as_bytes()), "{heredoc:?}");
    }
    let content = tree.heredoc_content(source, heredoc);
    assert!(!heredoc.chomp || !content.split('\n').any(|line| line.starts_with('\t')), "{content:?}");
}

fn comments(source: &[u8], tree: &Tree, lines: &LineIndex) {
    let mut at = 0;
    for comment in &tree.comments {
        assert!(comment.span.start >= at && is_inside(comment.span, source), "{comment:?} behind {at}");
        assert!(comment.span.of(source).starts_with(b"#"), "{comment:?}");
        assert!(is_within(comment.text, comment.span), "{comment:?}");
        at = comment.span.end;
    }
    let mut instructions = top_level(tree).peekable();
    for comment in &tree.comments {
        let line = lines.line_of(comment.span.start);
        while instructions.next_if(|instruction| instruction.lines.1 < line).is_some() {}
        let inside = instructions.peek().is_some_and(|instruction| instruction.lines.0 <= line);
        assert_eq!(comment.inside, inside, "{comment:?}");
    }
    let mut end = 0;
    for instruction in top_level(tree) {
        let range = instruction.comments.clone();
        assert!(end <= range.start && range.end as usize <= tree.comments.len(), "{instruction:?}");
        end = range.end;
        let above = tree.comments_of(instruction);
        assert!(above.iter().all(|c| !c.inside && c.span.end <= instruction.span.start), "{instruction:?}");
    }
    directives(source, tree);
}

fn directives(source: &[u8], tree: &Tree) {
    for directive in &tree.directives {
        assert!(is_inside(directive.span, source) && is_within(directive.value, directive.span), "{directive:?}");
    }
    for kind in [DirectiveKind::Syntax, DirectiveKind::Escape, DirectiveKind::Check] {
        if let Some(directive) = find_directive(source, kind) {
            assert!(is_inside(directive.span, source) && is_within(directive.value, directive.span), "{directive:?}");
        }
    }
}

fn problems(source: &[u8], tree: &Tree, lines: &LineIndex) {
    for problem in &tree.problems {
        assert!(is_inside(problem.span, source), "{problem:?}");
        assert!((1..=lines.line_count()).contains(&problem.line), "{problem:?}");
        assert!(!problem.message.is_empty(), "{problem:?}");
        assert!(problem.instruction.is_none_or(|index| (index as usize) < tree.instructions.len()), "{problem:?}");
    }
    if tree.instructions.is_empty() {
        assert!(tree.first_error().is_some(), "a file without instructions is refused");
    }
}

/// Places looked at in one text.
const PLACES_MAX: usize = 256;
