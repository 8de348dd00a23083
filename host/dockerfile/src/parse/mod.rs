//! The parser: source bytes → [`Tree`], never failing, in one pass.
//!
//! `lines` gives physical lines, `directive` reads the top of the file, `logical` joins what belongs
//! together, `split`, `json` and `heredoc` take it apart again, `shell_form` reads what need not be joined
//! for that, `check` says what BuildKit would refuse. The driver below follows BuildKit's loop; where
//! BuildKit stops, it notes a problem and goes on.

mod arguments;
mod check;
mod directive;
pub(crate) mod heredoc;
mod json;
mod lines;
mod logical;
pub(crate) mod options;
mod shell_form;
mod split;
#[cfg(test)]
mod tests;
mod tokens;

use std::ops::Range;

use crate::limits::{LINE_BYTES_MAX, SOURCE_BYTES_MAX};
use crate::span::{Span, offset};
use crate::tree::{
    Comment, DirectiveKind, Heredoc, Home, Instruction, Keyword, Piece, Problem, ProblemKind, Source, Text, Tree,
};
pub(crate) use check::{instruction as check_instruction, is_stage_name, stage_name};
pub use directive::find_directive;
use directive::{Directives, Read};
use lines::{Line, Lines};
use logical::Logical;
pub(crate) use options::suggested;
pub(crate) use tokens::tokens;

/// Parses a Dockerfile. The tree does not own `source`; its accessors take it again.
pub fn parse<'s>(source: impl Into<Source<'s>>) -> Tree {
    parse_source(source.into())
}

fn parse_source(source: Source<'_>) -> Tree {
    let mut tree = Tree { escape: b'\\', source_len: offset(source.bytes.len()), ..Tree::default() };
    if source.bytes.len() <= SOURCE_BYTES_MAX {
        tree.reserve(source.bytes.len());
    } else {
        tree.file_problem(ProblemKind::Syntax, format!("file greater than max allowed size of {SOURCE_BYTES_MAX}"), 1);
        return tree;
    }
    let mut parser = Parser {
        source,
        tree,
        lines: Lines::new(source.bytes),
        directives: Directives::default(),
        comments_from: 0,
        in_stage: false,
        buffer: String::new(),
    };
    while let Some(line) = parser.next_line() {
        parser.line(line);
    }
    parser.finish()
}

struct Parser<'s> {
    source: Source<'s>,
    tree: Tree,
    lines: Lines<'s>,
    directives: Directives,
    /// The first comment that belongs to the next instruction.
    comments_from: u32,
    /// Whether a `FROM` has come.
    in_stage: bool,
    buffer: String,
}

/// The physical lines of one instruction, before they are read.
struct Gathered {
    segments: Range<u32>,
    comments: Range<u32>,
    /// The first and the last of them.
    lines: (u32, u32),
    /// The first empty line among them.
    empty: Option<Span>,
}

