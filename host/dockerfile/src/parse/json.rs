//! The JSON form of arguments.
//!
//! The arguments as text → an [`Array`] of strings, or that it is none. As in BuildKit, an array of
//! anything else is an error, and what is no JSON at all is a shell form.

use std::ops::Range;

use super::logical::{Part, push_run};
use crate::limits::JSON_DEPTH_MAX;

/// What the arguments are.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Array {
    /// Not a JSON array.
    None,
    /// A JSON array with something in it that is no string.
    NotStrings,
    /// Strings.
    Strings,
}

/// The characters of a string.
pub(super) enum Characters<'p> {
    /// They stand in the text as they are.
    Plain(Range<usize>),
    /// They do not.
    Parts(&'p [Part]),
}

/// Reads `text` from `start` to its end. Calls `string` with the place of each string, quotes included, and with
/// its characters, as offsets into the text; what it was called with counts where all are strings.
#[inline]
pub(super) fn parse(text: &str, start: usize, string: impl FnMut(Range<usize>, Characters<'_>)) -> Array {
    if matches!(text.as_bytes().get(start), Some(b'!'..=b'Z' | b'a'..=b'~')) {
        return Array::None;
    }
    parse_array(text, start, string)
}

fn parse_array(text: &str, start: usize, string: impl FnMut(Range<usize>, Characters<'_>)) -> Array {
    let start = start + text[start..].len() - text[start..].trim_start().len();
    if !text[start..].starts_with('[') {
        return Array::None;
    }
    let mut reader = Reader { bytes: text.as_bytes(), text, at: start + 1, parts: Vec::new() };
    match reader.array(string) {
        Some(true) => Array::Strings,
        Some(false) => Array::NotStrings,
        None => Array::None,
    }
}

struct Reader<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
    /// What the last string that is not plain is made of.
    parts: Vec<Part>,
}

impl Reader<'_> {
    /// The elements behind `[` up to the end of the text: whether all are strings; nothing where it is no JSON.
    fn array(&mut self, mut string: impl FnMut(Range<usize>, Characters<'_>)) -> Option<bool> {
        let mut strings = true;
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                if self.peek()? == b'"' {
                    let start = self.at;
                    let plain = self.string()?;
                    let characters = plain.map_or(Characters::Parts(&self.parts), Characters::Plain);
                    string(start..self.at, characters);
                } else {
                    self.value()?;
                    strings = false;
                }
                match self.take()? {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        self.peek().is_none().then_some(strings)
    }

    /// Any value, without keeping it. The containers that are open stand on a stack of their own.
    fn value(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek()? {
                b'[' | b'{' if open.len() == JSON_DEPTH_MAX => return None,
                bracket @ (b'[' | b'{') => {
                    self.at += 1;
                    // `]` is `[` + 2, and `}` is `{` + 2.
                    if self.peek()? == bracket + 2 {
                        self.at += 1;
                    } else {
                        open.push(bracket + 2);
                        if bracket == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => self.string().map(|_| ())?,
                _ => self.literal()?,
            }
            loop {
                let Some(close) = open.last().copied() else { return Some(()) };
                match self.take()? {
                    b',' if close == b'}' => {
                        self.key()?;
                        break;
                    }
                    b',' => break,
                    b if b == close => drop(open.pop()),
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.peek().filter(|b| *b == b'"')?;
        self.string()?;
        (self.take()? == b':').then_some(())
    }

    /// A string: its characters where they stand there as they are, or else they are in the parts.
    fn string(&mut self) -> Option<Option<Range<usize>>> {
        let start = self.at;
        self.at += 1;
        self.run();
        if self.bytes.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Some(Some(start + 1..self.at - 1));
        }
        self.at = start + 1;
        self.parts.clear();
        loop {
            let from = self.at;
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(None);
                }
                b'\\' => {
                    let character = Some(self.escape()?);
                    self.parts.push(Part { range: from..self.at, character });
                }
                0..0x20 => return None,
                _ => {
                    self.run();
                    push_run(&mut self.parts, from..self.at);
                }
            }
        }
    }

    /// Moves to the next character that does not stand for itself.
    fn run(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20)).count();
    }

    fn escape(&mut self) -> Option<char> {
        let code = *self.bytes.get(self.at + 1)?;
        self.at += 2;
        Some(match code {
            b'"' | b'\\' | b'/' => char::from(code),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let (at, pair) = (self.at, self.bytes[self.at..].starts_with(b"\\u"));
                if (0xD800..0xDC00).contains(&first) && pair {
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xDC00..0xE000).contains(&second) {
                        return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
                    }
                    self.at = at;
                }
                char::from_u32(first).unwrap_or('\u{FFFD}')
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }

    /// `true`, `false`, `null` or a number.
    fn literal(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let inside = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let word = &rest[..rest.iter().take_while(inside).count()];
        self.at += word.len();
        (matches!(word, b"true" | b"false" | b"null") || is_number(word)).then_some(())
    }

    /// The next byte that is no blank, without taking it.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

fn is_number(word: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let len = digits(fraction);
        rest = &fraction[len..];
        if len == 0 {
            return false;
        }
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}
