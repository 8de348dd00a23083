//! `RUN` over many lines, read without joining them.
//!
//! The lines of an instruction → a row of the tree's tables, if they are a `RUN` in shell form without flags
//! and heredocs: its one word is what stands behind the keyword. Anything else is read from the joined line,
//! and so is all of which this cannot be seen at once.

use super::{Gathered, split};
use crate::span::{Span, offset};
use crate::tree::{Home, Instruction, Keyword, Source, Text, Tree, Word, WordRole};

/// Reads the lines into the tables; `false` where they are to be joined.
pub(super) fn read(tree: &mut Tree, source: Source<'_>, gathered: &Gathered) -> bool {
    let Some(text) = source.text else { return false };
    let segments = &tree.segments[gathered.segments.start as usize..gathered.segments.end as usize];
    let [first, .., last] = segments else { return false };
    let command = split::command(text, first.range());
    let keyword_span = Span::new(first.start, offset(command.keyword.end));
    if Keyword::parse(&text[command.keyword]) != Keyword::Run || keyword_span == *first {
        return false;
    }
    let Some((arguments, before)) = find_arguments(text, keyword_span.len(), segments) else { return false };
    let span = Span::new(first.start, last.end);
    if !is_simple(text, Span::new(arguments, last.end)) || may_have_heredoc(&text[span.range()], tree.escape) {
        return false;
    }
    let line = tree.joined.add(&gathered.segments, &tree.segments);
    let whole = Text { span: line, home: Home::Joined, plain: false };
    let arguments = Span::new(arguments, last.end);
    let (words, flags, heredocs) = (offset(tree.words.len()), offset(tree.flags.len()), offset(tree.heredocs.len()));
    let argument = whole.slice(before as usize, line.len() as usize);
    tree.words.push(Word { span: arguments, text: argument, role: WordRole::Whole });
    tree.instructions.push(Instruction {
        keyword: Keyword::Run,
        keyword_span,
        span,
        arguments,
        text: whole,
        json: false,
        lines: gathered.lines,
        words: words..words + 1,
        flags: flags..flags,
        heredocs: heredocs..heredocs,
        comments: gathered.comments.clone(),
        segments: gathered.segments.clone(),
        parent: None,
    });
    true
}

/// Where behind the first `keyword` bytes something other than blanks begins, and how much of the joined line
/// stands before it.
fn find_arguments(text: &str, keyword: u32, segments: &[Span]) -> Option<(u32, u32)> {
    let (mut skip, mut before) = (keyword, 0);
    for segment in segments {
        let rest = text.as_bytes().get((segment.start + skip) as usize..segment.end as usize)?;
        let blanks = offset(rest.iter().take_while(|b| split::is_blank(**b)).count());
        if (blanks as usize) < rest.len() {
            return Some((segment.start + skip + blanks, before + skip + blanks));
        }
        before += segment.len();
        skip = 0;
    }
    None
}

/// Whether arguments begin and end with characters that are no blanks, and with neither a flag nor an array.
fn is_simple(text: &str, arguments: Span) -> bool {
    let bytes = arguments.of(text.as_bytes());
    matches!(bytes, [b'!'..=b',' | b'.'..=b'Z' | b'\\'..=b'~', .., b'!'..=b'~'])
}

/// Whether there may be a `<<` once the lines are joined.
fn may_have_heredoc(text: &str, escape: u8) -> bool {
    let bytes = text.as_bytes();
    let goes_on = |at: usize| bytes.get(at + 1).is_some_and(|b| *b == b'<' || *b == escape);
    memchr::memchr_iter(b'<', bytes).any(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    /// The argument of the first instruction, and whether it is joined on demand.
    #[track_caller]
    fn check(source: &str, argument: &str, on_demand: bool) {
        let tree = parse(source);
        let instruction = &tree.instructions[0];
        let [word] = tree.words_of(instruction) else { panic!("{source}") };
        assert_eq!(tree.text(source.as_bytes(), word.text), argument, "{source}");
        assert_eq!(instruction.text.home == Home::Joined, on_demand, "{source}");
        // What is asked for in pieces comes from where it stands.
        let all = tree.text(source.as_bytes(), instruction.text);
        for (at, c) in all.char_indices() {
            let place = tree.source_span(instruction.text, offset(at)..offset(at + c.len_utf8()));
            assert_eq!(&source[place.range()], c.to_string(), "{at} in {source}");
        }
    }

    #[test]
    fn joined_on_demand() {
        check("RUN a \\\n  b", "a   b", true);
        check("run \\\n# c\n\n\ta < b;\\\r\n\u{e9} \\\n d\n", "\ta < b;\u{e9}  d".trim_start(), true);
        check("RUN \\\n \\\n ab\nRUN c \\\n d", "ab", true);
    }

    #[test]
    fn joined_at_once() {
        check("RUN a", "a", false);
        check("RU\\\nN a \\\n b", "a  b", false);
        check("RUN\\\n a", "a", false);
        check("RUN --network=none \\\n a", "a", false);
        check("RUN [\\\n\"a\"]", "a", false);
        check("RUN a <\\\n<b\nb\n", "a <<b", false);
        check("RUN a \\\n b ", "a  b", false);
        check("CMD a \\\n b", "a  b", false);
    }
}
