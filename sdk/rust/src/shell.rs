//! What the shell is told: the tables of `wit/…/shell.wit` as typed rows.
//!
//! [`Step::script`] gives the commands of a step, or why there are none;
//! [`Step::script_source`] the text as its shell is given it.

use std::cell::OnceCell;
use std::ops::Range;

pub use crate::bindings::plimsoll::rules::shell::ScriptSource;
use crate::document::{NONE, row};
use crate::{Document, Span, Step, host};

/// The tables of the shell, each pulled at most once.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    strings: OnceCell<String>,
    scripts: OnceCell<Vec<u32>>,
    commands: OnceCell<Vec<u32>>,
    words: OnceCell<Vec<u32>>,
    assignments: OnceCell<Vec<u32>>,
    redirections: OnceCell<Vec<u32>>,
    variables: OnceCell<Vec<u32>>,
}

/// Why a step has no script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It runs no command.
    NoCommand,
    /// What reads it is no shell that is known here, such as PowerShell.
    Interpreter,
    /// The shell would not take it, or what it would make of it cannot be told.
    Syntax,
    /// It is beyond the limits.
    Limit,
}

/// Who reads a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Nobody: the words of an exec form are taken as they are.
    Nobody,
    /// A POSIX shell.
    Posix,
    /// Bash.
    Bash,
    /// The default `sh`, unless the base image, or who inherits a trigger, has
    /// set another.
    Unknown,
}

impl<'d> Step<'d> {
    /// The commands that it runs; of ONBUILD, those that its trigger would.
    ///
    /// # Errors
    /// Why they cannot be told.
    pub fn script(&self) -> Result<Script<'d>, Unknown> {
        let row = row(self.document.shell.scripts.get_or_init(host::shell_scripts), Script::STRIDE, self.index);
        match row[0] {
            1 => Ok(Script { document: self.document, row }),
            0 => Err(Unknown::NoCommand),
            2 => Err(Unknown::Interpreter),
            3 => Err(Unknown::Syntax),
            _ => Err(Unknown::Limit),
        }
    }
}

impl Step<'_> {
    /// The script as its shell is given it; none where no shell that is known reads one.
    pub fn script_source(&self) -> Option<ScriptSource> {
        host::shell_script(self.index)
    }
}

impl ScriptSource {
    /// Where a part of the text stands, from its first character to its last.
    pub fn place(&self, part: Range<usize>) -> Span {
        let [.., start, _] = self.run(part.start);
        let from = self.exact(part.start).unwrap_or(start);
        let to = match part.end.checked_sub(1).filter(|_| part.start < part.end) {
            None => from,
            Some(last) => self.exact(last).map_or(self.run(last)[3], |at| at + 1),
        };
        Span { start: from, end: to.max(from) }
    }

    /// The same where the part stands together in the Dockerfile and reads alike there.
    pub fn exact_place(&self, part: Range<usize>) -> Option<Span> {
        let last = part.end.saturating_sub(1).max(part.start);
        let (start, end) = (self.exact(part.start)?, self.exact(last)?);
        let is_together = self.run(part.start) == self.run(last);
        is_together.then(|| Span { start, end: if part.is_empty() { start } else { end + 1 } })
    }

    /// Where a byte of the text stands, if it corresponds to one.
    fn exact(&self, at: usize) -> Option<u32> {
        let [start, end, from, to] = self.run(at);
        let into = u32::try_from(at).ok()?.checked_sub(start)?;
        (end - start == to - from && into < end - start).then_some(from + into)
    }

    /// The row of a byte of the text; of what lies behind the text, the last.
    fn run(&self, at: usize) -> [u32; 4] {
        let (rows, _) = self.places.as_chunks::<4>();
        let before = rows.partition_point(|row| row[0] as usize <= at);
        rows.get(before.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// The commands of one step.
#[derive(Debug, Clone, Copy)]
pub struct Script<'d> {
    document: &'d Document,
    row: &'d [u32],
}

impl<'d> Script<'d> {
    const STRIDE: u32 = 5;

    /// Who reads it.
    pub fn reader(&self) -> Reader {
        match self.row[1] {
            0 => Reader::Nobody,
            1 => Reader::Posix,
            2 => Reader::Bash,
            _ => Reader::Unknown,
        }
    }

    /// Whether something stands in it that POSIX does not ask of a shell.
    pub fn is_beyond_posix(&self) -> bool {
        self.row[2] & 1 != 0
    }

    /// Whether it is known to be read this way.
    pub fn is_certain(&self) -> bool {
        match self.reader() {
            Reader::Nobody | Reader::Bash => true,
            Reader::Posix => !self.is_beyond_posix(),
            Reader::Unknown => false,
        }
    }

    /// Every command and structure of commands, wherever it stands; parents
    /// before their children.
    pub fn commands(&self) -> impl Iterator<Item = Command<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row[3], self.row[4]);
        (first..first + count).map(move |index| Command { document, index })
    }

