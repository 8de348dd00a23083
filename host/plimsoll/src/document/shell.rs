//! The tables of `shell.wit`: the scripts of all steps, one after the other.

use std::sync::atomic::Ordering;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::shell::{
    Command, CommandKind, Joint, Part, RedirectionOperator, Script, ScriptSource, Shell, Told, Unknown, Variable, Word,
    WordRole, script_source, scripts,
};

use super::{Meaning, NONE, put};

/// The tables, which share one arena of strings.
#[derive(Default)]
pub struct ShellTables {
    /// `shell.strings`.
    pub strings: String,
    /// `shell.scripts`.
    pub scripts: Vec<u32>,
    /// `shell.commands`.
    pub commands: Vec<u32>,
    /// `shell.words`.
    pub words: Vec<u32>,
    /// `shell.assignments`.
    pub assignments: Vec<u32>,
    /// `shell.redirections`.
    pub redirections: Vec<u32>,
    /// `shell.variables`.
    pub variables: Vec<u32>,
    rows: Rows,
}

/// How many rows the tables have.
#[derive(Default, Clone, Copy)]
struct Rows {
    commands: u32,
    words: u32,
    assignments: u32,
    redirections: u32,
}

impl Meaning {
    /// What the shells are told, read when a rule first asks.
    pub fn shell(&self) -> &ShellTables {
        self.shell.get_or_init(|| {
            self.shell_readings.fetch_add(1, Ordering::Relaxed);
            let mut tables = ShellTables::default();
            for script in scripts(self.document.source(), &self.document.tree, &self.model) {
                tables.add(script);
            }
            tables
        })
    }

    /// `shell.script`; nothing for a step that is not there.
    pub fn script_source(&self, step: u32) -> Option<Option<ScriptSource>> {
        let (source, tree, step) = (self.document.source(), &self.document.tree, self.model.steps.get(step as usize)?);
        let told = self.told.get_or_init(|| Told::new(source, tree, &self.model));
        Some(script_source(source, tree, &self.model, told, step))
    }

    /// How often the tables were read: not at all where no rule asked, else once.
    pub fn shell_readings(&self) -> u32 {
        self.shell_readings.load(Ordering::Relaxed)
    }
}

impl ShellTables {
    fn add(&mut self, script: Result<Script, Unknown>) {
        let first = self.rows.commands;
        let script = match script {
            Ok(script) => script,
            Err(unknown) => {
                let state = match unknown {
                    Unknown::NoCommand => 0,
                    Unknown::Interpreter => 2,
                    Unknown::Syntax => 3,
                    Unknown::Limit => 4,
                };
                return self.scripts.extend([state, 0, 0, first, 0]);
            }
        };
        let shell = match script.shell {
            None => 0,
            Some(Shell::Posix) => 1,
            Some(Shell::Bash) => 2,
            Some(Shell::Unknown) => 3,
        };
        self.scripts.extend([1, shell, u32::from(script.beyond_posix), first, count(&script.commands)]);
        let base = self.rows;
        self.commands.extend(script.commands.iter().flat_map(|command| command_row(base, command)));
        for word in &script.words {
            let row = self.word_row(&script, word);
            self.words.extend(row);
        }
        for assignment in &script.assignments {
            self.assignments.extend([assignment.name.start, assignment.name.end, base.words + assignment.value]);
        }
        for redirection in &script.redirections {
            let Span { start, end } = redirection.span;
            let (body_start, body_end) = redirection.body.map_or((NONE, NONE), |body| (body.start, body.end));
            let (descriptor, operator) = (redirection.descriptor.unwrap_or(NONE), operator(redirection.operator));
            let target = base.words + redirection.target;
            self.redirections.extend([start, end, descriptor, operator, target, body_start, body_end]);
        }
        for variable in &script.variables {
            let row = self.variable_row(base, &script, variable);
            self.variables.extend(row);
        }
        self.rows = Rows {
            commands: base.commands + count(&script.commands),
            words: base.words + count(&script.words),
            assignments: base.assignments + count(&script.assignments),
            redirections: base.redirections + count(&script.redirections),
        };
    }

    fn word_row(&mut self, script: &Script, word: &Word) -> [u32; 6] {
        let role = match word.role {
            WordRole::Argument => 0,
            WordRole::Value => 1,
            WordRole::Target => 2,
        };
        let [text, length] = script.text(word).map_or([NONE, 0], |text| put(&mut self.strings, text));
        let bits = u32::from(word.quoted) | u32::from(word.expands) << 1;
        [word.span.start, word.span.end, role, bits, text, length]
    }

    fn variable_row(&mut self, base: Rows, script: &Script, variable: &Variable) -> [u32; 6] {
        let [name, length] = put(&mut self.strings, script.name(variable));
        let (Span { start, end }, command) = (variable.span, base.commands + variable.command);
        [start, end, command, variable.word.map_or(NONE, |word| base.words + word), name, length]
    }
}

fn command_row(base: Rows, command: &Command) -> [u32; 14] {
    let part = match command.part {
        Part::Body => 0,
        Part::Condition => 1,
        Part::Else => 2,
        Part::Substitution => 3,
    };
    let joint = match command.joint {
        Joint::First => 0,
        Joint::Then => 1,
        Joint::And => 2,
        Joint::Or => 3,
        Joint::Pipe => 4,
        Joint::PipeBoth => 5,
        Joint::Pattern => 6,
    };
    [
        kind(command.kind),
        command.span.start,
        command.span.end,
        command.parent.map_or(NONE, |parent| base.commands + parent),
        part,
        joint,
        u32::from(command.negated) | u32::from(command.background) << 1,
        command.word.map_or(NONE, |word| base.words + word),
        base.words + command.words.start,
        command.words.end - command.words.start,
        base.assignments + command.assignments.start,
        command.assignments.end - command.assignments.start,
        base.redirections + command.redirections.start,
        command.redirections.end - command.redirections.start,
    ]
}

fn kind(kind: CommandKind) -> u32 {
    match kind {
        CommandKind::Simple => 0,
        CommandKind::Pipeline => 1,
        CommandKind::List => 2,
        CommandKind::Subshell => 3,
        CommandKind::Group => 4,
        CommandKind::If => 5,
        CommandKind::While => 6,
        CommandKind::Until => 7,
        CommandKind::For => 8,
        CommandKind::Select => 9,
        CommandKind::Case => 10,
        CommandKind::Function => 11,
        CommandKind::Test => 12,
        CommandKind::Arithmetic => 13,
        CommandKind::Time => 14,
        CommandKind::Coprocess => 15,
    }
}

fn operator(operator: RedirectionOperator) -> u32 {
    match operator {
        RedirectionOperator::Input => 0,
        RedirectionOperator::Output => 1,
        RedirectionOperator::Append => 2,
        RedirectionOperator::HereDocument => 3,
        RedirectionOperator::HereDocumentTabs => 4,
        RedirectionOperator::HereString => 5,
        RedirectionOperator::DuplicateInput => 6,
        RedirectionOperator::DuplicateOutput => 7,
        RedirectionOperator::Both => 8,
        RedirectionOperator::Clobber => 9,
        RedirectionOperator::OutputAndError => 10,
        RedirectionOperator::AppendOutputAndError => 11,
    }
}

fn count<T>(rows: &[T]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(NONE)
}
