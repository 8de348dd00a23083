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

/// A word of a line.
#[derive(Clone)]
pub(super) struct Place {
    /// Where it stands.
    pub range: Range<usize>,
    /// Whether expansion leaves it as it is; not known of all words of which it is so.
    pub plain: bool,
}

/// Splits the part `range` of a line, which has no blanks around it, at its first blanks.
pub(super) fn command(text: &str, range: Range<usize>) -> Command {
    let bytes = &text.as_bytes()[range.clone()];
    let len = bytes.iter().take_while(|b| !is_blank(**b)).count();
    let blanks = bytes[len..].iter().take_while(|b| is_blank(**b)).count();
    Command { keyword: range.start..range.start + len, rest: range.start + len + blanks..range.end }
}

/// Whether flags may stand at the front of `range`, or blanks around it.
pub(super) fn may_have_flags(text: &str, range: &Range<usize>) -> bool {
    let bytes = &text.as_bytes()[range.clone()];
    !matches!(bytes, [b'!'..=b',' | b'.'..=b'~'] | [b'!'..=b',' | b'.'..=b'~', .., b'!'..=b'~'])
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
        // Most flags are as they are written.
        let bytes = &text.as_bytes()[..range.end];
        let plain = bytes[start..].iter().take_while(|b| !SPECIAL[usize::from(**b)]).count();
        if plain > 2 && bytes.get(start + plain).is_none_or(|b| matches!(b, b' ' | b'\t')) {
            at = start + plain;
            flag(start..at, &[Part { range: start..at, character: None }]);
            continue;
        }
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
pub(super) fn quoted_words(text: &str, range: Range<usize>, escape: u8) -> impl Iterator<Item = Place> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        while at < range.end {
            at = skip_blanks(text, at, range.end);
            let word;
            (word, at) = quoted_word(text, at, range.end, escape);
            if word.is_some() {
                return word;
            }
        }
        None
    })
}

/// The word from `start` on, if there are characters or quotes, and where to go on.
fn quoted_word(text: &str, start: usize, line_end: usize, escape: u8) -> (Option<Place>, usize) {
    let bytes = &text.as_bytes()[..line_end];
    let (mut at, mut end, mut quote, mut quoted, mut plain) = (start, start, None, false, true);
    let word = |end, quoted, plain| (quoted || start < end).then_some(Place { range: start..end, plain });
    while at < line_end {
        let run = bytes[at..].iter().take_while(|b| !SPECIAL[usize::from(**b)]).count();
        if run > 0 {
            at += run;
            end = at;
            continue;
        }
        let byte = bytes[at];
        let wide = if byte.is_ascii() { None } else { text[at..].chars().next() };
        if quote.is_none() && wide.map_or(matches!(byte, b'\t'..=b'\r' | b' '), char::is_whitespace) {
            return (word(end, quoted, plain), at);
        }
        plain = false;
        if quote == Some(byte) {
            quote = None;
        } else if quote.is_none() && (byte == b'\'' || byte == b'"') {
            quote = Some(byte);
            quoted = true;
        }
        at += wide.map_or(1, char::len_utf8);
        // Nothing can be escaped between single quotes.
        if byte == escape && quote != Some(b'\'') {
            let Some(escaped) = text[at..line_end].chars().next() else { break };
            at += escaped.len_utf8();
        }
        end = at;
    }
    (word(end, quoted, plain), line_end)
}

/// The bytes that mean something among words, or where words are expanded: blanks, quotes, escape characters,
/// variables, markers of heredocs, and what is not ASCII.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < special.len() {
        special[byte] = matches!(byte as u8, b'\t'..=b'\r' | b' ' | b'\'' | b'"' | b'\\' | b'`' | b'$' | b'<' | 0x80..);
        byte += 1;
    }
    special
};

/// Words separated by blanks; quotes mean nothing.
pub(super) fn plain_words(text: &str, range: Range<usize>) -> impl Iterator<Item = Place> {
    let mut at = range.start;
    let bytes = &text.as_bytes()[..range.end];
    std::iter::from_fn(move || {
        at += bytes[at..].iter().take_while(|b| is_blank(**b)).count();
        let start = at;
        at += bytes[at..].iter().take_while(|b| !SPECIAL[usize::from(**b)]).count();
        let plain = bytes.get(at).is_none_or(|b| is_blank(*b));
        at += bytes[at..].iter().take_while(|b| !is_blank(**b)).count();
        (start < at).then_some(Place { range: start..at, plain })
    })
}

/// Drops blanks from both ends.
#[inline]
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    match &text.as_bytes()[range.clone()] {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => range,
        _ => trim_blanks(text, range),
    }
}

fn trim_blanks(text: &str, range: Range<usize>) -> Range<usize> {
    let start = skip_blanks(text, range.start, range.end);
    let part = &text[start..range.end];
    let end = match part.as_bytes().last() {
        Some(b'!'..=b'~') => part.len(),
        _ => part.trim_end().len(),
    };
    start..start + end
}

/// The blanks between words; others, such as the no-break space, belong to words.
pub(super) fn is_blank(byte: u8) -> bool {
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
