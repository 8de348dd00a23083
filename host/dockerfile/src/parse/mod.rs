//! The parser: source bytes → [`Tree`], never failing, in one pass.
//!
//! `lines` gives physical lines, `directive` reads the top of the file, `logical` joins what belongs
//! together, `split`, `json` and `heredoc` take it apart again, `check` says what BuildKit would
//! refuse. The driver below follows BuildKit's loop; where BuildKit stops, it notes a problem and goes on.

mod arguments;
mod check;
mod directive;
pub(crate) mod heredoc;
mod json;
mod lines;
mod logical;
pub(crate) mod options;
mod split;
#[cfg(test)]
mod tests;
mod tokens;

use std::ops::Range;

use crate::limits::{LINE_BYTES_MAX, SOURCE_BYTES_MAX};
use crate::span::{Span, offset};
use crate::tree::{
    Comment, DirectiveKind, Heredoc, Instruction, Keyword, Piece, Problem, ProblemKind, Source, Text, Tree,
};
pub(crate) use check::{instruction as check_instruction, is_stage_name, stage_name};
pub use directive::find_directive;
use directive::{Directives, Read};
use lines::{Line, Lines};
use logical::Logical;
pub(crate) use options::suggested;
pub(crate) use tokens::tokens;

/// Parses a Dockerfile. The tree does not own `source`; its accessors take it again.
pub fn parse(source: &[u8]) -> Tree {
    let mut tree = Tree { escape: b'\\', source_len: offset(source.len()), ..Tree::default() };
    if source.len() <= SOURCE_BYTES_MAX {
        tree.reserve(source);
    } else {
        tree.file_problem(ProblemKind::Syntax, format!("file greater than max allowed size of {SOURCE_BYTES_MAX}"), 1);
        return tree;
    }
    let mut parser = Parser {
        source,
        text: str::from_utf8(source).ok(),
        tree,
        lines: Lines::new(source),
        directives: Directives::default(),
        comments_from: 0,
        in_stage: false,
        buffer: String::with_capacity(source.len().min(BUFFER_BYTES_FIRST)),
    };
    while let Some(line) = parser.next_line() {
        parser.line(line);
    }
    parser.finish()
}

struct Parser<'s> {
    source: &'s [u8],
    /// The source as text, if it is UTF-8: then its parts need not be looked at again.
    text: Option<&'s str>,
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
    first_line: u32,
    /// The first empty line among them.
    empty: Option<Span>,
}