impl<'s> Parser<'s> {
    // It is asked for from three places, and each line goes through one of them.
    #[inline(always)]
    fn next_line(&mut self) -> Option<Line<'s>> {
        let line = self.lines.next()?;
        if self.lines.too_long {
            self.too_long(line.span());
        }
        Some(line)
    }

    #[cold]
    fn too_long(&mut self, content: Span) {
        self.lines.too_long = false;
        let message = format!("dockerfile line greater than max allowed size of {LINE_BYTES_MAX}");
        self.problem(ProblemKind::Syntax, message, content, self.lines.number);
    }

    /// A line outside any instruction.
    fn line(&mut self, line: Line<'s>) {
        let trimmed = line.trim_start();
        match trimmed.bytes.first() {
            Some(b'#') => self.comment(line, trimmed),
            Some(_) => {
                self.directives.read(trimmed, b"#");
                let gathered = self.gather(trimmed);
                self.instruction(gathered);
            }
            None => {
                self.directives.read(trimmed, b"#");
            }
        }
    }

    fn comment(&mut self, line: Line<'s>, trimmed: Line<'s>) {
        match self.directives.read(trimmed, b"#") {
            Read::Directive(directive) => {
                self.tree.directives.push(directive);
                if directive.kind == DirectiveKind::Escape {
                    self.escape(directive.value);
                }
                return;
            }
            Read::Duplicate(directive) => {
                let message = format!("only one {} parser directive can be used", directive.kind.as_str());
                self.problem(ProblemKind::Syntax, message, trimmed.span(), self.lines.number);
            }
            Read::Done => {}
        }
        // BuildKit drops one byte, be it the `#` or a blank before it. Of a wide blank all goes.
        let text = if trimmed.start > line.start { trimmed } else { trimmed.behind(1) }.trim();
        self.tree.comments.push(Comment { span: trimmed.span(), text: text.span(), inside: false });
        if text.bytes.is_empty() {
            self.comments_from = offset(self.tree.comments.len());
        }
    }

    fn escape(&mut self, value: Span) {
        match value.of(self.source.bytes) {
            [escape @ (b'\\' | b'`')] => self.tree.escape = *escape,
            other => {
                let other = String::from_utf8_lossy(other);
                let message = format!("invalid escape token '{other}' does not match ` or \\");
                self.problem(ProblemKind::Syntax, message, value, self.lines.number);
            }
        }
    }

    /// Takes the lines that continue the one that starts with `first`.
    fn gather(&mut self, first: Line<'s>) -> Gathered {
        let mut gathered = Gathered {
            segments: offset(self.tree.segments.len())..0,
            comments: self.comments_from..offset(self.tree.comments.len()),
            lines: (self.lines.number, self.lines.number),
            empty: None,
        };
        let (segment, mut continues) = first.split_continuation(self.tree.escape);
        self.tree.segments.push(segment.span());
        while continues {
            let Some(line) = self.next_line() else { break };
            let trimmed = line.trim_start();
            match trimmed.bytes.first() {
                Some(b'#') => {
                    let text = trimmed.behind(1).trim().span();
                    self.tree.comments.push(Comment { span: trimmed.span(), text, inside: true });
                }
                Some(_) => {
                    let segment;
                    (segment, continues) = line.split_continuation(self.tree.escape);
                    self.tree.segments.push(segment.span());
                }
                None => {
                    gathered.empty.get_or_insert(line.span());
                }
            }
        }
        gathered.segments.end = offset(self.tree.segments.len());
        gathered.lines.1 = self.lines.number;
        gathered
    }

    /// Reads the instruction in the gathered lines, and the heredocs below it.
    fn instruction(&mut self, gathered: Gathered) {
        let index = offset(self.tree.instructions.len());
        if let Some(empty) = gathered.empty {
            let message = "Empty continuation line".to_owned();
            let kind = ProblemKind::EmptyContinuation;
            let (line, instruction) = (gathered.lines.1, Some(index));
            self.tree.problems.push(Problem { kind, message, span: empty, line, instruction });
        }
        let simple = gathered.segments.len() > 1 && shell_form::read(&mut self.tree, self.source, &gathered);
        let error = if simple { None } else { self.logical_line(&gathered) };
        self.comments_from = offset(self.tree.comments.len());
        match error {
            Some(message) => {
                let span = self.tree.instructions[index as usize].span;
                self.problem_in(ProblemKind::Syntax, message, span, gathered.lines.0, index);
            }
            None => self.check(index),
        }
    }

    /// Joins the lines and reads what they say; the result is the syntax error in it.
    fn logical_line(&mut self, gathered: &Gathered) -> Option<String> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let line = Logical::new(&mut self.tree, self.source, &gathered.segments, &mut buffer);
        let before = self.tree.instructions.len();
        let error = arguments::read(&mut self.tree, self.source, &line, gathered);
        let takes = error.is_none() && takes_heredocs(&self.tree.instructions[before..]);
        let marked = takes && heredoc::has_marker(line.text);
        let error = error.or_else(|| if marked { self.heredocs(&line, before) } else { None });
        self.buffer = buffer;
        error
    }

    /// Reads the bodies of the heredocs that `line` announces, for the instructions from `before` on.
    fn heredocs(&mut self, line: &Logical<'_>, before: usize) -> Option<String> {
        let markers = match heredoc::markers(line.text) {
            Ok(markers) => markers,
            Err(message) => return Some(message),
        };
        let mut unterminated = false;
        for (marker, at) in markers {
            let end = at.end as usize;
            // An unquoted name is the end of its marker.
            let name = if line.text[at.range()].ends_with(&marker.name) && marker.expand {
                line.place(end - marker.name.len()..end)
            } else {
                self.tree.keep(&marker.name, line.span(&self.tree, at.range()))
            };
            let start = self.lines.offset();
            let (mut body, mut terminator) = (Span::new(start, start), None);
            while terminator.is_none() {
                let Some(below) = self.next_line() else { break };
                let text = below.bytes;
                let tabs = if marker.chomp { text.iter().take_while(|b| **b == b'\t').count() } else { 0 };
                if &text[tabs..] == marker.name.as_bytes() {
                    terminator = Some(below.span());
                } else {
                    body.end = self.lines.offset();
                }
            }
            unterminated |= terminator.is_none();
            let heredoc::Marker { fd, expand, chomp, .. } = marker;
            let span = line.span(&self.tree, at.range());
            self.tree.heredocs.push(Heredoc { span, name, fd, expand, chomp, body, terminator });
        }
        self.tree.complete(before, self.lines.number);
        unterminated.then(|| "unterminated heredoc".to_owned())
    }

    /// Notes what BuildKit's reading of instructions would refuse.
    fn check(&mut self, index: u32) {
        let instruction = &self.tree.instructions[index as usize];
        let (keyword, span, line) = (instruction.keyword, instruction.span, instruction.lines.0);
        let stray = !self.in_stage && !matches!(keyword, Keyword::From | Keyword::Arg);
        self.in_stage |= keyword == Keyword::From;
        let message = check::instruction(self.source, &self.tree, index).err();
        let message = message.or_else(|| stray.then(|| "no build stage in current context".to_owned()));
        if let Some(message) = message {
            self.problem_in(ProblemKind::Instruction, message, span, line, index);
        }
    }

    fn finish(mut self) -> Tree {
        let line = self.lines.number;
        if self.tree.instructions.is_empty() {
            self.tree.file_problem(ProblemKind::Syntax, "file with no instructions".into(), line);
        } else if !self.in_stage {
            self.tree.file_problem(ProblemKind::Instruction, "dockerfile contains no stages to build".into(), line);
        }
        self.tree
    }

    fn problem(&mut self, kind: ProblemKind, message: String, span: Span, line: u32) {
        self.tree.problems.push(Problem { kind, message, span, line, instruction: None });
    }

    fn problem_in(&mut self, kind: ProblemKind, message: String, span: Span, line: u32, instruction: u32) {
        self.tree.problems.push(Problem { kind, message, span, line, instruction: Some(instruction) });
    }
}

