//! The document of the current call: the tables of `wit/…/document.wit`, each
//! pulled when it is first needed and at most once, seen as typed rows.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::model::Tables;
use crate::{Span, host, shell};

pub(crate) const NONE: u32 = u32::MAX;

/// The Dockerfile that a rule is asked about.
#[derive(Debug, Default)]
pub struct Document {
    source: OnceCell<Vec<u8>>,
    instructions: OnceCell<Vec<u32>>,
    words: OnceCell<Vec<u32>>,
    flags: OnceCell<Vec<u32>>,
    heredocs: OnceCell<Vec<u32>>,
    comments: OnceCell<Vec<u32>>,
    pub(crate) model: Tables,
    pub(crate) shell: shell::Tables,
}

/// What an instruction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Keyword {
    Unknown,
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
}

impl Keyword {
    pub(crate) fn from_number(number: u32) -> Self {
        use Keyword::*;
        const KEYWORDS: [Keyword; 19] = [
            Unknown,
            Add,
            Arg,
            Cmd,
            Copy,
            Entrypoint,
            Env,
            Expose,
            From,
            Healthcheck,
            Label,
            Maintainer,
            Onbuild,
            Run,
            Shell,
            Stopsignal,
            User,
            Volume,
            Workdir,
        ];
        KEYWORDS.get(number as usize).copied().unwrap_or(Unknown)
    }
}

impl Document {
    /// The document of the current call.
    pub fn current() -> Self {
        Self::default()
    }

    /// The file's path as the report shows it.
    pub fn path(&self) -> String {
        host::path()
    }

    /// All bytes of the file.
    pub fn source(&self) -> &[u8] {
        self.source.get_or_init(host::source)
    }

    /// The text of a span; invalid UTF-8 comes as U+FFFD.
    pub fn text(&self, span: Span) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.source()[span.start as usize..span.end as usize])
    }

    /// The text of a span inside one instruction as the build reads it: without
    /// line continuations and what stands between its lines.
    pub fn logical_text(&self, span: Span) -> Cow<'_, str> {
        let text = self.text(span);
        if text.contains('\n') { Cow::Owned(host::logical_text(span)) } else { text }
    }

    /// The escape character of the file.
    pub fn escape(&self) -> char {
        char::from_u32(host::escape()).unwrap_or('\\')
    }

    /// All instructions in file order, triggers of ONBUILD among them.
    pub fn instructions(&self) -> impl Iterator<Item = Instruction<'_>> {
        (0..rows(self.instruction_table(), Instruction::STRIDE)).map(|index| Instruction { document: self, index })
    }

    /// The instruction in this row.
    pub fn instruction(&self, index: u32) -> Instruction<'_> {
        Instruction { document: self, index }
    }

    /// All comments in file order, without those inside heredocs.
    pub fn comments(&self) -> impl Iterator<Item = Comment<'_>> {
        (0..rows(self.comment_table(), Comment::STRIDE)).map(|index| Comment { document: self, index })
    }

    /// Empty lines between the lines of an instruction, the first of each: the
    /// line, and the one where BuildKit reports it.
    pub fn empty_continuations(&self) -> Vec<(Span, Span)> {
        let rows = host::empty_continuations();
        let span = |row: &[u32]| Span { start: row[0], end: row[1] };
        rows.chunks_exact(4).map(|row| (span(&row[..2]), span(&row[2..]))).collect()
    }

    fn comment_table(&self) -> &[u32] {
        self.comments.get_or_init(host::comments)
    }

    fn instruction_table(&self) -> &[u32] {
        self.instructions.get_or_init(host::instructions)
    }
}

/// One instruction.
#[derive(Debug, Clone, Copy)]
pub struct Instruction<'d> {
    pub(crate) document: &'d Document,
    index: u32,
}

impl<'d> Instruction<'d> {
    const STRIDE: u32 = 17;

    /// Its row among the document's instructions.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// What it is.
    pub fn keyword(&self) -> Keyword {
        Keyword::from_number(self.row()[0])
    }

    /// Whether its arguments are a JSON array.
    pub fn is_exec_form(&self) -> bool {
        self.row()[1] & 1 != 0
    }

    /// All of it, from the keyword to the end of its last argument or heredoc.
    pub fn span(&self) -> Span {
        self.span_at(2)
    }

    /// The keyword as written.
    pub fn keyword_span(&self) -> Span {
        self.span_at(4)
    }

    /// What follows the keyword and the flags.
    pub fn arguments_span(&self) -> Span {
        self.span_at(6)
    }