impl Parser<'_> {
    #[inline]
    fn next_line(&mut self) -> Option<Line> {
        let line = self.lines.next()?;
        if line.too_long {
            self.too_long(line.content);
        }
        Some(line)
    }

    #[cold]
    fn too_long(&mut self, content: Span) {
        let message = format!("dockerfile line greater than max allowed size of {LINE_BYTES_MAX}");
        self.problem(ProblemKind::Syntax, message, content, self.lines.number);
    }

    /// A line outside any instruction.
    fn line(&mut self, line: Line) {
        let trimmed = lines::trim_start(self.source, line.content);
        match trimmed.of(self.source).first() {
            Some(b'#') => self.comment(line.content, trimmed),
            Some(_) => {
                self.directives.read(self.source, trimmed, b"#");
                let gathered = self.gather(trimmed);
                self.instruction(gathered);
            }
            None => {
                self.directives.read(self.source, trimmed, b"#");
            }
        }
    }

    fn comment(&mut self, content: Span, trimmed: Span) {
        match self.directives.read(self.source, trimmed, b"#") {
            Read::Directive(directive) => {
                self.tree.directives.push(directive);
                if directive.kind == DirectiveKind::Escape {
                    self.escape(directive.value);
                }
                return;
            }
            Read::Duplicate(directive) => {
                let message = format!("only one {} parser directive can be used", directive.kind.as_str());
                self.problem(ProblemKind::Syntax, message, trimmed, self.lines.number);
            }
            Read::Done => {}
        }
        // BuildKit drops one byte, be it the `#` or a blank before it. Of a wide blank all goes.
        let text = Span::new((content.start + 1).max(trimmed.start), content.end);
        let text = lines::trim(self.source, text);
        self.tree.comments.push(Comment { span: trimmed, text, inside: false });
        if text.is_empty() {
            self.comments_from = offset(self.tree.comments.len());
        }
    }

    fn escape(&mut self, value: Span) {
        match value.of(self.source) {
            [escape @ (b'\\' | b'`')] => self.tree.escape = *escape,
            other => {
                let other = String::from_utf8_lossy(other);
                let message = format!("invalid escape token '{other}' does not match ` or \\");
                self.problem(ProblemKind::Syntax, message, value, self.lines.number);
            }
        }
    }

    /// Takes the lines that continue the one that starts with `first`.
    fn gather(&mut self, first: Span) -> Gathered {
        let mut gathered = Gathered {
            segments: offset(self.tree.segments.len())..0,
            comments: self.comments_from..offset(self.tree.comments.len()),
            first_line: self.lines.number,
            empty: None,
        };
        let (segment, mut continues) = lines::split_continuation(self.source, first, self.tree.escape);
        self.tree.segments.push(segment);
        while continues {
            let Some(line) = self.next_line() else { break };
            let trimmed = lines::trim_start(self.source, line.content);
            if trimmed.of(self.source).first() == Some(&b'#') {
                let text = lines::trim(self.source, Span::new(trimmed.start + 1, trimmed.end));
                self.tree.comments.push(Comment { span: trimmed, text, inside: true });
            } else if trimmed.is_empty() {
                gathered.empty.get_or_insert(line.content);
            } else {
                let segment;
                (segment, continues) = lines::split_continuation(self.source, line.content, self.tree.escape);
                self.tree.segments.push(segment);
            }
        }
        gathered.segments.end = offset(self.tree.segments.len());
        gathered
    }

    /// Reads the instruction in the gathered lines, and the heredocs below it.
    fn instruction(&mut self, gathered: Gathered) {
        let index = offset(self.tree.instructions.len());
        let head_line = self.lines.number;
        if let Some(empty) = gathered.empty {
            let message = "Empty continuation line".to_owned();
            let kind = ProblemKind::EmptyContinuation;
            let (line, instruction) = (head_line, Some(index));
            self.tree.problems.push(Problem { kind, message, span: empty, line, instruction });
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let line = Logical::new(&mut self.tree, self.source, self.text, gathered.segments.clone(), &mut buffer);
        let before = self.tree.instructions.len();
        let error = arguments::read(&mut self.tree, self.source, &line, &gathered);
        let takes = error.is_none() && takes_heredocs(&self.tree.instructions[before..]);
        let marked = takes && heredoc::has_marker(line.text);
        let error = error.or_else(|| if marked { self.heredocs(&line) } else { None });
        self.buffer = buffer;
        self.tree.complete(before, self.lines.number);
        self.comments_from = offset(self.tree.comments.len());
        let span = self.tree.instructions[before].span;
        match error {
            Some(message) => self.problem_in(ProblemKind::Syntax, message, span, gathered.first_line, index),
            None => self.check(index),
        }
    }

    /// Reads the bodies of the heredocs that `line` announces.
    fn heredocs(&mut self, line: &Logical<'_>) -> Option<String> {
        let markers = match heredoc::markers(line.text) {
            Ok(markers) => markers,
            Err(message) => return Some(message),
        };
        let mut unterminated = false;
        for (marker, at) in markers {
            let end = at.end as usize;
            // An unquoted name is the end of its marker.
            let name = if line.text[..end].ends_with(&marker.name) && marker.expand {
                line.place(end - marker.name.len()..end)
            } else {
                self.tree.keep(&marker.name, line.span(&self.tree, at.range()))
            };
            let start = self.lines.offset();
            let (mut body, mut terminator) = (Span::new(start, start), None);
            while terminator.is_none() {
                let Some(below) = self.next_line() else { break };
                let text = below.content.of(self.source);
                let tabs = if marker.chomp { text.iter().take_while(|b| **b == b'\t').count() } else { 0 };
                if &text[tabs..] == marker.name.as_bytes() {
                    terminator = Some(below.content);
                } else {
                    body.end = below.next;
                }
            }
            unterminated |= terminator.is_none();
            let heredoc::Marker { fd, expand, chomp, .. } = marker;
            let span = line.span(&self.tree, at.range());
            self.tree.heredocs.push(Heredoc { span, name, fd, expand, chomp, body, terminator });
        }
        unterminated.then(|| "unterminated heredoc".to_owned())
    }

    /// Notes what BuildKit's reading of instructions would refuse.
    fn check(&mut self, index: u32) {
        let instruction = &self.tree.instructions[index as usize];
        let (keyword, span, line) = (instruction.keyword, instruction.span, instruction.lines.0);
        let stray = !self.in_stage && !matches!(keyword, Keyword::From | Keyword::Arg);
        self.in_stage |= keyword == Keyword::From;
        let message = check::instruction(Source { bytes: self.source, text: self.text }, &self.tree, index).err();
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
    /// Makes room for what a usual source of so many lines takes.
    fn reserve(&mut self, source: &[u8]) {
        let lines = source.len() / BYTES_OF_LINE + 1;
        self.instructions = Vec::with_capacity(lines / LINES_OF_INSTRUCTION + ROWS_MORE);
        self.words = Vec::with_capacity(lines / 2 + ROWS_MORE);
        self.segments = Vec::with_capacity(lines);
        self.pieces = Vec::with_capacity(lines);
        self.comments = Vec::with_capacity(lines / LINES_OF_COMMENT + ROWS_MORE);
        // Instructions of more than one line are copied, and they are the long ones.
        self.arena = String::with_capacity(source.len() / 2);
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
        Text { span: Span::new(start, start + len), owned: true }
    }

    /// Fills in what is known once the heredocs are read: the end of the instructions from `before` on.
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

/// Room for one logical line to begin with.
const BUFFER_BYTES_FIRST: usize = 1024;

/// How many bytes of a usual source there are to one line at least, how many lines to one instruction and to
/// one comment, and room for those of a short source.
const BYTES_OF_LINE: usize = 28;
const LINES_OF_INSTRUCTION: usize = 10;
const LINES_OF_COMMENT: usize = 8;
const ROWS_MORE: usize = 4;

/// `ADD`, `COPY` and `RUN` take heredocs, also inside an `ONBUILD`, unless in JSON form.
fn takes_heredocs(read: &[Instruction]) -> bool {
    let inner = match read {
        [onbuild, inner, ..] if onbuild.keyword == Keyword::Onbuild => inner,
        [only, ..] => only,
        [] => return false,
    };
    matches!(inner.keyword, Keyword::Add | Keyword::Copy | Keyword::Run) && !inner.json
}