impl Tree {
    /// Makes room for what a usual source of so many bytes takes.
    fn reserve(&mut self, bytes: usize) {
        self.instructions = Vec::with_capacity(bytes / BYTES_OF_INSTRUCTION + ROWS_MORE);
        self.words = Vec::with_capacity(bytes / BYTES_OF_WORD + ROWS_MORE);
        self.segments = Vec::with_capacity(bytes / BYTES_OF_LINE + ROWS_MORE);
        self.comments = Vec::with_capacity(bytes / BYTES_OF_COMMENT + ROWS_MORE);
    }

    fn file_problem(&mut self, kind: ProblemKind, message: String, line: u32) {
        let span = Span::new(self.source_len, self.source_len);
        self.problems.push(Problem { kind, message, span, line: line.max(1), instruction: None });
    }

    /// Puts a text that the source does not spell into the arena; all of it comes from `span`.
    fn keep(&mut self, text: &str, span: Span) -> Text {
        let start = offset(self.arena.len());
        self.arena.push_str(text);
        let len = offset(text.len());
        self.pieces.push(Piece { text: start, text_len: len, source: span.start, source_len: span.len() });
        Text { span: Span::new(start, start + len), home: Home::Arena, plain: false }
    }

    /// Fills in what is known once heredocs are read: the end of the instructions from `before` on.
    fn complete(&mut self, before: usize, last_line: u32) {
        let heredocs_end = offset(self.heredocs.len());
        for instruction in &mut self.instructions[before..] {
            instruction.heredocs.end = heredocs_end;
            instruction.lines.1 = last_line;
            let below = self.heredocs[instruction.heredocs.start as usize..].last();
            let end = below.map_or(0, |heredoc| heredoc.terminator.unwrap_or(heredoc.body).end);
            instruction.span.end = instruction.span.end.max(end);
        }
    }
}

/// How many bytes of a usual source there are to one row of each kind at least, and room for those of a short one.
const BYTES_OF_INSTRUCTION: usize = 64;
const BYTES_OF_WORD: usize = 32;
const BYTES_OF_LINE: usize = 28;
const BYTES_OF_COMMENT: usize = 224;
const ROWS_MORE: usize = 8;

/// `ADD`, `COPY` and `RUN` take heredocs, also inside an `ONBUILD`, unless in JSON form.
fn takes_heredocs(read: &[Instruction]) -> bool {
    let inner = match read {
        [onbuild, inner, ..] if onbuild.keyword == Keyword::Onbuild => inner,
        [only, ..] => only,
        [] => return false,
    };
    matches!(inner.keyword, Keyword::Add | Keyword::Copy | Keyword::Run) && !inner.json
}
