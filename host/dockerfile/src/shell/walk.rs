//! The structure that the grammar sees, laid over the text.
//!
//! A [`Text`] → a [`Script`]. The grammar says which constructs there are, in order; the walker goes through
//! the text beside it, finds every token where the structure wants it, and so knows the place of each.
//! What is left over on either side makes the script [`Unknown`].

mod compound;
mod simple;

use rable::ast::{ListOperator, PipeSep};
use rable::{Node, NodeKind};

use super::draft::{Draft, Place};
use super::source::Text;
use super::word::{Inner, Scan};
use super::{CommandKind, Joint, Part, Script, Unknown, Word, WordRole};
use crate::span::Span;

/// A place in a text, and what was found before it.
pub(super) struct Walker<'a> {
    pub text: &'a Text,
    pub at: usize,
    /// Where what is walked ends.
    pub end: usize,
    pub draft: &'a mut Draft,
    /// Here-documents whose bodies begin behind this line.
    pending: Vec<Pending>,
    /// Where the last token ended.
    last: usize,
}

/// A here-document whose body has not come yet.
struct Pending {
    command: u32,
    redirection: usize,
    name: String,
    is_quoted: bool,
    tabs: bool,
}

type Walked<T = ()> = Result<T, Unknown>;

/// Reads a script.
pub(super) fn script(text: &Text) -> Result<Script, Unknown> {
    let nodes = rable::parse(&text.text, false).map_err(|_| Unknown::Syntax)?;
    let mut draft = Draft::default();
    Walker { text, at: 0, end: text.text.len(), draft: &mut draft, pending: Vec::new(), last: 0 }
        .all(&nodes, Place::TOP)?;
    Ok(draft.finish())
}

