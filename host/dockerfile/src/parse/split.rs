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
    let len = line.bytes().position(is_blank).unwrap_or(line.len());
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
pub(super) fn quoted_words(text: &str, range: Range<usize>, escape: u8) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = range.start;
    loop {
        at = skip_blanks(text, at, range.end);
        if at == range.end {
            return words;
        }
        let (start, mut end, mut quote, mut quoted) = (at, at, None, false);
        let mut behind = range.end;
        while at < range.end {
            let byte = bytes[at];
            let wide = if byte.is_ascii() { None } else { text[at..].chars().next() };
            if quote.is_none() && wide.map_or(matches!(byte, b'\t'..=b'\r' | b' '), char::is_whitespace) {
                behind = at;
                break;
            }
            if quote == Some(byte) {
                quote = None;
            } else if quote.is_none() && (byte == b'\'' || byte == b'"') {
                quote = Some(byte);
                quoted = true;
            }
            at += wide.map_or(1, char::len_utf8);
            // Nothing can be escaped between single quotes.
            if byte == escape && quote != Some(b'\'') {
                let Some(escaped) = text[at..range.end].chars().next() else { break };
                at += escaped.len_utf8();
            }
            end = at;
        }
        at = behind;
        if quoted || end > start {
            words.push(start..end);
        }
    }
}

/// Words separated by blanks; quotes mean nothing.
pub(super) fn plain_words(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = range.start;
    let bytes = &text.as_bytes()[..range.end];
    std::iter::from_fn(move || {
        at += bytes[at..].iter().take_while(|b| is_blank(**b)).count();
        let start = at;
        at += bytes[at..].iter().take_while(|b| !is_blank(**b)).count();
        (start < at).then_some(start..at)
    })
}

/// Drops blanks from both ends.
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let start = skip_blanks(text, range.start, range.end);
    let part = &text[start..range.end];
    let end = match part.as_bytes().last() {
        Some(b'!'..=b'~') => part.len(),
        _ => part.trim_end().len(),
    };
    start..start + end
}

/// The blanks between words; others, such as the no-break space, belong to words.
const BLANKS: [char; 5] = ['\t', '\u{B}', '\u{C}', '\r', ' '];

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0B | 0x0C | b'\r' | b' ')
}

fn skip_blanks(text: &str, at: usize, end: usize) -> usize {
    let part = &text[at..end];
    match part.as_bytes() {
        [b'!'..=b'~', ..] => at,
        [b' ', b'!'..=b'~', ..] => at + 1,
        _ => end - part.trim_start().len(),
    }
}