    /// The simple commands, wherever they stand.
    pub fn simple_commands(&self) -> impl Iterator<Item = Command<'d>> + use<'d> {
        self.commands().filter(|command| command.kind() == CommandKind::Simple)
    }
}

/// Kinds of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CommandKind {
    /// Words, assignments and redirections.
    Simple,
    /// Members joined by `|`.
    Pipeline,
    /// Members joined by `&&` and `||`.
    List,
    /// `( … )`.
    Subshell,
    /// `{ …; }`.
    Group,
    /// `if`, and `elif` as an `If` in the part [`Part::Else`].
    If,
    While,
    Until,
    For,
    Select,
    Case,
    Function,
    /// `[[ … ]]`.
    Test,
    /// `(( … ))`.
    Arithmetic,
    Time,
    Coprocess,
    /// One that this SDK does not know.
    Other,
}

/// Where in its parent a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// In the body.
    Body,
    /// In the condition.
    Condition,
    /// Behind `else`, or as `elif`.
    Else,
    /// In a word or here-document: `$(…)`, backticks, `<(…)`.
    Substitution,
}

/// What joins a command to the sibling before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// It is the first.
    First,
    /// `;`, `&` or the end of a line.
    Then,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|`.
    Pipe,
    /// `|&`.
    PipeBoth,
    /// Another pattern of a `case`.
    Pattern,
}

/// A command, or a structure of commands.
#[derive(Debug, Clone, Copy)]
pub struct Command<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Command<'d> {
    const STRIDE: u32 = 14;

    /// Its row; greater than its parent's.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// What it is.
    pub fn kind(&self) -> CommandKind {
        use CommandKind::*;
        const KINDS: [CommandKind; 16] = [
            Simple, Pipeline, List, Subshell, Group, If, While, Until, For, Select, Case, Function, Test, Arithmetic,
            Time, Coprocess,
        ];
        KINDS.get(self.row()[0] as usize).copied().unwrap_or(Other)
    }

    /// From its first token to its last, without bodies of here-documents.
    pub fn span(&self) -> Span {
        let row = self.row();
        Span { start: row[1], end: row[2] }
    }

    /// The structure it stands in.
    pub fn parent(&self) -> Option<Command<'d>> {
        let parent = self.row()[3];
        (parent != NONE).then_some(Command { document: self.document, index: parent })
    }

    /// Where in its parent.
    pub fn part(&self) -> Part {
        match self.row()[4] {
            1 => Part::Condition,
            2 => Part::Else,
            3 => Part::Substitution,
            _ => Part::Body,
        }
    }

    /// What joins it to the sibling before it.
    pub fn joint(&self) -> Joint {
        match self.row()[5] {
            0 => Joint::First,
            2 => Joint::And,
            3 => Joint::Or,
            4 => Joint::Pipe,
            5 => Joint::PipeBoth,
            6 => Joint::Pattern,
            _ => Joint::Then,
        }
    }

    /// Whether `!` stands before it.
    pub fn is_negated(&self) -> bool {
        self.row()[6] & 1 != 0
    }

    /// Whether it runs in the background.
    pub fn is_background(&self) -> bool {
        self.row()[6] & 2 != 0
    }

    /// The word of its parent that it is a substitution in.
    pub fn substitution_word(&self) -> Option<Word<'d>> {
        word(self.document, self.row()[7])
    }

    /// Its words, without assignments and redirections.
    pub fn words(&self) -> impl Iterator<Item = Word<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[8], self.row()[9]);
        (first..first + count).map(move |index| Word { document, index }).filter(|word| word.row()[2] == 0)
    }

    /// Its first word, where its text is known: the program of a simple command.
    pub fn name(&self) -> Option<&'d str> {
        self.words().next()?.text()
    }

    /// Assignments before it.
    pub fn assignments(&self) -> impl Iterator<Item = Assignment<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[10], self.row()[11]);
        (first..first + count).map(move |index| Assignment { document, index })
    }

    /// Its redirections.
    pub fn redirections(&self) -> impl Iterator<Item = Redirection<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[12], self.row()[13]);
        (first..first + count).map(move |index| Redirection { document, index })
    }

    /// The variables it uses, those of commands inside it excluded.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'d>> + use<'d> {
        let document = self.document;
        let table = document.shell.variables.get_or_init(host::shell_variables);
        let (rows, _) = table.as_chunks::<{ Variable::STRIDE as usize }>();
        let first = rows.partition_point(|row| row[2] < self.index);
        let count = rows[first..].iter().take_while(|row| row[2] == self.index).count();
        (first..first + count).map(move |index| Variable { document, index: u32::try_from(index).unwrap_or(NONE) })
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.shell.commands.get_or_init(host::shell_commands), Self::STRIDE, self.index)
    }
}

/// A word.
#[derive(Debug, Clone, Copy)]
pub struct Word<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Word<'d> {
    const STRIDE: u32 = 6;

    /// Where it stands, with its quotes.
    pub fn span(&self) -> Span {
        let row = self.row();
        Span { start: row[0], end: row[1] }
    }

    /// Its text without quotes and escapes; none where that is up to the run.
    pub fn text(&self) -> Option<&'d str> {
        let row = self.row();
        (row[4] != NONE).then(|| string(self.document, row[4], row[5]))
    }

    /// Whether a part of it is quoted or escaped.
    pub fn is_quoted(&self) -> bool {
        self.row()[3] & 1 != 0
    }

    /// Whether the shell may make other words of it: it begins with `~`, or has
    /// `*`, `?` or `[…]` outside of quotes.
    pub fn expands(&self) -> bool {
        self.row()[3] & 2 != 0
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.shell.words.get_or_init(host::shell_words), Self::STRIDE, self.index)
    }
}

/// An assignment before a command.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Assignment<'d> {
    const STRIDE: u32 = 3;

    /// Where the name stands.
    pub fn name_span(&self) -> Span {
        let row = self.row();
        Span { start: row[0], end: row[1] }
    }

    /// The value, which may be empty.
    pub fn value(&self) -> Word<'d> {
        Word { document: self.document, index: self.row()[2] }
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.shell.assignments.get_or_init(host::shell_assignments), Self::STRIDE, self.index)
    }
}

/// Operators of redirections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`.
    Input,
    /// `>`.
    Output,
    /// `>>`.
    Append,
    /// `<<`.
    HereDocument,
    /// `<<-`.
    HereDocumentTabs,
    /// `<<<`.
    HereString,
    /// `<&`.
    DuplicateInput,
    /// `>&`.
    DuplicateOutput,
    /// `<>`.
    Both,
    /// `>|`.
    Clobber,
    /// `&>`.
    OutputAndError,
    /// `&>>`.
    AppendOutputAndError,
    /// One that this SDK does not know.
    Other,
}

