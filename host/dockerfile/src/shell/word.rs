//! One word of a script: quotes, escapes, variables, substitutions.
//!
//! The text from where a [`Walker`] stands → a [`Scan`], with the walker behind the word. It reads what the
//! grammar leaves closed, and stops with [`Unknown::Syntax`] at what is not closed.

use rable::Node;

use super::Unknown;
use super::source::Text;
use super::walk::Walker;
use crate::limits::SHELL_ENDS_TRIED_MAX;

/// What a word is made of.
#[derive(Default)]
pub(super) struct Scan {
    /// The characters without quotes, as far as they are known.
    pub text: String,
    /// Whether a part of it is up to the run.
    pub is_dynamic: bool,
    /// Whether a part of it is quoted or escaped.
    pub is_quoted: bool,
    /// Whether the shell may make other words of it.
    pub expands: bool,
    /// Start, end and name of each variable.
    pub variables: Vec<(usize, usize, String)>,
    /// Scripts inside.
    pub inner: Vec<Inner>,
    /// Whether a `[` has come.
    pub is_bracket_open: bool,
    /// For each open `{`, whether a comma or `..` has come.
    pub braces: Vec<bool>,
}

/// A script inside a word.
pub(super) enum Inner {
    /// A part of the same text, and its structure.
    Part { nodes: Vec<Node>, start: usize, end: usize },
    /// What is left of a part in backticks when its escapes are removed.
    Unescaped { nodes: Vec<Node>, text: Text },
}

type Scanned = Result<(), Unknown>;

