//! The lexer behind expansion: one pass over a word, a nested one for each `${…}`.
//!
//! A word → its value, or its words → with references noted as they are looked up. A nested pass
//! reads up to its stop character and never further.

use std::borrow::Cow;

use super::output::{Output, Splitter};
use super::{Env, ExpandError, Expansion, VariableReference};
use crate::span::{Span, offset};

/// How to read words: BuildKit reads them a little differently from place to place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexer {
    /// The escape character.
    pub escape: char,
    /// Keep quotes.
    pub raw_quotes: bool,
    /// Keep escape characters.
    pub raw_escapes: bool,
    /// Quotes are ordinary characters.
    pub skip_quotes: bool,
    /// References to variables that are not set stay as they are.
    pub skip_unset: bool,
}

/// What expansions write to: whoever expands many words has these for all of them.
#[derive(Default)]
pub(crate) struct Buffers {
    /// The value of the last word.
    pub value: String,
    /// The references in it, by place. After an error, those before it.
    pub references: Vec<VariableReference>,
}

/// One pass over one word.
pub(super) struct Pass<'a, 'w> {
    pub lexer: Lexer,
    pub word: &'a str,
    pub at: usize,
    pub env: &'a dyn Env,
    pub depth: usize,
    pub references: Vec<VariableReference>,
    /// How many nested passes there were.
    pub nested: usize,
    /// Bytes and steps that may still be spent, shared by all expansions of one caller.
    pub work: &'w mut usize,
}

pub(super) type Failure = ExpandError;

impl Lexer {
    pub(crate) fn new(escape: char) -> Self {
        Self { escape, raw_quotes: false, raw_escapes: false, skip_quotes: false, skip_unset: false }
    }

    /// The value of a word. `work` is what may still be spent.
    pub(crate) fn value<'a>(self, word: &'a str, env: &'a dyn Env, work: &mut usize) -> Expansion<'a> {
        if let Some((value, cost)) = self.plain(word)
            && let Some(left) = work.checked_sub(cost)
        {
            *work = left;
            return Expansion { value: Ok(Cow::Borrowed(value)), references: Vec::new() };
        }
        let mut buffers = Buffers::default();
        let result = self.value_in(word, env, work, &mut buffers);
        Expansion { value: result.map(|()| Cow::Owned(buffers.value)), references: buffers.references }
    }

    /// The same into buffers.
    pub(crate) fn value_in(
        self,
        word: &str,
        env: &dyn Env,
        work: &mut usize,
        buffers: &mut Buffers,
    ) -> Result<(), ExpandError> {
        let mut pass = self.pass(word, env, work);
        pass.references = std::mem::take(&mut buffers.references);
        pass.references.clear();
        let mut output = Output::new(word, None);
        output.value = std::mem::take(&mut buffers.value);
        output.value.clear();
        output.value.reserve(word.len().max(VALUE_BYTES_FIRST));
        let result = pass.until(None, self.raw_escapes, &mut output);
        buffers.references = pass.references;
        buffers.references.sort_by_key(|r| r.span.start);
        buffers.value = output.value;
        result.map_err(|error| error.within(word))
    }

    fn has_usual_escape(self) -> bool {
        matches!(self.escape, '\\' | '`')
    }

    /// The value of a word that is its own, or is but quoted as a whole, and the work it takes; nothing where
    /// more is to be done.
    #[inline]
    pub(crate) fn plain(self, word: &str) -> Option<(&str, usize)> {
        let quote = if self.skip_quotes { 0 } else { QUOTE };
        let special = match self.escape {
            '\\' => DOLLAR | BACKSLASH | quote,
            '`' => DOLLAR | BACKTICK | quote,
            _ => return None,
        };
        let means = |b: u8| MEANING[usize::from(b)] & special != 0;
        if !word.bytes().any(means) {
            return Some((word, 0));
        }
        let inner = word.strip_prefix('"')?.strip_suffix('"')?;
        let quoted = !self.raw_quotes && !self.skip_quotes && !inner.bytes().any(means);
        quoted.then_some((inner, inner.len()))
    }

