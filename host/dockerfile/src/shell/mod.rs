//! What the shell is told: the commands in `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK`.
//!
//! Source, [`Tree`], [`Model`] and its steps → for each step a [`Script`] with spans into the Dockerfile,
//! or why there is none. `source` finds the text and the way back, `interpreter` who reads it, a shell
//! grammar its structure; `walk` and `word` lay that structure over the text, token by token. A script
//! whose tokens do not add up to its text is [`Unknown`]: nothing here is a guess.

mod ahead;
mod count;
mod draft;
mod interpreter;
mod source;
#[cfg(test)]
mod tests;
mod told;
mod walk;
mod word;

use std::ops::Range;

use crate::limits::{SHELL_SCRIPT_BYTES_MAX, SHELL_STACK_BYTES, SHELL_WORK_MAX};
use crate::model::{Model, Step};
use crate::span::Span;
use crate::tree::Tree;
use count::Count;
use source::{Origin, Text};
pub use told::Told;

/// A script as flat tables. Spans are places in the Dockerfile; for a trigger of a base image, all are
/// that of `FROM`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Who reads it; none for an exec form, which no shell reads.
    pub shell: Option<Shell>,
    /// Whether something stands in it that POSIX does not ask of a shell: one that is no Bash may refuse
    /// it, or take it for something else.
    pub beyond_posix: bool,
    /// Every command and every structure of commands; a parent stands before its children.
    pub commands: Vec<Command>,
    /// Words, by command.
    pub words: Vec<Word>,
    /// Assignments, by command.
    pub assignments: Vec<Assignment>,
    /// Redirections, by command.
    pub redirections: Vec<Redirection>,
    /// Uses of variables, by command.
    pub variables: Vec<Variable>,
    texts: String,
}

/// Who reads a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shell {
    /// A POSIX shell: `sh`, `dash`, BusyBox, a Korn shell.
    Posix,
    /// Bash.
    Bash,
    /// The default `sh`, unless the base image, or who inherits the trigger, has set another.
    Unknown,
}

/// A command, or a structure of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Which.
    pub kind: CommandKind,
    /// From its first token to its last; bodies of here-documents are not inside.
    pub span: Span,
    /// The structure it stands in.
    pub parent: Option<u32>,
    /// Where in its parent.
    pub part: Part,
    /// What joins it to the sibling before it in the same part.
    pub joint: Joint,
    /// Whether `!` stands before it.
    pub negated: bool,
    /// Whether it runs in the background (`&`).
    pub background: bool,
    /// For [`Part::Substitution`], the word of its parent that it stands in.
    pub word: Option<u32>,
    /// Its words. A loop has its variable first, then what it runs over; `case` what it looks at, then
    /// the patterns; a function its name; `[[ … ]]` its operands.
    pub words: Range<u32>,
    /// Its assignments.
    pub assignments: Range<u32>,
    /// Its redirections.
    pub redirections: Range<u32>,
}

/// Kinds of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum CommandKind {
    /// Words, assignments and redirections, at least one of them.
    Simple,
    /// Members joined by `|`.
    Pipeline,
    /// Members joined by `&&` and `||`, which bind equally.
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
    /// `time` before a pipeline.
    Time,
    /// `coproc`.
    Coprocess,
}

/// Where in its parent a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The body: members, what a loop repeats, what follows `then` or a pattern.
    Body,
    /// The condition of `if`, `while` and `until`.
    Condition,
    /// What follows `else`, and `elif`.
    Else,
    /// A substitution in one of its words: `$(…)`, backticks, `<(…)`, also in a here-document.
    Substitution,
}

/// What joins a command to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// Another pattern of a `case` stands between them.
    Pattern,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// With its quotes.
    pub span: Span,
    /// What it is for.
    pub role: WordRole,
    /// Whether a part of it is quoted or escaped, as every word of an exec form.
    pub quoted: bool,
    /// Whether the shell may make other words of it: it begins with `~`, or has `*`, `?` or `[…]` outside of quotes.
    pub expands: bool,
    text: Option<Span>,
}

/// What a word is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordRole {
    /// One of the words of the command.
    Argument,
    /// The value of an assignment.
    Value,
    /// The target of a redirection, or the name of a here-document.
    Target,
}

/// `name=value` before a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: Span,
    /// The word that is its value, which may be empty.
    pub value: u32,
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// From the number before the operator to the end of the target.
    pub span: Span,
    /// The number before the operator.
    pub descriptor: Option<u32>,
    /// The operator.
    pub operator: RedirectionOperator,
    /// The word behind the operator.
    pub target: u32,
    /// The lines of a here-document, without the one that ends it.
    pub body: Option<Span>,
}