impl Walker<'_> {
    /// Everything up to the end of the text.
    fn all(&mut self, nodes: &[Node], place: Place) -> Walked {
        let mut place = place;
        for node in nodes {
            self.space(true)?;
            self.sequence(node, place)?;
            place = place.after(Joint::Then);
        }
        self.space(true)?;
        // A here-document may stand on the last line: then its body is empty.
        self.bodies()?;
        if self.at == self.end { Ok(()) } else { Err(Unknown::Syntax) }
    }

    /// Commands joined by `;`, `&` and ends of lines, with what ends the last.
    fn sequence(&mut self, node: &Node, place: Place) -> Walked {
        let mut members = Vec::new();
        flatten(node, &mut members, |operator| matches!(operator, ListOperator::Semi | ListOperator::Background));
        let mut place = place;
        let last = members.len().saturating_sub(1);
        for (index, (member, operator)) in members.into_iter().enumerate() {
            let command = self.and_or(member, place)?;
            place = place.after(Joint::Then);
            match operator {
                Some(ListOperator::Background) => {
                    self.space(false)?;
                    self.token("&")?;
                    if let Some(command) = command {
                        self.draft.commands[command as usize].background = true;
                    }
                    self.space(index != last)?;
                }
                Some(_) => self.separator()?,
                None => {}
            }
        }
        self.space(false)?;
        if self.byte() == Some(b';') && ![";;", ";&"].iter().any(|end| self.starts_with(end)) {
            self.token(";")?;
        }
        Ok(())
    }

    /// `;` or the end of a line, and all blank lines behind.
    fn separator(&mut self) -> Walked {
        self.space(false)?;
        match self.byte() {
            Some(b';') => self.token(";")?,
            Some(b'\n') => {}
            _ => return Err(Unknown::Syntax),
        }
        self.space(true)
    }

    /// Pipelines joined by `&&` and `||`.
    fn and_or(&mut self, node: &Node, place: Place) -> Walked<Option<u32>> {
        let mut members = Vec::new();
        flatten(node, &mut members, |operator| matches!(operator, ListOperator::And | ListOperator::Or));
        if let [(only, None)] = members[..] {
            return self.pipeline(only, place);
        }
        let list = self.open(CommandKind::List, place)?;
        let mut inside = Place::first(list, Part::Body);
        for (member, operator) in members {
            self.pipeline(member, inside)?;
            let Some(operator) = operator else { break };
            let (token, joint) = match operator {
                ListOperator::And => ("&&", Joint::And),
                _ => ("||", Joint::Or),
            };
            self.space(false)?;
            self.token(token)?;
            self.space(true)?;
            inside = inside.after(joint);
        }
        self.close(list)
    }

    /// One pipeline, with `!` or `time` before it.
    fn pipeline(&mut self, node: &Node, place: Place) -> Walked<Option<u32>> {
        self.space(false)?;
        match &node.kind {
            NodeKind::Negation { pipeline } => {
                let start = self.at;
                self.keyword("!")?;
                let negated = self.pipeline(pipeline, place)?.ok_or(Unknown::Syntax)?;
                let span = self.text.place(start, self.last);
                let command = &mut self.draft.commands[negated as usize];
                (command.negated, command.span) = (!command.negated, span);
                Ok(Some(negated))
            }
            NodeKind::Time { pipeline, posix } => {
                self.draft.is_extended = true;
                let time = self.open(CommandKind::Time, place)?;
                self.keyword("time")?;
                if *posix {
                    self.space(false)?;
                    self.keyword("-p")?;
                }
                self.pipeline(pipeline, Place::first(time, Part::Body))?;
                self.close(time)
            }
            NodeKind::Pipeline { commands, separators } => {
                let pipeline = self.open(CommandKind::Pipeline, place)?;
                let mut inside = Place::first(pipeline, Part::Body);
                // `|&` leaves a redirection of its own behind a member that is not simple.
                let mut members = commands.iter().filter(|node| !matches!(node.kind, NodeKind::Redirect { .. }));
                for separator in separators.iter().map(Some).chain([None]) {
                    let member = members.next().ok_or(Unknown::Syntax)?;
                    self.command(member, inside, separator == Some(&PipeSep::PipeBoth))?;
                    let Some(separator) = separator else { break };
                    let (token, joint) = match separator {
                        PipeSep::Pipe => ("|", Joint::Pipe),
                        PipeSep::PipeBoth => ("|&", Joint::PipeBoth),
                    };
                    self.draft.is_extended |= *separator == PipeSep::PipeBoth;
                    self.space(false)?;
                    self.token(token)?;
                    self.space(true)?;
                    inside = inside.after(joint);
                }
                self.close(pipeline)
            }
            _ => self.command(node, place, false),
        }
    }

    /// A command that is about to begin.
    fn open(&mut self, kind: CommandKind, place: Place) -> Walked<u32> {
        self.space(false)?;
        let command = self.draft.command(kind, place);
        let start = self.text.place(self.at, self.at);
        self.draft.commands[command as usize].span = start;
        Ok(command)
    }

    /// The same once its last token is behind.
    fn close(&mut self, command: u32) -> Walked<Option<u32>> {
        let end = self.text.place(self.last.saturating_sub(1), self.last).end;
        let span = &mut self.draft.commands[command as usize].span;
        *span = Span::new(span.start, end);
        Ok(Some(command))
    }

    /// A word that the grammar saw too, and its number.
    fn word(&mut self, command: u32, role: WordRole, value: Option<&str>) -> Walked<u32> {
        self.space(false)?;
        let start = self.at;
        let mut scan = Scan::default();
        self.scan(&mut scan)?;
        let raw = &self.text.text[start..self.at];
        if raw.is_empty() && role != WordRole::Value || value.is_some_and(|value| !is_same(raw, value)) {
            return Err(Unknown::Syntax);
        }
        self.finish_word(command, role, start, scan)
    }

    fn finish_word(&mut self, command: u32, role: WordRole, start: usize, scan: Scan) -> Walked<u32> {
        self.last = self.last.max(self.at);
        let word = Word {
            quoted: scan.is_quoted,
            expands: scan.expands,
            ..Word::plain(self.text.place(start, self.at), role)
        };
        let text = (!scan.is_dynamic).then_some(scan.text.as_str());
        let number = self.draft.word(command, word, text);
        self.uses(command, Some(number), scan)?;
        Ok(number)
    }

    /// The variables and the scripts inside something.
    fn uses(&mut self, command: u32, word: Option<u32>, scan: Scan) -> Walked {
        for (start, end, name) in scan.variables {
            self.draft.variable(self.text.place(start, end), command, word, &name);
        }
        for inner in scan.inner {
            let place = Place { word, ..Place::first(command, Part::Substitution) };
            let (text, start, end, nodes) = match &inner {
                Inner::Part { nodes, start, end } => (self.text, *start, *end, nodes),
                Inner::Unescaped { nodes, text } => (text, 0, text.text.len(), nodes),
            };
            Walker { text, at: start, end, draft: &mut *self.draft, pending: Vec::new(), last: start }
                .all(nodes, place)?;
        }
        Ok(())
    }

    /// Skips blanks, comments and continued ends of lines; with `lines`, other ends of lines too.
    fn space(&mut self, lines: bool) -> Walked {
        loop {
            match self.byte() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.starts_with("\\\n") => self.at += 2,
                Some(b'#') => {
                    let rest = &self.text.text.as_bytes()[self.at..self.end];
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                Some(b'\n') if lines => {
                    self.at += 1;
                    self.bodies()?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Reads the bodies of the here-documents of the line that has just ended.
    fn bodies(&mut self) -> Walked {
        for pending in std::mem::take(&mut self.pending) {
            let start = self.at;
            let mut end = start;
            loop {
                let rest = &self.text.text[self.at..self.end];
                if rest.is_empty() {
                    break;
                }
                let length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
                let line = rest[..length].trim_end_matches('\n');
                self.at += length;
                if if pending.tabs { line.trim_start_matches('\t') } else { line } == pending.name {
                    break;
                }
                end = self.at;
            }
            let behind = self.at;
            self.draft.redirections[pending.redirection].1.body = Some(self.text.place(start, end));
            if !pending.is_quoted {
                let whole = std::mem::replace(&mut self.end, end);
                self.at = start;
                let mut scan = Scan::default();
                self.body(&mut scan)?;
                self.end = whole;
                self.uses(pending.command, None, scan)?;
            }
            self.at = behind;
        }
        Ok(())
    }

    /// The variables and substitutions in a body.
    fn body(&mut self, scan: &mut Scan) -> Walked {
        while let Some(byte) = self.byte() {
            match byte {
                b'\\' => self.at = (self.at + 2).min(self.end),
                b'$' => self.dollar(scan, true)?,
                b'`' => self.backticks(scan, true)?,
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    /// Takes an operator.
    fn token(&mut self, token: &str) -> Walked {
        if !self.starts_with(token) {
            return Err(Unknown::Syntax);
        }
        self.at += token.len();
        self.last = self.at;
        Ok(())
    }

    /// Takes a reserved word.
    fn keyword(&mut self, word: &str) -> Walked {
        self.token(word)?;
        match self.byte() {
            None | Some(b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>') => Ok(()),
            Some(b'\\') if self.starts_with("\\\n") => Ok(()),
            Some(_) => Err(Unknown::Syntax),
        }
    }
}

/// The members of a list that `keep` joins, with the operator behind each. The grammar nests lists to the left.
fn flatten<'n>(node: &'n Node, members: &mut Vec<(&'n Node, Option<ListOperator>)>, keep: fn(ListOperator) -> bool) {
    let mut node = node;
    // The operators and what stands on their right, last first.
    let mut rights = Vec::new();
    while let NodeKind::List { items } = &node.kind
        && let [left, right @ ..] = &items[..]
        && let Some(operator) = left.operator.filter(|operator| keep(*operator))
    {
        rights.push((operator, right.first().map(|item| &item.command)));
        node = &left.command;
    }
    members.push((node, None));
    for (operator, right) in rights.into_iter().rev() {
        if let Some(last) = members.last_mut() {
            // No shell takes `&` and `;` in a row: with `;` for both, the text will not fit.
            last.1 = Some(if last.1.is_none() { operator } else { ListOperator::Semi });
        }
        if let Some(right) = right {
            flatten(right, members, keep);
        }
    }
}

/// Whether a word of the text is what the grammar saw; it drops continued ends of lines, and the blanks of arrays.
fn is_same(raw: &str, value: &str) -> bool {
    raw == value
        || raw.replace("\\\n", "") == value.replace("\\\n", "")
        || raw.contains("=(") && raw.split_whitespace().eq(value.split_whitespace())
}