    /// The words of a text, split after expansion, each with the range it came from.
    pub(crate) fn words(self, text: &str, env: &dyn Env, work: &mut usize) -> Result<Vec<(String, Span)>, ExpandError> {
        // A marker of a heredoc takes blanks with it.
        let plain = |b: u8| MEANING[usize::from(b)] & ANY == 0 && b.is_ascii_graphic();
        if !text.is_empty() && self.has_usual_escape() && text.bytes().all(plain) {
            return Ok(vec![(text.to_owned(), Span::new(0, offset(text.len())))]);
        }
        let mut pass = self.pass(text, env, work);
        let mut output = Output::new(text, Some(Splitter::default()));
        pass.until(None, self.raw_escapes, &mut output).map_err(|error| error.within(text))?;
        Ok(output.splitter.map(|splitter| splitter.finish(text.len())).unwrap_or_default())
    }

    fn pass<'a, 'w>(self, word: &'a str, env: &'a dyn Env, work: &'w mut usize) -> Pass<'a, 'w> {
        Pass { lexer: self, word, at: 0, env, depth: 0, references: Vec::new(), nested: 0, work }
    }
}

impl<'a> Pass<'a, '_> {
    /// Reads up to `stop`, which is consumed, or to the end.
    fn until(&mut self, stop: Option<char>, raw_escapes: bool, out: &mut Output) -> Result<(), Failure> {
        while let Some(c) = self.peek() {
            let (start, nested) = (self.at, self.nested);
            if Some(c) == stop {
                self.next();
                return Ok(());
            }
            match c {
                '$' => {
                    let value = self.dollar()?;
                    self.spend(value.len())?;
                    out.forget_if(self.nested != nested);
                    out.split(&value, start)?;
                }
                '\'' if !self.lexer.skip_quotes => {
                    let text = self.single_quoted()?;
                    out.join(text, start)?;
                }
                '"' if !self.lexer.skip_quotes => {
                    let text = self.double_quoted(raw_escapes)?;
                    self.spend(text.len())?;
                    out.forget_if(self.nested != nested);
                    out.join(&text, start)?;
                }
                '<' => out.join(self.heredoc_marker(), start)?,
                _ if c == self.lexer.escape => {
                    self.next();
                    if raw_escapes {
                        out.join(&self.word[start..self.at], start)?;
                    }
                    let escaped = self.at;
                    if self.next().is_none() {
                        break;
                    }
                    out.join(&self.word[escaped..self.at], start)?;
                }
                _ => {
                    self.next();
                    // What may separate words is read character by character, so that each word knows its place.
                    if out.splitter.is_none() {
                        self.plain_run(stop, |_| true);
                    } else if c.is_ascii_graphic() {
                        self.plain_run(stop, |b| b.is_ascii_graphic());
                    }
                    out.split(&self.word[start..self.at], start)?;
                }
            }
        }
        match stop {
            Some(c) => Err(fail(format!("unexpected end of statement while looking for matching {c}"))),
            None => Ok(()),
        }
    }

    /// Moves to the next character that may mean something or is none of those that are taken. What stops is ASCII.
    fn plain_run(&mut self, stop: Option<char>, taken: fn(u8) -> bool) {
        if !self.lexer.has_usual_escape() {
            return;
        }
        let stop = stop.and_then(|stop| u8::try_from(stop).ok()).unwrap_or(b'$');
        let rest = self.word[self.at..].bytes();
        self.at += rest.take_while(|b| MEANING[usize::from(*b)] & ANY == 0 && *b != stop && taken(*b)).count();
    }

    pub(super) fn nested(&mut self, stop: char, raw_escapes: bool, missing: &str) -> Result<String, Failure> {
        let mut out = Output::new(self.word, None);
        self.nested += 1;
        match self.until(Some(stop), raw_escapes, &mut out) {
            Ok(()) => Ok(out.value),
            Err(error) if self.peek().is_none() && !error.limit => {
                Err(fail(format!("syntax error: missing {missing}")))
            }
            Err(error) => Err(error),
        }
    }

    fn single_quoted(&mut self) -> Result<&'a str, Failure> {
        let start = self.at;
        match self.word[start + 1..].find('\'') {
            Some(len) => {
                self.at = start + len + 2;
                let (from, to) = if self.lexer.raw_quotes { (start, self.at) } else { (start + 1, self.at - 1) };
                Ok(&self.word[from..to])
            }
            None => {
                self.at = self.word.len();
                Err(fail("unexpected end of statement while looking for matching single-quote".into()))
            }
        }
    }

    fn double_quoted(&mut self, raw_escapes: bool) -> Result<String, Failure> {
        let quote = if self.lexer.raw_quotes { "\"" } else { "" };
        let mut value = quote.to_owned();
        self.next();
        loop {
            match self.peek() {
                None => return Err(fail("unexpected end of statement while looking for matching double-quote".into())),
                Some('"') => {
                    self.next();
                    value.push_str(quote);
                    return Ok(value);
                }
                Some('$') => {
                    let text = self.dollar()?;
                    self.spend(text.len())?;
                    value.push_str(&text);
                }
                Some(c) => {
                    self.next();
                    let mut c = c;
                    let start = self.at;
                    if c != self.lexer.escape && self.lexer.has_usual_escape() {
                        let rest = self.word[start..].bytes();
                        self.at += rest.take_while(|b| MEANING[usize::from(*b)] & ANY == 0).count();
                        value.push(c);
                        value.push_str(&self.word[start..self.at]);
                        continue;
                    }
                    if c == self.lexer.escape {
                        if raw_escapes {
                            value.push(c);
                        }
                        match self.peek() {
                            None => continue,
                            Some(next) if next == '"' || next == '$' || next == self.lexer.escape => {
                                self.next();
                                c = next;
                            }
                            Some(_) => {}
                        }
                    }
                    value.push(c);
                }
            }
        }
    }

    /// `<`, or `<<` with the blanks after it, which then belong to the word that follows.
    fn heredoc_marker(&mut self) -> &'a str {
        let start = self.at;
        self.next();
        if self.peek() == Some('<') {
            self.next();
            while matches!(self.peek(), Some('\t' | '\r' | ' ')) {
                self.next();
            }
        }
        &self.word[start..self.at]
    }

    fn spend(&mut self, amount: usize) -> Result<(), Failure> {
        match self.work.checked_sub(amount) {
            Some(left) => {
                *self.work = left;
                Ok(())
            }
            None => Err(limit("the value takes too long to compute")),
        }
    }

    pub(super) fn text(&self, span: Span) -> &'a str {
        &self.word[span.range()]
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<char> {
        match self.word.as_bytes().get(self.at) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            _ => self.word[self.at..].chars().next(),
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }
}

