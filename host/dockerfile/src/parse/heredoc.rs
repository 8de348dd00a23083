//! Heredoc markers: `<<NAME`, `3<<-"NAME"`.
//!
//! A line → its [`Marker`]s, in order. A text with quotes that do not match has none.

use crate::expand::{Lexer, NoEnv};
use crate::span::Span;

/// A heredoc as its marker announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub name: String,
    pub fd: u32,
    pub expand: bool,
    pub chomp: bool,
}

/// The markers of a logical line, each with its place; the error is that of a broken name.
pub(super) fn markers(line: &str) -> Result<Vec<(Marker, Span)>, String> {
    let lexer = Lexer { raw_quotes: true, raw_escapes: true, skip_unset: true, ..Lexer::new('\\') };
    let mut work = UNBOUNDED;
    let Ok(words) = lexer.words(line, &NoEnv, &mut work) else {
        return Ok(Vec::new());
    };
    let mut markers = Vec::new();
    for (word, span) in words {
        if let Some(marker) = marker(&word)? {
            markers.push((marker, span));
        }
    }
    Ok(markers)
}

/// Whether there is a `<<` in a text.
pub(crate) fn has_marker(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'<', bytes).any(|at| bytes.get(at + 1) == Some(&b'<'))
}

/// The marker that a word is; nothing when it is none.
pub(crate) fn marker(word: &str) -> Result<Option<Marker>, String> {
    if !has_marker(word) {
        return Ok(None);
    }
    let Some((digits, rest)) = word.split_once("<<") else { return Ok(None) };
    let (chomp, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim_start_matches(['\t', '\n', '\u{C}', '\r', ' ']);
    if !digits.bytes().all(|b| b.is_ascii_digit()) || rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    let lexer = Lexer { skip_unset: true, ..Lexer::new('\\') };
    let words = |lexer: Lexer| {
        let mut work = UNBOUNDED;
        let words = lexer.words(rest, &NoEnv, &mut work);
        words.map_err(|error| error.message)
    };
    let [(name, _)] = &mut words(lexer)?[..] else { return Ok(None) };
    let raw = words(Lexer { raw_quotes: true, ..lexer })?;
    let quotes = |text: &str| text.bytes().filter(|b| matches!(b, b'\'' | b'"')).count();
    // Quotes that only the raw form has were around a part of the name.
    let expand = raw.first().is_some_and(|(raw, _)| quotes(raw) == quotes(name));
    let fd = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) };
    Ok(Some(Marker { name: std::mem::take(name), fd, expand, chomp }))
}

/// Without values of variables, words are no longer than their line: nothing to bound.
const UNBOUNDED: usize = usize::MAX;
