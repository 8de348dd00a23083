//! Compound commands: what stands between reserved words and brackets.

use rable::ast::CasePattern;
use rable::{Node, NodeKind};

use super::simple::value;
use super::{Walked, Walker};
use crate::shell::draft::Place;
use crate::shell::word::Scan;
use crate::shell::{CommandKind, Joint, Part, Unknown, WordRole};

impl Walker<'_> {
    /// Any command; behind it `|&` may have left a redirection that is not in the text.
    pub(super) fn command(&mut self, node: &Node, place: Place, is_piped_both: bool) -> Walked<Option<u32>> {
        use CommandKind as Kind;
        match &node.kind {
            NodeKind::Command { assignments, words, redirects } => {
                let written = redirects.len().saturating_sub(usize::from(is_piped_both));
                self.simple(assignments, words, &redirects[..written], place)
            }
            NodeKind::Subshell { body, redirects } => self.enclosed(Kind::Subshell, place, body, redirects),
            NodeKind::BraceGroup { body, redirects } => self.enclosed(Kind::Group, place, body, redirects),
            NodeKind::If { condition, then_body, else_body, redirects } => {
                let command = self.open(Kind::If, place)?;
                self.keyword("if")?;
                self.branches(command, condition, then_body, else_body.as_deref())?;
                self.keyword("fi")?;
                self.end(command, redirects)
            }
            NodeKind::While { condition, body, redirects } => {
                self.repeat(Kind::While, place, condition, body, redirects)
            }
            NodeKind::Until { condition, body, redirects } => {
                self.repeat(Kind::Until, place, condition, body, redirects)
            }
            NodeKind::For { var, words, body, redirects } => {
                self.each(Kind::For, place, var, words.as_deref(), body, redirects)
            }
            NodeKind::Select { var, words, body, redirects } => {
                self.draft.is_extended = true;
                self.each(Kind::Select, place, var, words.as_deref(), body, redirects)
            }
            NodeKind::ForArith { body, redirects, .. } => {
                let command = self.open(Kind::For, place)?;
                self.keyword("for")?;
                self.expression(command)?;
                self.loop_body(command, body)?;
                self.end(command, redirects)
            }
            NodeKind::ArithmeticCommand { redirects, .. } => {
                let command = self.open(Kind::Arithmetic, place)?;
                self.expression(command)?;
                self.end(command, redirects)
            }
            NodeKind::Case { word, patterns, redirects } => self.case(place, word, patterns, redirects),
            NodeKind::Function { name, body } => self.function(place, name, body),
            NodeKind::Coproc { name, command: body } => {
                self.draft.is_extended = true;
                let command = self.open(Kind::Coprocess, place)?;
                self.keyword("coproc")?;
                if let Some(name) = name {
                    self.word(command, WordRole::Argument, Some(name))?;
                }
                self.command(body, Place::first(command, Part::Body), false)?;
                self.close(command)
            }
            NodeKind::ConditionalExpr { body, redirects } => {
                self.draft.is_extended = true;
                let command = self.open(Kind::Test, place)?;
                self.keyword("[[")?;
                self.test(command, body)?;
                self.space(true)?;
                self.keyword("]]")?;
                self.end(command, redirects)
            }
            NodeKind::Empty => Ok(None),
            _ => Err(Unknown::Syntax),
        }
    }

    /// The redirections behind a command, and its end.
    fn end(&mut self, command: u32, redirects: &[Node]) -> Walked<Option<u32>> {
        self.redirections(command, redirects)?;
        self.close(command)
    }

    /// Commands in a part of another.
    fn part(&mut self, command: u32, part: Part, joint: Joint, body: &Node) -> Walked {
        self.space(true)?;
        self.sequence(body, Place::first(command, part).after(joint))?;
        self.space(true)
    }

    fn enclosed(&mut self, kind: CommandKind, place: Place, body: &Node, redirects: &[Node]) -> Walked<Option<u32>> {
        let (open, close) = if kind == CommandKind::Subshell { ("(", ")") } else { ("{", "}") };
        let command = self.open(kind, place)?;
        self.token(open)?;
        self.part(command, Part::Body, Joint::First, body)?;
        self.token(close)?;
        self.end(command, redirects)
    }

    /// From behind `if` or `elif` up to `fi`.
    fn branches(&mut self, command: u32, condition: &Node, then: &Node, other: Option<&Node>) -> Walked {
        self.part(command, Part::Condition, Joint::First, condition)?;
        self.keyword("then")?;
        self.part(command, Part::Body, Joint::First, then)?;
        let Some(other) = other else { return Ok(()) };
        if !self.starts_with("elif") {
            self.keyword("else")?;
            return self.part(command, Part::Else, Joint::First, other);
        }
        let NodeKind::If { condition, then_body, else_body, .. } = &other.kind else { return Err(Unknown::Syntax) };
        let inner = self.open(CommandKind::If, Place::first(command, Part::Else))?;
        self.keyword("elif")?;
        self.branches(inner, condition, then_body, else_body.as_deref())?;
        self.close(inner)?;
        Ok(())
    }

    fn repeat(
        &mut self,
        kind: CommandKind,
        place: Place,
        condition: &Node,
        body: &Node,
        redirects: &[Node],
    ) -> Walked<Option<u32>> {
        let command = self.open(kind, place)?;
        self.keyword(if kind == CommandKind::While { "while" } else { "until" })?;
        self.part(command, Part::Condition, Joint::First, condition)?;
        self.loop_body(command, body)?;
        self.end(command, redirects)
    }

    fn each(
        &mut self,
        kind: CommandKind,
        place: Place,
        variable: &str,
        words: Option<&[Node]>,
        body: &Node,
        redirects: &[Node],
    ) -> Walked<Option<u32>> {
        let command = self.open(kind, place)?;
        self.keyword(if kind == CommandKind::For { "for" } else { "select" })?;
        self.word(command, WordRole::Argument, Some(variable))?;
        self.space(true)?;
        // Without `in`, the grammar puts in what the shell would.
        if self.starts_with("in") {
            self.keyword("in")?;
            for word in words.unwrap_or_default() {
                self.word(command, WordRole::Argument, Some(value(word)?))?;
            }
        }
        self.loop_body(command, body)?;
        self.end(command, redirects)
    }

    /// `do … done`, or braces.
    fn loop_body(&mut self, command: u32, body: &Node) -> Walked {
        self.space(true)?;
        if self.starts_with(";") {
            self.token(";")?;
            self.space(true)?;
        }
        let (open, close) = if self.starts_with("{") { ("{", "}") } else { ("do", "done") };
        self.draft.is_extended |= open == "{";
        self.keyword(open)?;
        self.part(command, Part::Body, Joint::First, body)?;
        self.keyword(close)
    }

    fn case(&mut self, place: Place, word: &Node, patterns: &[CasePattern], redirects: &[Node]) -> Walked<Option<u32>> {
        let command = self.open(CommandKind::Case, place)?;
        self.keyword("case")?;
        self.word(command, WordRole::Argument, Some(value(word)?))?;
        self.space(true)?;
        self.keyword("in")?;
        let mut joint = Joint::First;
        for CasePattern { patterns, body, terminator } in patterns {
            self.space(true)?;
            if self.starts_with("(") {
                self.token("(")?;
            }
            for (index, pattern) in patterns.iter().enumerate() {
                self.space(false)?;
                if index > 0 {
                    self.token("|")?;
                }
                self.word(command, WordRole::Argument, Some(value(pattern)?))?;
            }
            self.space(false)?;
            self.token(")")?;
            if let Some(body) = body {
                self.part(command, Part::Body, joint, body)?;
                joint = Joint::Pattern;
            }
            self.space(true)?;
            // Before `esac` the grammar puts in what is missing.
            if !self.starts_with("esac") {
                self.draft.is_extended |= terminator != ";;";
                self.token(terminator)?;
            }
        }
        self.space(true)?;
        self.keyword("esac")?;
        self.end(command, redirects)
    }

    fn function(&mut self, place: Place, name: &str, body: &Node) -> Walked<Option<u32>> {
        let command = self.open(CommandKind::Function, place)?;
        if self.starts_with("function ") || self.starts_with("function\t") {
            self.draft.is_extended = true;
            self.keyword("function")?;
        }
        self.word(command, WordRole::Argument, Some(name))?;
        // Some shells take other names too.
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.draft.is_extended |= !is_name || name.starts_with(|first: char| first.is_ascii_digit());
        self.space(false)?;
        if self.starts_with("(") {
            let before = self.at;
            self.token("(")?;
            self.space(false)?;
            if self.starts_with(")") {
                self.token(")")?;
            } else {
                // The body of `function name ( … )`.
                self.at = before;
            }
        }
        self.space(true)?;
        self.command(body, Place::first(command, Part::Body), false)?;
        self.close(command)
    }

    /// `(( … ))`.
    fn expression(&mut self, command: u32) -> Walked {
        self.draft.is_extended = true;
        self.space(false)?;
        self.token("((")?;
        let end = self.arithmetic_end(self.at).ok_or(Unknown::Syntax)?;
        let mut scan = Scan::default();
        self.arithmetic(&mut scan, end)?;
        self.last = self.at;
        self.uses(command, None, scan)
    }

    /// The operands between `[[` and `]]`.
    fn test(&mut self, command: u32, node: &Node) -> Walked {
        self.space(true)?;
        match &node.kind {
            NodeKind::CondAnd { left, right } => self.tests(command, left, "&&", right),
            NodeKind::CondOr { left, right } => self.tests(command, left, "||", right),
            NodeKind::CondNot { operand } => {
                self.keyword("!")?;
                self.test(command, operand)
            }
            NodeKind::CondParen { inner } => {
                self.token("(")?;
                self.test(command, inner)?;
                self.space(true)?;
                self.token(")")
            }
            NodeKind::UnaryTest { op, operand } => {
                let value = term(operand)?;
                // A lone operand is taken for that of `-n`.
                if op != "-n" || self.starts_with("-n") && value != "-n" {
                    self.keyword(op)?;
                }
                self.operand(command, value)
            }
            NodeKind::BinaryTest { op, left, right } => {
                self.operand(command, term(left)?)?;
                self.space(true)?;
                self.token(op)?;
                if op == "=~" { self.pattern(command, term(right)?) } else { self.operand(command, term(right)?) }
            }
            _ => Err(Unknown::Syntax),
        }
    }

    fn tests(&mut self, command: u32, left: &Node, operator: &str, right: &Node) -> Walked {
        self.test(command, left)?;
        self.space(true)?;
        self.token(operator)?;
        self.test(command, right)
    }

    /// A regular expression: its grammar is not that of words.
    fn pattern(&mut self, command: u32, value: &str) -> Walked {
        self.space(true)?;
        let start = self.at;
        if !self.starts_with(value) || value.contains(['$', '`', '\\', '"', '\'']) {
            return Err(Unknown::Syntax);
        }
        self.at += value.len();
        let scan = Scan { text: value.to_owned(), ..Scan::default() };
        self.finish_word(command, WordRole::Argument, start, scan).map(drop)
    }

    fn operand(&mut self, command: u32, value: &str) -> Walked {
        self.space(true)?;
        self.word(command, WordRole::Argument, Some(value)).map(drop)
    }
}

fn term(node: &Node) -> Walked<&str> {
    match &node.kind {
        NodeKind::CondTerm { value, .. } => Ok(value),
        _ => Err(Unknown::Syntax),
    }
}