impl ExpandError {
    fn within(self, word: &str) -> Self {
        let word: String = word.chars().take(QUOTED_CHARS_MAX).collect();
        Self { message: format!("failed to process {word:?}: {}", self.message), ..self }
    }
}

/// What a byte may mean in a word.
const MEANING: [u8; 256] = {
    let mut meaning = [0; 256];
    meaning[b'$' as usize] = DOLLAR;
    meaning[b'\\' as usize] = BACKSLASH;
    meaning[b'`' as usize] = BACKTICK;
    meaning[b'\'' as usize] = QUOTE;
    meaning[b'"' as usize] = QUOTE;
    meaning[b'<' as usize] = MARKER;
    meaning
};

const DOLLAR: u8 = 1;
const BACKSLASH: u8 = 2;
const BACKTICK: u8 = 4;
const QUOTE: u8 = 8;
const MARKER: u8 = 16;
const ANY: u8 = DOLLAR | BACKSLASH | BACKTICK | QUOTE | MARKER;

/// Room for a value to begin with.
const VALUE_BYTES_FIRST: usize = 256;

/// Longer words are cut off in messages.
const QUOTED_CHARS_MAX: usize = 200;

pub(super) fn fail(message: String) -> Failure {
    ExpandError { message, limit: false }
}

pub(super) fn limit(message: &str) -> Failure {
    ExpandError { message: message.into(), limit: true }
}
