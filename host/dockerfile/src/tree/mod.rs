//! The syntax tree: flat tables over the source.
//!
//! Source bytes → [`crate::parse`] → [`Tree`]. A tree does not own its source: accessors take it.
//! Every span lies inside the source, and [`Tree::tokens`] concatenate to it. A text is borrowed
//! from the source where the source spells it contiguously, else it lies in the tree's own arena
//! with pieces that lead back to the source, or is joined when somebody asks for it.

mod access;
mod joined;
mod keyword;

use std::ops::Range;

use crate::span::Span;
pub(crate) use joined::Joined;
pub use keyword::Keyword;

/// What one Dockerfile says, as flat tables. Ranges in instructions index into the other tables.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Parser directives at the top of the file, in order.
    pub directives: Vec<Directive>,
    /// The escape character in force: `\` or `` ` ``.
    pub escape: u8,
    /// Every comment, in order, directives excluded.
    pub comments: Vec<Comment>,
    /// Every instruction in order; the instruction inside `ONBUILD` follows its parent.
    pub instructions: Vec<Instruction>,
    /// Arguments of instructions.
    pub words: Vec<Word>,
    /// Flags of instructions.
    pub flags: Vec<Flag>,
    /// Heredocs of instructions.
    pub heredocs: Vec<Heredoc>,
    /// The pieces of source that make up the logical line of each instruction: one for each
    /// physical line, without escape and newline.
    pub segments: Vec<Span>,
    /// What is wrong, in order of the instructions; what concerns the whole file comes last.
    pub problems: Vec<Problem>,
    pub(crate) arena: String,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) joined: Joined,
    pub(crate) source_len: u32,
}

/// A parser directive such as `# escape=\``.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Which one.
    pub kind: DirectiveKind,
    /// The line from `#`, without its newline.
    pub span: Span,
    /// The value, without blanks around it. BuildKit takes `check` and `syntax` up to the first space.
    pub value: Span,
}

/// The directives that BuildKit knows; any other line ends the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DirectiveKind {
    /// `# syntax=`: the frontend image.
    Syntax,
    /// `# escape=`: the escape character.
    Escape,
    /// `# check=`: options of BuildKit's checks.
    Check,
}

/// A comment line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line.
    pub span: Span,
    /// The text as BuildKit attaches it to the next instruction, without blanks around it. Where
    /// blanks precede the `#`, BuildKit's text begins with the `#`.
    pub text: Span,
    /// Whether it stands between the lines of one instruction.
    pub inside: bool,
}

/// One instruction, in its source and in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Which instruction.
    pub keyword: Keyword,
    /// The first word as written.
    pub keyword_span: Span,
    /// From the keyword to the end of the last line, bodies of heredocs included.
    pub span: Span,
    /// What follows keyword and flags, heredoc bodies excluded.
    pub arguments: Span,
    /// The logical line from the keyword on: continuations joined, no blanks around it.
    pub text: Text,
    /// Whether the arguments are a JSON array.
    pub json: bool,
    /// First and last line, from 1; bodies of heredocs count.
    pub lines: (u32, u32),
    /// Its words. For `ENV` and `LABEL` keys and values alternate.
    pub words: Range<u32>,
    /// Its flags.
    pub flags: Range<u32>,
    /// Its heredocs. An `ONBUILD` and the instruction inside it share them.
    pub heredocs: Range<u32>,
    /// The comments that belong to it: those above it, down from the last instruction or bare `#`.
    pub comments: Range<u32>,
    /// The pieces of its logical line.
    pub segments: Range<u32>,
    /// The `ONBUILD` it stands in.
    pub parent: Option<u32>,
}

/// One argument of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it stands, with quotes; continuations inside it are inside the span too.
    pub span: Span,
    /// Its text: quotes and escapes kept, continuations removed; for JSON the string.
    pub text: Text,
    /// Its part in the instruction.
    pub role: WordRole,
}

/// The part a word plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordRole {
    /// One of the words of `FROM`, `ADD`, `COPY`, `ARG`, `EXPOSE`, `VOLUME`, or the type of `HEALTHCHECK`.
    Plain,
    /// The whole of the arguments as one text: shell forms, `WORKDIR`, `USER`, `STOPSIGNAL`, `MAINTAINER`.
    Whole,
    /// A string of the JSON form.
    Json,
    /// The name in `ENV name=value` or `LABEL name=value`.
    Key,
    /// The value after `=`.
    Value,
    /// The value of the legacy form `ENV name value`.
    LegacyValue,
}

/// A flag such as `--from=build`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag as written.
    pub span: Span,
    /// The whole flag with quotes removed.
    pub text: Text,
    /// The name after `--`.
    pub name: Text,
    /// The value after `=`, if there is a `=`.
    pub value: Option<Text>,
}

/// A heredoc: its marker in the instruction, and its body below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The marker, such as `3<<-"EOF"`.
    pub span: Span,
    /// The name without quotes.
    pub name: Text,
    /// The number before `<<`, 0 where there is none.
    pub fd: u32,
    /// Whether variables in the body are expanded: no part of the name is quoted.
    pub expand: bool,
    /// Whether leading tabs are cut off (`<<-`).
    pub chomp: bool,
    /// The body, tabs and newlines kept.
    pub body: Span,
    /// The line that ends it, without its newline; nothing at the end of the file.
    pub terminator: Option<Span>,
}

/// Something wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How wrong.
    pub kind: ProblemKind,
    /// In BuildKit's words, where it has words for it.
    pub message: String,
    /// The place.
    pub span: Span,
    /// The line where BuildKit reports it: the first of the instruction, or for
    /// [`ProblemKind::EmptyContinuation`] the last of its logical line.
    pub line: u32,
    /// The instruction it concerns; nothing when it concerns the file.
    pub instruction: Option<u32>,
}

/// The stage at which BuildKit finds a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The parser stops here; no check of BuildKit has run yet.
    Syntax,
    /// The syntax is fine, but the instruction is not: an unknown instruction or flag, a wrong
    /// number of arguments, no `FROM`. At most one for each instruction.
    Instruction,
    /// An empty line between the lines of an instruction: a warning, nothing stops.
    EmptyContinuation,
}

/// A text that is read through [`Tree::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub(crate) span: Span,
    pub(crate) home: Home,
    /// Whether it is known that expansion leaves it as it is: no variable, quote or escape character in it, and
    /// no marker of a heredoc.
    pub(crate) plain: bool,
}

/// Where the characters of a text lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// In the source.
    Source,
    /// In the arena of the tree.
    Arena,
    /// In the lines that are joined on demand.
    Joined,
}

/// A source: text, or any bytes. That it is text is found out once, or known before: then its parts need not be
/// looked at again.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) text: Option<&'a str>,
}

/// A token of the source: tokens follow each other without gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// Kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// The byte order mark.
    ByteOrderMark,
    /// Blanks.
    Whitespace,
    /// `\n`, or `\r\n`.
    Newline,
    /// A comment line from `#`.
    Comment,
    /// A parser directive from `#`.
    Directive,
    /// The escape character that continues a line, with blanks after it.
    Continuation,
    /// The first word of an instruction.
    Keyword,
    /// A flag.
    Flag,
    /// An argument, or the part of one that stands on one line.
    Word,
    /// The body of a heredoc.
    HeredocBody,
    /// The line that ends a heredoc.
    HeredocEnd,
    /// Anything else: `=` between key and value, brackets and commas of JSON, a lone `--`.
    Other,
}

/// A run of arena bytes and the run of source bytes it came from. Equal lengths correspond byte by byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub text: u32,
    pub text_len: u32,
    pub source: u32,
    pub source_len: u32,
}
