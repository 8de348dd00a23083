//! What a pass over a word produces: its value, or words.
//!
//! Runs of characters, each marked as splitting at blanks or not → a value or words. A value is
//! bounded; words are bounded by the work their text took.

use super::ExpandError;
use super::lexer::limit;
use crate::limits::EXPANSION_BYTES_MAX;
use crate::span::{Span, offset};

/// Words in the making, each with the range of the text it came from.
#[derive(Default)]
pub(super) struct Splitter {
    words: Vec<(String, Span)>,
    word: String,
    start: usize,
    open: bool,
}

/// What a pass produces for each run of characters: the value, and perhaps words too.
pub(super) struct Output {
    pub value: String,
    /// Bytes that the value may have.
    bytes_max: usize,
    pub splitter: Option<Splitter>,
}

impl Output {
    /// Nothing yet. `text` is what the value is made of.
    pub(super) fn new(text: &str, splitter: Option<Splitter>) -> Self {
        Self { value: String::new(), bytes_max: text.len() + EXPANSION_BYTES_MAX, splitter }
    }

    /// Adds text whose blanks separate words.
    pub(super) fn split(&mut self, text: &str, at: usize) -> Result<(), ExpandError> {
        if let Some(splitter) = &mut self.splitter {
            if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
                splitter.push(text, at);
                return Ok(());
            }
            for c in text.chars() {
                if !c.is_whitespace() {
                    splitter.push(c.encode_utf8(&mut [0; 4]), at);
                } else if splitter.open && !splitter.word.is_empty() {
                    splitter.close(at);
                }
            }
        }
        self.push(text)
    }

    /// Adds text whose blanks belong to the word.
    pub(super) fn join(&mut self, text: &str, at: usize) -> Result<(), ExpandError> {
        if let Some(splitter) = &mut self.splitter {
            splitter.push(text, at);
        }
        self.push(text)
    }

    /// BuildKit loses the word in the making where a substitution with a word of its own stands in it:
    /// `80/${x:-tcp}` gives the word `tcp`.
    pub(super) fn forget_if(&mut self, nested: bool) {
        if let Some(splitter) = self.splitter.as_mut().filter(|_| nested) {
            splitter.word.clear();
        }
    }

    /// Adds to the value, which nobody asks for where there are words.
    fn push(&mut self, text: &str) -> Result<(), ExpandError> {
        if self.splitter.is_some() {
            return Ok(());
        }
        if self.value.len() + text.len() > self.bytes_max {
            return Err(limit("the value is too long"));
        }
        self.value.push_str(text);
        Ok(())
    }
}

impl Splitter {
    fn push(&mut self, text: &str, at: usize) {
        self.open(at);
        self.word.push_str(text);
    }

    fn open(&mut self, at: usize) {
        if self.word.is_empty() {
            self.start = at;
        }
        self.open = true;
    }

    fn close(&mut self, at: usize) {
        let span = Span::new(offset(self.start), offset(at));
        self.words.push((std::mem::take(&mut self.word), span));
        self.open = false;
    }

    pub(super) fn finish(mut self, end: usize) -> Vec<(String, Span)> {
        if !self.word.is_empty() {
            self.close(end);
        }
        self.words
    }
}