/// A redirection.
#[derive(Debug, Clone, Copy)]
pub struct Redirection<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Redirection<'d> {
    const STRIDE: u32 = 7;

    /// From the number before the operator to the end of the target.
    pub fn span(&self) -> Span {
        let row = self.row();
        Span { start: row[0], end: row[1] }
    }

    /// The number before the operator.
    pub fn descriptor(&self) -> Option<u32> {
        let descriptor = self.row()[2];
        (descriptor != NONE).then_some(descriptor)
    }

    /// The operator.
    pub fn operator(&self) -> Operator {
        use Operator::*;
        const OPERATORS: [Operator; 12] = [
            Input,
            Output,
            Append,
            HereDocument,
            HereDocumentTabs,
            HereString,
            DuplicateInput,
            DuplicateOutput,
            Both,
            Clobber,
            OutputAndError,
            AppendOutputAndError,
        ];
        OPERATORS.get(self.row()[3] as usize).copied().unwrap_or(Other)
    }

    /// The word behind the operator: a file, a descriptor, the name of a
    /// here-document.
    pub fn target(&self) -> Word<'d> {
        Word { document: self.document, index: self.row()[4] }
    }

    /// The lines of a here-document, without the one that ends it.
    pub fn body_span(&self) -> Option<Span> {
        let row = self.row();
        (row[5] != NONE).then(|| Span { start: row[5], end: row[6] })
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.shell.redirections.get_or_init(host::shell_redirections), Self::STRIDE, self.index)
    }
}

/// One use of a variable by the shell.
#[derive(Debug, Clone, Copy)]
pub struct Variable<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Variable<'d> {
    const STRIDE: u32 = 6;

    /// Its name, without `$` and braces.
    pub fn name(&self) -> &'d str {
        let row = self.row();
        string(self.document, row[4], row[5])
    }

    /// Where it stands, from `$` on.
    pub fn span(&self) -> Span {
        let row = self.row();
        Span { start: row[0], end: row[1] }
    }

    /// The word it stands in; none in a here-document or `(( … ))`.
    pub fn word(&self) -> Option<Word<'d>> {
        word(self.document, self.row()[3])
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.shell.variables.get_or_init(host::shell_variables), Self::STRIDE, self.index)
    }
}

fn word(document: &Document, index: u32) -> Option<Word<'_>> {
    (index != NONE).then_some(Word { document, index })
}

fn string(document: &Document, offset: u32, length: u32) -> &str {
    &document.shell.strings.get_or_init(host::shell_strings)[offset as usize..(offset + length) as usize]
}
