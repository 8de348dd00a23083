//! A logical line into instructions, flags and words.
//!
//! A [`Logical`] line → rows of the tree's tables, and the syntax error in it. Which words there are
//! depends on the instruction; offsets into the line become texts and spans here.

use std::ops::Range;

use super::Gathered;
use super::json::{self, Array, Characters};
use super::logical::Logical;
use super::split::{self, Place};
use crate::limits::ONBUILD_DEPTH_MAX;
use crate::span::{Span, offset};
use crate::tree::{Flag, Instruction, Keyword, Source, Text, Tree, Word, WordRole};

/// Reads a logical line into the tables: the instruction, and those inside it if it is an `ONBUILD`.
/// The result is the syntax error in it.
pub(super) fn read(tree: &mut Tree, source: Source<'_>, line: &Logical<'_>, gathered: &Gathered) -> Option<String> {
    let mut range = 0..line.text.len();
    let mut parent = None;
    for _ in 0..ONBUILD_DEPTH_MAX {
        let trimmed = split::trim(line.text, range);
        let command = split::command(line.text, trimmed.clone());
        let keyword = Keyword::parse(&line.text[command.keyword.clone()]);
        let flags_from = offset(tree.flags.len());
        let escape = char::from(tree.escape);
        let arguments = if split::may_have_flags(line.text, &command.rest) {
            split::flags(line.text, command.rest, escape, |range, parts| {
                let text = line.assemble(tree, parts);
                let span = line.span(tree, range);
                tree.push_flag(source, span, text);
            })
        } else {
            command.rest
        };
        let heredocs = offset(tree.heredocs.len());
        let words_from = offset(tree.words.len());
        let mut json = false;
        let error = words(tree, line, keyword, arguments.clone(), &mut json);
        tree.instructions.push(Instruction {
            keyword,
            keyword_span: line.span(tree, command.keyword),
            span: whole(tree, line.span(tree, trimmed.clone()), &gathered.segments, parent),
            arguments: line.span(tree, arguments.clone()),
            text: line.place(trimmed),
            json,
            lines: gathered.lines,
            words: words_from..offset(tree.words.len()),
            flags: flags_from..offset(tree.flags.len()),
            heredocs: heredocs..heredocs,
            comments: gathered.comments.clone(),
            segments: gathered.segments.clone(),
            parent,
        });
        if error.is_some() || keyword != Keyword::Onbuild || arguments.is_empty() {
            return error;
        }
        parent = Some(offset(tree.instructions.len() - 1));
        range = arguments;
    }
    None
}

/// The place of an instruction: from its first line on, even where only the escape character stands
/// on that.
fn whole(tree: &Tree, span: Span, segments: &Range<u32>, parent: Option<u32>) -> Span {
    let first = tree.segments[segments.start as usize];
    if parent.is_none() && first.is_empty() { Span::new(first.start, span.end) } else { span }
}

/// Reads the arguments of one instruction into words.
fn words(
    tree: &mut Tree,
    line: &Logical<'_>,
    keyword: Keyword,
    range: Range<usize>,
    json: &mut bool,
) -> Option<String> {
    if range.is_empty() {
        return None;
    }
    match keyword {
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Run | Keyword::Shell => command(tree, line, range, json),
        Keyword::Add | Keyword::Copy | Keyword::Volume => {
            let error = json_words(tree, line, range.start, json);
            if !*json {
                tree.push_words(line, split::plain_words(line.text, range));
            }
            error
        }
        Keyword::Expose | Keyword::From => {
            tree.push_words(line, split::plain_words(line.text, range));
            None
        }
        Keyword::Arg => {
            tree.push_words(line, split::quoted_words(line.text, range, tree.escape));
            None
        }
        Keyword::Env | Keyword::Label => pairs(tree, line, keyword, range),
        Keyword::Healthcheck => {
            let text = &line.text[range.clone()];
            let len = text.find(char::is_whitespace).unwrap_or(text.len());
            tree.push_word(line, range.start..range.start + len, WordRole::Plain);
            let rest = split::trim(line.text, range.start + len..range.end);
            if rest.is_empty() { None } else { command(tree, line, rest, json) }
        }
        Keyword::Maintainer | Keyword::Stopsignal | Keyword::User | Keyword::Workdir => {
            tree.push_word(line, range, WordRole::Whole);
            None
        }
        Keyword::Onbuild | Keyword::Unknown => None,
    }
}

/// A JSON array, or the rest of the line as one text.
fn command(tree: &mut Tree, line: &Logical<'_>, range: Range<usize>, json: &mut bool) -> Option<String> {
    let error = json_words(tree, line, range.start, json);
    if !*json {
        tree.push_word(line, range, WordRole::Whole);
    }
    error
}

fn json_words(tree: &mut Tree, line: &Logical<'_>, start: usize, json: &mut bool) -> Option<String> {
    let before = tree.words.len();
    let array = json::parse(line.text, start, |range, characters| {
        let text = match characters {
            Characters::Plain(range) => line.place(range),
            Characters::Parts(parts) => line.assemble(tree, parts),
        };
        let span = line.span(tree, range);
        tree.words.push(Word { span, text, role: WordRole::Json });
    });
    *json = array == Array::Strings;
    if !*json {
        tree.words.truncate(before);
    }
    let message = "when using JSON array syntax, arrays must be comprised of strings only";
    (array == Array::NotStrings).then(|| message.to_owned())
}

/// `name=value …`, or the legacy `name value`.
fn pairs(tree: &mut Tree, line: &Logical<'_>, keyword: Keyword, range: Range<usize>) -> Option<String> {
    let mut words = split::quoted_words(line.text, range.clone(), tree.escape).peekable();
    let first = words.peek()?.range.clone();
    let bytes = line.text.as_bytes();
    if !bytes[first].contains(&b'=') {
        let command = split::command(line.text, range);
        tree.push_word(line, command.keyword, WordRole::Key);
        if command.rest.is_empty() {
            return Some(format!("{} must have two arguments", keyword.as_str()));
        }
        tree.push_word(line, command.rest, WordRole::LegacyValue);
        return None;
    }
    for Place { range, plain } in words {
        let Some(len) = bytes[range.clone()].iter().position(|b| *b == b'=') else {
            let text = &line.text[range];
            return Some(format!("Syntax error - can't find = in {text:?}. Must be of the form: name=value"));
        };
        let equals = range.start + len;
        tree.push_place(line, Place { range: range.start..equals, plain }, WordRole::Key);
        tree.push_place(line, Place { range: equals + 1..range.end, plain }, WordRole::Value);
    }
    None
}

impl Tree {
    fn push_words(&mut self, line: &Logical<'_>, words: impl IntoIterator<Item = Place>) {
        for word in words {
            self.push_place(line, word, WordRole::Plain);
        }
    }

    fn push_word(&mut self, line: &Logical<'_>, range: Range<usize>, role: WordRole) {
        self.push_place(line, Place { range, plain: false }, role);
    }

    fn push_place(&mut self, line: &Logical<'_>, Place { range, plain }: Place, role: WordRole) {
        let span = line.span(self, range.clone());
        self.words.push(Word { span, text: Text { plain, ..line.place(range) }, role });
    }

    fn push_flag(&mut self, source: Source<'_>, span: Span, text: Text) {
        let flag = self.characters(source, text);
        let (len, equals) = (flag.len(), flag.bytes().position(|b| b == b'='));
        let name = text.slice(FLAG_PREFIX.len(), equals.unwrap_or(len));
        let value = equals.map(|at| text.slice(at + 1, len));
        self.flags.push(Flag { span, text, name, value });
    }
}

const FLAG_PREFIX: &str = "--";