    /// Its words.
    pub fn words(&self) -> impl Iterator<Item = Word<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[8], self.row()[9]);
        (first..first + count).map(move |index| Word { document, index })
    }

    /// One of its words, by its place among them.
    pub fn word(&self, number: usize) -> Option<Word<'d>> {
        let (document, first, count) = (self.document, self.row()[8], self.row()[9]);
        let number = u32::try_from(number).ok().filter(|number| *number < count)?;
        Some(Word { document, index: first + number })
    }

    /// Its flags.
    pub fn flags(&self) -> impl Iterator<Item = Flag<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[10], self.row()[11]);
        (first..first + count).map(move |index| Flag { document, index })
    }

    /// Its heredocs.
    pub fn heredocs(&self) -> impl Iterator<Item = Heredoc<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[12], self.row()[13]);
        (first..first + count).map(move |index| Heredoc { document, index })
    }

    /// The comments above it, back to the last instruction or a comment without text.
    pub fn comments(&self) -> impl DoubleEndedIterator<Item = Comment<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[15], self.row()[16]);
        (first..first + count).map(move |index| Comment { document, index })
    }

    /// The keyword without line continuations.
    pub fn name(&self) -> Cow<'d, str> {
        self.document.logical_text(self.keyword_span())
    }

    /// The ONBUILD that this is the trigger of.
    pub fn enclosing(&self) -> Option<Instruction<'d>> {
        let parent = self.row()[14];
        (parent != NONE).then_some(Instruction { document: self.document, index: parent })
    }

    fn span_at(&self, column: usize) -> Span {
        let row = self.row();
        Span { start: row[column], end: row[column + 1] }
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.instruction_table(), Self::STRIDE, self.index)
    }
}

/// One word of an instruction.
#[derive(Debug, Clone, Copy)]
pub struct Word<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Word<'d> {
    /// Its row among the document's words.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        let row = self.row();
        Span { start: row[0], end: row[1] }
    }

    /// Its text without line continuations, quotes and escapes kept.
    pub fn text(&self) -> Cow<'d, str> {
        if self.row()[2] & 1 != 0 { Cow::Owned(host::word_text(self.index)) } else { self.document.text(self.span()) }
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.words.get_or_init(host::words), 3, self.index)
    }
}

/// One flag, such as `--from=build`.
#[derive(Debug, Clone, Copy)]
pub struct Flag<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Flag<'d> {
    /// All of it.
    pub fn span(&self) -> Span {
        self.span_at(0)
    }

    /// Its name without `--`.
    pub fn name(&self) -> Cow<'d, str> {
        self.document.text(self.span_at(2))
    }

    /// Where its value stands, if it has one.
    pub fn value_span(&self) -> Option<Span> {
        let span = self.span_at(4);
        (span.start != NONE).then_some(span)
    }

    fn span_at(&self, column: usize) -> Span {
        let row = row(self.document.flags.get_or_init(host::flags), 6, self.index);
        Span { start: row[column], end: row[column + 1] }
    }
}

/// One heredoc.
#[derive(Debug, Clone, Copy)]
pub struct Heredoc<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Heredoc<'d> {
    /// Its name, without quotes.
    pub fn name(&self) -> Cow<'d, str> {
        self.document.text(self.span_at(0))
    }

    /// Its lines, without the one that ends it.
    pub fn body_span(&self) -> Span {
        self.span_at(2)
    }

    /// Whether variables in it are expanded.
    pub fn is_expanded(&self) -> bool {
        self.row()[5] & 1 != 0
    }

    fn span_at(&self, column: usize) -> Span {
        let row = self.row();
        Span { start: row[column], end: row[column + 1] }
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.heredocs.get_or_init(host::heredocs), 6, self.index)
    }
}

/// One comment.
#[derive(Debug, Clone, Copy)]
pub struct Comment<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Comment<'d> {
    const STRIDE: u32 = 4;

    /// All of it, from the `#` to the end of the line.
    pub fn span(&self) -> Span {
        self.span_at(0)
    }

    /// Its text, as BuildKit takes it for a description or a directive: behind the
    /// `#`, without blanks around it.
    pub fn text(&self) -> Cow<'d, str> {
        self.document.text(self.span_at(2))
    }

    fn span_at(&self, column: usize) -> Span {
        let row = row(self.document.comment_table(), Self::STRIDE, self.index);
        Span { start: row[column], end: row[column + 1] }
    }
}

pub(crate) fn row(table: &[u32], stride: u32, index: u32) -> &[u32] {
    let start = (index * stride) as usize;
    &table[start..start + stride as usize]
}

pub(crate) fn rows(table: &[u32], stride: u32) -> u32 {
    u32::try_from(table.len()).unwrap_or(u32::MAX) / stride
}