impl Walker<'_> {
    /// Reads a word up to the next blank or operator.
    pub(super) fn scan(&mut self, scan: &mut Scan) -> Scanned {
        let first = self.at;
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'<' | b'>' if self.starts_with_at(1, "(") => {
                    self.draft.is_extended = true;
                    scan.is_dynamic = true;
                    self.at += 2;
                    self.substitution(scan)?;
                }
                b'<' | b'>' => break,
                b'(' if self.text.text[..self.at].ends_with('=') => self.array(scan)?,
                b'(' => break,
                b'\\' | b'\'' | b'"' | b'$' | b'`' => self.special(scan)?,
                _ => self.literal(scan, first),
            }
        }
        Ok(())
    }

    fn literal(&mut self, scan: &mut Scan, first: usize) {
        let Some(character) = self.text.text[self.at..self.end].chars().next() else { return };
        match character {
            '*' | '?' => scan.expands = true,
            '[' => scan.is_bracket_open = true,
            ']' => scan.expands |= scan.is_bracket_open,
            '~' if self.at == first => scan.expands = true,
            '{' => scan.braces.push(false),
            ',' => scan.braces.iter_mut().for_each(|brace| *brace = true),
            '.' if self.starts_with("..") => scan.braces.iter_mut().for_each(|brace| *brace = true),
            '}' if scan.braces.pop() == Some(true) => {
                // Bash makes several words of it, others none.
                self.draft.is_extended = true;
                scan.is_dynamic = true;
            }
            _ => {}
        }
        scan.text.push(character);
        self.at += character.len_utf8();
    }

    fn special(&mut self, scan: &mut Scan) -> Scanned {
        match self.byte() {
            Some(b'\\') => {
                self.at += 1;
                match self.character()? {
                    '\n' => {}
                    escaped => {
                        scan.is_quoted = true;
                        scan.text.push(escaped);
                    }
                }
                Ok(())
            }
            Some(b'\'') => {
                scan.is_quoted = true;
                let text = self.until(b'\'')?;
                scan.text.push_str(text);
                Ok(())
            }
            Some(b'"') => self.double(scan),
            Some(b'`') => self.backticks(scan, false),
            _ => self.dollar(scan, false),
        }
    }

    /// `"…"`.
    fn double(&mut self, scan: &mut Scan) -> Scanned {
        scan.is_quoted = true;
        self.at += 1;
        loop {
            match self.byte().ok_or(Unknown::Syntax)? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    match self.character()? {
                        '\n' => {}
                        escaped @ ('$' | '`' | '"' | '\\') => scan.text.push(escaped),
                        other => scan.text.extend(['\\', other]),
                    }
                }
                b'$' => self.dollar(scan, true)?,
                b'`' => self.backticks(scan, true)?,
                _ => scan.text.push(self.character()?),
            }
        }
    }

    /// `$` and what it begins, if anything.
    pub(super) fn dollar(&mut self, scan: &mut Scan, is_inside_quotes: bool) -> Scanned {
        let start = self.at;
        self.at += 1;
        match self.byte() {
            Some(b'{') => {
                scan.is_dynamic = true;
                self.at += 1;
                self.parameter(scan, start)
            }
            Some(b'(') => {
                scan.is_dynamic = true;
                if self.starts_with("((")
                    && let Some(end) = self.arithmetic_end(self.at + 2)
                {
                    self.at += 2;
                    return self.arithmetic(scan, end);
                }
                self.at += 1;
                self.substitution(scan)
            }
            Some(b'[') => Err(Unknown::Syntax),
            Some(b'\'') if !is_inside_quotes => {
                self.draft.is_extended = true;
                scan.is_quoted = true;
                scan.is_dynamic |= self.ansi()?;
                Ok(())
            }
            Some(b'"') if !is_inside_quotes => {
                self.draft.is_extended = true;
                self.double(scan)
            }
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
                let name = self.name();
                self.variable(scan, start, name);
                Ok(())
            }
            Some(special @ (b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!')) => {
                self.at += 1;
                self.variable(scan, start, char::from(special).to_string());
                Ok(())
            }
            _ => {
                scan.text.push('$');
                Ok(())
            }
        }
    }

    fn variable(&self, scan: &mut Scan, start: usize, name: String) {
        scan.is_dynamic = true;
        scan.variables.push((start, self.at, name));
    }

    /// `${…}`, from behind the brace.
    fn parameter(&mut self, scan: &mut Scan, start: usize) -> Scanned {
        let prefix = self.byte().filter(|byte| matches!(byte, b'#' | b'!'));
        if prefix.is_some() && !self.starts_with_at(1, "}") {
            self.draft.is_extended |= prefix == Some(b'!');
            self.at += 1;
        }
        let mut name = self.name();
        if name.is_empty()
            && let Some(special @ (b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!')) = self.byte()
        {
            self.at += 1;
            name.push(char::from(special));
            while let Some(digit @ b'0'..=b'9') = self.byte().filter(|_| special.is_ascii_digit()) {
                self.at += 1;
                name.push(char::from(digit));
            }
        }
        if name.is_empty() {
            return Err(Unknown::Syntax);
        }
        let operator = self.byte();
        let second = self.text.text.as_bytes().get(self.at + 1).copied();
        self.draft.is_extended |= match operator {
            Some(b':') => !matches!(second, Some(b'-' | b'+' | b'=' | b'?')),
            Some(b'}' | b'-' | b'+' | b'=' | b'?' | b'#' | b'%') => false,
            _ => true,
        };
        loop {
            match self.byte().ok_or(Unknown::Syntax)? {
                b'}' => {
                    self.at += 1;
                    self.variable(scan, start, name);
                    return Ok(());
                }
                b'\\' | b'\'' | b'"' | b'$' | b'`' => self.special(scan)?,
                _ => drop(self.character()?),
            }
        }
    }

    /// The expressions between `((` and `))`.
    pub(super) fn arithmetic(&mut self, scan: &mut Scan, end: usize) -> Scanned {
        while self.at < end - 2 {
            match self.byte() {
                Some(b'$') => self.dollar(scan, true)?,
                Some(b'`') => self.backticks(scan, true)?,
                _ => drop(self.character()?),
            }
        }
        if self.at != end - 2 {
            return Err(Unknown::Syntax);
        }
        self.at = end;
        Ok(())
    }

    /// `a=(…)`, from the bracket on.
    fn array(&mut self, scan: &mut Scan) -> Scanned {
        self.draft.is_extended = true;
        scan.is_dynamic = true;
        self.at += 1;
        loop {
            match self.byte().ok_or(Unknown::Syntax)? {
                b')' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' | b'\'' | b'"' | b'$' | b'`' => self.special(scan)?,
                b'(' | b';' | b'&' | b'|' | b'<' | b'>' | b'#' => return Err(Unknown::Syntax),
                _ => drop(self.character()?),
            }
        }
    }

    /// `$'…'`, from the quote on; whether escapes in it leave its text open.
    fn ansi(&mut self) -> Result<bool, Unknown> {
        self.at += 1;
        loop {
            match self.character()? {
                '\'' => return Ok(true),
                '\\' => drop(self.character()?),
                _ => {}
            }
        }
    }

    /// The script up to its `)`: the first one before which everything is a script.
    fn substitution(&mut self, scan: &mut Scan) -> Scanned {
        let start = self.at;
        for skipped in 0..SHELL_ENDS_TRIED_MAX {
            let end = self.closing(start, skipped).ok_or(Unknown::Syntax)?;
            if let Ok(nodes) = rable::parse(&self.text.text[start..end], false) {
                scan.inner.push(Inner::Part { nodes, start, end });
                self.at = end + 1;
                return Ok(());
            }
        }
        Err(Unknown::Syntax)
    }

    /// `` `…` ``.
    pub(super) fn backticks(&mut self, scan: &mut Scan, is_inside_quotes: bool) -> Scanned {
        scan.is_dynamic = true;
        self.at += 1;
        let start = self.at;
        let mut characters = Vec::new();
        let mut is_escaped = false;
        let end = loop {
            let from = self.at;
            match self.character()? {
                '`' => break from,
                '\\' => {
                    let next = self.character()?;
                    if matches!(next, '$' | '`' | '\\') || next == '"' && is_inside_quotes {
                        is_escaped = true;
                        characters.push((next, from, self.at));
                    } else {
                        characters.extend([('\\', from, from + 1), (next, from + 1, self.at)]);
                    }
                }
                other => characters.push((other, from, self.at)),
            }
        };
        let parse = |text: &str| rable::parse(text, false).map_err(|_| Unknown::Syntax);
        scan.inner.push(if is_escaped {
            let text = self.text.derived(characters.into_iter());
            Inner::Unescaped { nodes: parse(&text.text)?, text }
        } else {
            Inner::Part { nodes: parse(&self.text.text[start..end])?, start, end }
        });
        Ok(())
    }
}
