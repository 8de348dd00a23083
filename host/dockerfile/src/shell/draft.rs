//! A script in the making.
//!
//! Commands, words and the rest in the order they are met → a [`Script`] whose tables are grouped by
//! command.

use std::ops::Range;

use super::source::Argument;
use super::{Assignment, Command, CommandKind, Joint, Part, Redirection, Script, Variable, Word, WordRole};
use crate::span::{Span, offset};

/// Tables that grow; each row knows its command.
#[derive(Default)]
pub(super) struct Draft {
    pub commands: Vec<Command>,
    pub redirections: Vec<(u32, Redirection)>,
    words: Vec<(u32, Word)>,
    assignments: Vec<(u32, Assignment)>,
    variables: Vec<Variable>,
    texts: String,
    /// Whether something stands in it that POSIX does not ask of `sh`.
    pub is_extended: bool,
}

/// Where a command hangs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub parent: Option<u32>,
    pub part: Part,
    pub joint: Joint,
    pub word: Option<u32>,
}

impl Place {
    /// At the top of the script.
    pub(super) const TOP: Self = Self { parent: None, part: Part::Body, joint: Joint::First, word: None };

    /// The first in a part of `parent`.
    pub(super) fn first(parent: u32, part: Part) -> Self {
        Self { parent: Some(parent), part, ..Self::TOP }
    }

    /// The same behind another joint.
    pub(super) fn after(self, joint: Joint) -> Self {
        Self { joint, ..self }
    }
}

impl Draft {
    pub(super) fn command(&mut self, kind: CommandKind, place: Place) -> u32 {
        let Place { parent, part, joint, word } = place;
        let (span, negated, background) = (Span::default(), false, false);
        let (words, assignments, redirections) = (0..0, 0..0, 0..0);
        self.commands.push(Command {
            kind,
            span,
            parent,
            part,
            joint,
            negated,
            background,
            word,
            words,
            assignments,
            redirections,
        });
        offset(self.commands.len() - 1)
    }

    /// A word, and its number.
    pub(super) fn word(&mut self, command: u32, word: Word, text: Option<&str>) -> u32 {
        let text = text.map(|text| self.text(text));
        self.words.push((command, Word { text, ..word }));
        offset(self.words.len() - 1)
    }

    pub(super) fn assignment(&mut self, command: u32, name: Span, value: u32) {
        self.assignments.push((command, Assignment { name, value }));
    }

    pub(super) fn variable(&mut self, span: Span, command: u32, word: Option<u32>, name: &str) {
        let name = self.text(name);
        self.variables.push(Variable { span, command, word, name });
    }

    fn text(&mut self, text: &str) -> Span {
        let start = offset(self.texts.len());
        self.texts.push_str(text);
        Span::new(start, offset(self.texts.len()))
    }

    /// What is known of the text of a word, and whether a part of it is quoted.
    pub(super) fn text_of(&self, word: u32) -> Option<(&str, bool)> {
        let (_, word) = self.words.get(word as usize)?;
        Some((self.texts.get(word.text?.range())?, word.quoted))
    }

    /// Groups the rows by command.
    pub(super) fn finish(mut self) -> Script {
        let mut order: Vec<usize> = (0..self.words.len()).collect();
        order.sort_by_key(|index| self.words[*index].0);
        let mut number = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            number[*old] = offset(new);
        }
        let renumber = |word: u32| number.get(word as usize).copied().unwrap_or(word);
        self.words.sort_by_key(|(command, _)| *command);
        self.assignments.sort_by_key(|(command, _)| *command);
        self.redirections.sort_by_key(|(command, _)| *command);
        self.variables.sort_by_key(|variable| variable.command);
        for (index, command) in (0..).zip(&mut self.commands) {
            command.words = range(&self.words, index);
            command.assignments = range(&self.assignments, index);
            command.redirections = range(&self.redirections, index);
            command.word = command.word.map(renumber);
        }
        let assignments = self.assignments.into_iter().map(|(_, row)| Assignment { value: renumber(row.value), ..row });
        let redirections =
            self.redirections.into_iter().map(|(_, row)| Redirection { target: renumber(row.target), ..row });
        let variables = self.variables.into_iter().map(|row| Variable { word: row.word.map(renumber), ..row });
        Script {
            shell: None,
            beyond_posix: self.is_extended,
            commands: self.commands,
            words: self.words.into_iter().map(|(_, word)| word).collect(),
            assignments: assignments.collect(),
            redirections: redirections.collect(),
            variables: variables.collect(),
            texts: self.texts,
        }
    }
}

/// The one command of an exec form: its words are taken as they are.
pub(super) fn exec(words: &[Argument]) -> Script {
    let mut draft = Draft::default();
    let command = draft.command(CommandKind::Simple, Place::TOP);
    for Argument { span, text } in words {
        let word = Word { quoted: true, ..Word::plain(*span, WordRole::Argument) };
        draft.word(command, word, Some(text));
    }
    if let [first, .., last] | [first @ last] = words {
        draft.commands[command as usize].span = Span::new(first.span.start, last.span.end);
    }
    draft.finish()
}

impl Word {
    /// A word without quotes whose text is not set yet.
    pub(super) fn plain(span: Span, role: WordRole) -> Self {
        Self { span, role, quoted: false, expands: false, text: None }
    }
}

fn range<T>(rows: &[(u32, T)], command: u32) -> Range<u32> {
    let start = rows.partition_point(|(of, _)| *of < command);
    offset(start)..offset(rows.partition_point(|(of, _)| *of <= command))
}