/// Operators of redirections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum RedirectionOperator {
    /// `<`
    Input,
    /// `>`
    Output,
    /// `>>`
    Append,
    /// `<<`
    HereDocument,
    /// `<<-`
    HereDocumentTabs,
    /// `<<<`
    HereString,
    /// `<&`
    DuplicateInput,
    /// `>&`
    DuplicateOutput,
    /// `<>`
    Both,
    /// `>|`
    Clobber,
    /// `&>`
    OutputAndError,
    /// `&>>`
    AppendOutputAndError,
}

/// One use of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// From `$` on, with braces.
    pub span: Span,
    /// The command it belongs to.
    pub command: u32,
    /// The word it stands in; none in a here-document or `(( … ))`.
    pub word: Option<u32>,
    name: Span,
}

/// What a shell is given at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptSource {
    /// The shell by name: `sh`, `ash`, `dash`, `ksh`, `mksh` or `bash`.
    pub shell: &'static str,
    /// Its options, as SHELL, an exec form or `#!` gives them.
    pub options: Vec<String>,
    /// The script.
    pub text: String,
    /// Runs of the text, in order and without gap, each with its place in the Dockerfile. Equal lengths
    /// correspond byte by byte.
    pub places: Vec<(Span, Span)>,
}

/// Why there is no script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// The step runs no command.
    NoCommand,
    /// What reads it is no shell that is known here.
    Interpreter,
    /// The shell would not take it, or what it would make of it cannot be told.
    Syntax,
    /// It is larger or more involved than the limits allow.
    Limit,
}

/// The scripts of all steps of a model, in order. `source` must be what the tree was parsed from.
pub fn scripts(source: &[u8], tree: &Tree, model: &Model) -> Vec<Result<Script, Unknown>> {
    let (mut work, told) = (SHELL_WORK_MAX, Told::new(source, tree, model));
    let origins = model.steps.iter().map(|step| source::origin(source, tree, model, &told, step));
    origins.map(|origin| script(&origin?, &mut work)).collect()
}

/// The script of one step as its shell is given it; nothing where no shell that is known here reads one.
pub fn script_source(source: &[u8], tree: &Tree, model: &Model, told: &Told, step: &Step) -> Option<ScriptSource> {
    match source::origin(source, tree, model, told, step).ok()? {
        Origin::Words(_) => None,
        Origin::Script { text, reader } => Some(ScriptSource {
            shell: reader.program.name,
            options: reader.options,
            places: text.places().collect(),
            text: text.text,
        }),
    }
}

fn script(origin: &Origin, work: &mut usize) -> Result<Script, Unknown> {
    let (text, shell) = match origin {
        Origin::Words(words) => return Ok(draft::exec(words)),
        Origin::Script { text, reader } => (text, reader.program.shell),
    };
    let count = Count::of(&text.text);
    let cost = count.cost(text.text.len());
    if text.text.len() > SHELL_SCRIPT_BYTES_MAX || count.is_beyond() || cost > *work {
        return Err(Unknown::Limit);
    }
    *work -= cost;
    let parsed = if count.is_small() { parsed(text) } else { parsed_aside(text) };
    parsed.map(|script| Script { shell: Some(shell), ..script })
}

/// The script on this thread's stack. The grammar is not ours: should it panic after all, the script
/// is unknown.
fn parsed(text: &Text) -> Result<Script, Unknown> {
    std::panic::catch_unwind(|| walk::script(text)).unwrap_or(Err(Unknown::Limit))
}

/// The same on a stack that is deep enough for whatever passes the limits.
fn parsed_aside(text: &Text) -> Result<Script, Unknown> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(SHELL_STACK_BYTES);
        let thread = builder.spawn_scoped(scope, || walk::script(text)).map_err(|_| Unknown::Limit)?;
        thread.join().unwrap_or(Err(Unknown::Limit))
    })
}

impl Script {
    /// Whether it is known to be read this way.
    pub fn is_certain(&self) -> bool {
        match self.shell {
            None | Some(Shell::Bash) => true,
            Some(Shell::Posix) => !self.beyond_posix,
            Some(Shell::Unknown) => false,
        }
    }

    /// The words of a command that are neither values nor targets.
    pub fn arguments(&self, command: &Command) -> impl Iterator<Item = &Word> {
        self.words_of(command).iter().filter(|word| word.role == WordRole::Argument)
    }

    /// All words of a command.
    pub fn words_of(&self, command: &Command) -> &[Word] {
        self.words.get(command.words.start as usize..command.words.end as usize).unwrap_or_default()
    }

    /// What a word is when quotes and escapes are removed; nothing where that is up to the run.
    pub fn text(&self, word: &Word) -> Option<&str> {
        word.text.map(|span| self.texts.get(span.range()).unwrap_or_default())
    }

    /// The name of a variable.
    pub fn name(&self, variable: &Variable) -> &str {
        self.texts.get(variable.name.range()).unwrap_or_default()
    }
}
