//! A logical line into keyword, flags and arguments, and arguments into words.
//!
//! Everything here works on offsets into the line. The escape character at the very end of a line is
//! dropped, as BuildKit drops it; all else is kept.

use std::ops::Range;

use super::logical::{Part, push_run};

/// The keyword and what follows it.
pub(super) struct Command {
    /// The first word.
    pub keyword: Range<usize>,
    /// The rest, without blanks around it.
    pub rest: Range<usize>,
}

/// Splits the part `range` of a line at its first blanks.
pub(super) fn command(text: &str, range: Range<usize>) -> Command {
    let range = trim(text, range);
    let line = &text[range.clone()];
    let len = line.find(BLANKS).unwrap_or(line.len());
    let behind = line[len..].trim_start_matches(BLANKS).len();
    Command { keyword: range.start..range.start + len, rest: range.end - behind..range.end }
}

/// Reads flags from the front of `range`: calls `flag` with the place and the parts of each, quotes
/// and escapes removed, and returns the arguments behind them.
pub(super) fn flags(
    text: &str,
    range: Range<usize>,
    escape: char,
    mut flag: impl FnMut(Range<usize>, &[Part]),
) -> Range<usize> {
    let mut at = range.start;
    loop {
        at = skip_blanks(text, at, range.end);
        if !text[at..range.end].starts_with("--") {
            return trim(text, at..range.end);
        }
        let start = at;
        let mut parts = Vec::new();
        let mut quote = None;
        let mut chars = text[start..range.end].char_indices().map(|(i, c)| (start + i, c));
        at = range.end;
        while let Some((i, c)) = chars.next() {
            if quote.is_none() && c.is_whitespace() {
                at = i;
                break;
            }
            if quote == Some(c) {
                quote = None;
            } else if quote.is_none() && (c == '\'' || c == '"') {
                quote = Some(c);
            } else if c == escape {
                match chars.next() {
                    Some((i, c)) => push_run(&mut parts, i..i + c.len_utf8()),
                    None => quote = None,
                }
            } else {
                push_run(&mut parts, i..i + c.len_utf8());
            }
        }
        let dashes = parts.iter().map(|part| part.range.len()).sum::<usize>() == 2;
        if dashes {
            return trim(text, at..range.end);
        }
        flag(start..at, &parts);
    }
}

/// Words separated by blanks, quotes and escapes kept: quoted blanks do not separate.
pub(super) fn quoted_words(text: &str, range: Range<usize>, escape: char) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = range.start;
    loop {
        at = skip_blanks(text, at, range.end);
        if at == range.end {
            return words;
        }
        let (start, mut end, mut quote, mut quoted) = (at, at, None, false);
        let mut chars = text[start..range.end].char_indices().map(|(i, c)| (start + i, c));
        at = range.end;
        while let Some((i, c)) = chars.next() {
            if quote.is_none() && c.is_whitespace() {
                at = i;
                break;
            }
            if quote == Some(c) {
                quote = None;
            } else if quote.is_none() && (c == '\'' || c == '"') {
                quote = Some(c);
                quoted = true;
            }
            // Nothing can be escaped between single quotes.
            let escaped = if c == escape && quote != Some('\'') { Some(chars.next()) } else { None };
            end = match escaped {
                None => i + c.len_utf8(),
                Some(Some((i, c))) => i + c.len_utf8(),
                Some(None) => break,
            };
        }
        if quoted || end > start {
            words.push(start..end);
        }
    }
}

/// Words separated by blanks; quotes mean nothing.
pub(super) fn plain_words(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let base = text.as_ptr() as usize;
    text[range].split(BLANKS).filter(|word| !word.is_empty()).map(move |word| {
        let start = word.as_ptr() as usize - base;
        start..start + word.len()
    })
}

/// Drops blanks from both ends.
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.end - part.trim_start().len();
    start..start + text[start..range.end].trim_end().len()
}

/// The blanks between words; others, such as the no-break space, belong to words.
const BLANKS: [char; 5] = ['\t', '\u{B}', '\u{C}', '\r', ' '];

fn skip_blanks(text: &str, at: usize, end: usize) -> usize {
    end - text[at..end].trim_start().len()
}
