//! Substitutions: `$name`, `${name}`, and the forms with an operator.
//!
//! A pass that stands at `$` → the text that takes its place, and a note of the variable. What a
//! nested word says is computed whether or not it is used, as BuildKit does it.

use std::borrow::Cow;

use super::glob::Glob;
use super::lexer::{Failure, Pass, fail, limit};
use super::{ReferenceForm, VariableReference};
use crate::limits::EXPANSION_DEPTH_MAX;
use crate::span::{Span, offset};

impl<'a> Pass<'a, '_> {
    /// `$name`, `${name}` or one of the forms with an operator.
    pub(super) fn dollar(&mut self) -> Result<Cow<'a, str>, Failure> {
        let start = self.at;
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok(Cow::Borrowed("$"));
            }
            let value = self.look_up(start, name, ReferenceForm::Plain);
            return Ok(match value {
                None if self.lexer.skip_unset => Cow::Borrowed(&self.word[start..self.at]),
                value => Cow::Borrowed(value.unwrap_or_default()),
            });
        }
        self.next();
        match self.peek() {
            None => return Err(fail("syntax error: missing '}'".into())),
            Some('{' | '}' | ':') => return Err(fail("syntax error: bad substitution".into())),
            Some(_) => {}
        }
        if self.depth == EXPANSION_DEPTH_MAX {
            return Err(limit(&format!("substitutions are nested more than {EXPANSION_DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let value = self.braced(start);
        self.depth -= 1;
        value
    }

    fn braced(&mut self, start: usize) -> Result<Cow<'a, str>, Failure> {
        let name = self.name();
        let operator = self.at;
        match self.next() {
            Some('}') => {
                let value = self.look_up(start, name, ReferenceForm::Plain);
                Ok(match value {
                    None if self.lexer.skip_unset => Cow::Owned(format!("${{{}}}", self.text(name))),
                    value => Cow::Borrowed(value.unwrap_or_default()),
                })
            }
            Some(':') => {
                let modifier = self.next();
                if matches!(modifier, Some('#' | '%')) {
                    return Err(unsupported(&self.word[operator..self.at]));
                }
                self.modified(start, name, operator, modifier, true)
            }
            modifier @ Some('+' | '-' | '?' | '#' | '%') => self.modified(start, name, operator, modifier, false),
            Some('/') => self.replaced(start, name),
            Some(_) => Err(unsupported(&self.word[operator..self.at])),
            None => Err(unsupported("\u{FFFD}")),
        }
    }

    /// `${name-word}` and its kin, from behind the operator.
    fn modified(
        &mut self,
        start: usize,
        name: Span,
        operator: usize,
        modifier: Option<char>,
        null_is_unset: bool,
    ) -> Result<Cow<'a, str>, Failure> {
        let operator = &self.word[operator..self.at];
        let trims = matches!(modifier, Some('#' | '%'));
        let word = self.nested('}', trims, "'}'")?;
        let form = match modifier {
            Some('-') => ReferenceForm::Default,
            Some('+') => ReferenceForm::Alternative,
            Some('?') => ReferenceForm::Required,
            Some('#' | '%') => ReferenceForm::Trim,
            _ => ReferenceForm::Plain,
        };
        let value = self.look_up(start, name, form);
        if value.is_none() && self.lexer.skip_unset {
            return Ok(Cow::Owned(format!("${{{}{operator}{word}}}", self.text(name))));
        }
        let present = value.filter(|value| !(null_is_unset && value.is_empty()));
        match (form, modifier) {
            (ReferenceForm::Default, _) => Ok(present.map_or(Cow::Owned(word), Cow::Borrowed)),
            (ReferenceForm::Alternative, _) => Ok(Cow::Owned(present.map(|_| word).unwrap_or_default())),
            (ReferenceForm::Required, _) => present.map(Cow::Borrowed).ok_or_else(|| {
                let state = if value.is_none() { "unset" } else { "empty" };
                let reason = if word.is_empty() { format!("is not allowed to be {state}") } else { word };
                fail(format!("{}: {reason}", self.text(name)))
            }),
            (ReferenceForm::Trim, Some(side)) => {
                self.trimmed(value.unwrap_or_default(), &word, side).map(Cow::Borrowed)
            }
            _ => Err(unsupported(operator)),
        }
    }

    /// A doubled operator (its second character begins the word) matches as much as possible.
    fn trimmed(&mut self, value: &'a str, word: &str, side: char) -> Result<&'a str, Failure> {
        let (greedy, pattern) = match word.strip_prefix(side) {
            Some(pattern) => (true, pattern),
            None => (false, word),
        };
        let glob = Glob::parse(pattern).map_err(|reason| invalid(pattern, &reason))?;
        let cut =
            if side == '#' { glob.prefix(value, greedy, self.work) } else { glob.suffix(value, greedy, self.work) };
        cut.ok_or_else(|| limit("the pattern takes too long to match"))
    }

    /// `${name/glob/word}`, from behind the first `/`.
    fn replaced(&mut self, start: usize, name: Span) -> Result<Cow<'a, str>, Failure> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let pattern = self.nested('/', true, "'/' in ${}")?;
        let replacement = self.nested('}', true, "'}'")?;
        let value = self.look_up(start, name, ReferenceForm::Replace);
        if value.is_none() && self.lexer.skip_unset {
            return Ok(Cow::Owned(format!("${{{}/{pattern}/{replacement}}}", self.text(name))));
        }
        let glob = Glob::parse(&pattern).map_err(|reason| invalid(&pattern, &reason))?;
        let value = glob.replace(value.unwrap_or_default(), &replacement, all, self.work);
        value.map(Cow::Owned).ok_or_else(|| limit("the pattern takes too long to match"))
    }

    /// A run of letters, digits and `_`; a number; or one special character.
    fn name(&mut self) -> Span {
        let start = self.at;
        let rest = &self.word[start..];
        let len = match rest.chars().next() {
            Some(c) if c.is_ascii_digit() => rest.bytes().take_while(u8::is_ascii_digit).count(),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => {
                let inside = |c: char| c.is_alphabetic() || c.is_ascii_digit() || c == '_';
                rest.find(|c| !inside(c)).unwrap_or(rest.len())
            }
        };
        self.at += len;
        Span::new(offset(start), offset(self.at))
    }

    fn look_up(&mut self, start: usize, name: Span, form: ReferenceForm) -> Option<&'a str> {
        let value = self.env.get(self.text(name));
        let span = Span::new(offset(start), offset(self.at));
        self.references.push(VariableReference { span, name, set: value.is_some(), form });
        value
    }
}

fn unsupported(operator: &str) -> Failure {
    fail(format!("unsupported modifier ({operator}) in substitution"))
}

fn invalid(pattern: &str, reason: &str) -> Failure {
    fail(format!("invalid pattern ({pattern}) in substitution: {reason}"))
}
