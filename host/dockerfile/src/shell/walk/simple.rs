//! Simple commands, and redirections wherever they stand.

use rable::{Node, NodeKind};

use super::{Pending, Walked, Walker};
use crate::shell::draft::Place;
use crate::shell::word::Scan;
use crate::shell::{CommandKind, Redirection, RedirectionOperator, Unknown, WordRole};

impl Walker<'_> {
    /// Assignments, words and redirections as they come.
    pub(super) fn simple(
        &mut self,
        assignments: &[Node],
        words: &[Node],
        redirections: &[Node],
        place: Place,
    ) -> Walked<Option<u32>> {
        let command = self.open(CommandKind::Simple, place)?;
        let (mut assignments, mut words, mut redirections) = (assignments.iter(), words.iter(), redirections.iter());
        while assignments.len() + words.len() + redirections.len() > 0 {
            self.space(false)?;
            if self.is_at_redirection() {
                self.redirection(command, redirections.next().ok_or(Unknown::Syntax)?)?;
            } else if let Some(assignment) = assignments.next() {
                self.assignment(command, value(assignment)?)?;
            } else {
                self.word(command, WordRole::Argument, Some(value(words.next().ok_or(Unknown::Syntax)?)?))?;
            }
        }
        self.close(command)
    }

    fn assignment(&mut self, command: u32, whole: &str) -> Walked {
        let start = self.at;
        self.name();
        let name = self.text.place(start, self.at);
        if self.byte() == Some(b'[') {
            self.draft.is_extended = true;
            let rest = &self.text.text[self.at..self.end];
            self.at += rest.find(']').ok_or(Unknown::Syntax)? + 1;
        }
        if self.byte() == Some(b'+') {
            self.draft.is_extended = true;
            self.at += 1;
        }
        self.token("=")?;
        let from = self.at;
        let mut scan = Scan::default();
        self.scan(&mut scan)?;
        if !super::is_same(&self.text.text[start..self.at], whole) {
            return Err(Unknown::Syntax);
        }
        let value = self.finish_word(command, WordRole::Value, from, scan)?;
        self.draft.assignment(command, name, value);
        Ok(())
    }

    /// The redirections behind a compound command.
    pub(super) fn redirections(&mut self, command: u32, nodes: &[Node]) -> Walked {
        for node in nodes {
            self.space(false)?;
            self.redirection(command, node)?;
        }
        Ok(())
    }

    fn redirection(&mut self, command: u32, node: &Node) -> Walked {
        let start = self.at;
        let descriptor = self.descriptor()?;
        let rest = &self.text.text[self.at..self.end];
        let (token, operator) =
            OPERATORS.into_iter().find(|(token, _)| rest.starts_with(token)).ok_or(Unknown::Syntax)?;
        self.token(token)?;
        let is_duplicate =
            matches!(operator, RedirectionOperator::DuplicateInput | RedirectionOperator::DuplicateOutput);
        let is_here = matches!(operator, RedirectionOperator::HereDocument | RedirectionOperator::HereDocumentTabs);
        let seen = match &node.kind {
            NodeKind::HereDoc { .. } if is_here => None,
            // The grammar makes something else of `-`.
            NodeKind::Redirect { .. } if is_duplicate => None,
            NodeKind::Redirect { target, .. } if !is_here => Some(value(target)?),
            _ => return Err(Unknown::Syntax),
        };
        let target = self.word(command, WordRole::Target, seen)?;
        self.draft.is_extended |= match operator {
            RedirectionOperator::HereString
            | RedirectionOperator::OutputAndError
            | RedirectionOperator::AppendOutputAndError => true,
            RedirectionOperator::DuplicateInput | RedirectionOperator::DuplicateOutput => {
                let is_number = |text: &str| text == "-" || text.bytes().all(|byte| byte.is_ascii_digit());
                self.draft.text_of(target).is_some_and(|(text, _)| !is_number(text))
            }
            _ => false,
        };
        let span = self.text.place(start, self.at);
        if is_here {
            let (name, is_quoted) = self.draft.text_of(target).ok_or(Unknown::Syntax)?;
            let (name, tabs) = (name.to_owned(), operator == RedirectionOperator::HereDocumentTabs);
            let redirection = self.draft.redirections.len();
            self.pending.push(Pending { command, redirection, name, is_quoted, tabs });
        }
        self.draft.redirections.push((command, Redirection { span, descriptor, operator, target, body: None }));
        Ok(())
    }

    /// The number before an operator; `{name}` stands for one that is not known.
    fn descriptor(&mut self) -> Walked<Option<u32>> {
        let rest = &self.text.text[self.at..self.end];
        let length = descriptor_length(rest);
        let digits = &rest[..length];
        self.at += length;
        if digits.starts_with('{') {
            self.draft.is_extended = true;
            return Ok(None);
        }
        if digits.is_empty() { Ok(None) } else { digits.parse().map(Some).map_err(|_| Unknown::Syntax) }
    }

    fn is_at_redirection(&self) -> bool {
        let rest = &self.text.text[self.at..self.end];
        let behind = &rest[descriptor_length(rest)..];
        behind.starts_with(['<', '>']) && !matches!(behind.as_bytes().get(1), Some(b'('))
            || rest.starts_with("&>") && behind.len() == rest.len()
    }
}

/// The text of a word that the grammar saw.
pub(super) fn value(node: &Node) -> Walked<&str> {
    match &node.kind {
        NodeKind::Word { value, .. } => Ok(value),
        _ => Err(Unknown::Syntax),
    }
}

/// The length of `2` or `{name}` at the start of a text.
fn descriptor_length(text: &str) -> usize {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let count = |text: &str, inside: fn(u8) -> bool| text.bytes().take_while(|byte| inside(*byte)).count();
    if let Some(name) = text.strip_prefix('{') {
        let length = name.bytes().take_while(|byte| is_name(*byte)).count();
        let is_closed = length > 0 && name[length..].starts_with("}<") || name[length..].starts_with("}>");
        return if is_closed { length + 2 } else { 0 };
    }
    count(text, |byte| byte.is_ascii_digit())
}

/// Longer ones first.
const OPERATORS: [(&str, RedirectionOperator); 12] = [
    ("&>>", RedirectionOperator::AppendOutputAndError),
    ("&>", RedirectionOperator::OutputAndError),
    ("<<<", RedirectionOperator::HereString),
    ("<<-", RedirectionOperator::HereDocumentTabs),
    ("<<", RedirectionOperator::HereDocument),
    ("<&", RedirectionOperator::DuplicateInput),
    ("<>", RedirectionOperator::Both),
    ("<", RedirectionOperator::Input),
    (">>", RedirectionOperator::Append),
    (">&", RedirectionOperator::DuplicateOutput),
    (">|", RedirectionOperator::Clobber),
    (">", RedirectionOperator::Output),
];
