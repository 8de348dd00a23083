//! The text ahead of a [`Walker`]: what the next characters are, and where something ends.

use super::Unknown;
use super::walk::Walker;

impl Walker<'_> {
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.text.as_bytes()[..self.end].get(self.at).copied()
    }

    pub(super) fn starts_with(&self, token: &str) -> bool {
        self.starts_with_at(0, token)
    }

    pub(super) fn starts_with_at(&self, ahead: usize, token: &str) -> bool {
        self.text.text.as_bytes()[self.at..self.end].get(ahead..).is_some_and(|rest| rest.starts_with(token.as_bytes()))
    }

    pub(super) fn character(&mut self) -> Result<char, Unknown> {
        let character = self.text.text[self.at..self.end].chars().next().ok_or(Unknown::Syntax)?;
        self.at += character.len_utf8();
        Ok(character)
    }

    /// The name of a variable, which may be empty.
    pub(super) fn name(&mut self) -> String {
        let rest = &self.text.text[self.at..self.end];
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if rest.starts_with(|first: char| first.is_ascii_digit()) {
            return String::new();
        }
        let name = &rest[..rest.bytes().position(|byte| !inside(byte)).unwrap_or(rest.len())];
        self.at += name.len();
        name.to_owned()
    }

    /// What stands between the quote ahead and the next one.
    pub(super) fn until(&mut self, quote: u8) -> Result<&str, Unknown> {
        let start = self.at + 1;
        let rest = &self.text.text.as_bytes()[start..self.end];
        let end = start + rest.iter().position(|byte| *byte == quote).ok_or(Unknown::Syntax)?;
        self.at = end + 1;
        Ok(&self.text.text[start..end])
    }

    /// The place behind the `))` that ends what began before `from`.
    pub(super) fn arithmetic_end(&self, from: usize) -> Option<usize> {
        let bytes = &self.text.text.as_bytes()[..self.end];
        let (mut at, mut depth) = (from, 0usize);
        loop {
            match bytes.get(at)? {
                b'(' => depth += 1,
                b')' if depth == 0 => return (bytes.get(at + 1) == Some(&b')')).then_some(at + 2),
                b')' => depth -= 1,
                b'\\' => at += 1,
                _ => {}
            }
            at += 1;
        }
    }

    /// A `)` that no bracket, quote or comment before it claims; `skipped` of them are passed over.
    pub(super) fn closing(&self, start: usize, mut skipped: usize) -> Option<usize> {
        let bytes = &self.text.text.as_bytes()[..self.end];
        let mut open = vec![b')'];
        let mut at = start;
        let mut before = b' ';
        loop {
            let byte = *bytes.get(at)?;
            let within = *open.last()?;
            match byte {
                b'\\' => at += 1,
                b'\'' if within != b'"' => at += bytes[at + 1..].iter().position(|byte| *byte == b'\'')? + 1,
                b'#' if within == b')' && matches!(before, b' ' | b'\t' | b'\n' | b';' | b'(') => {
                    at += bytes[at..].iter().position(|byte| *byte == b'\n')?;
                }
                b'(' if within != b'"' || before == b'$' => open.push(b')'),
                b'{' if before == b'$' => open.push(b'}'),
                b'"' | b'`' if within != byte => open.push(byte),
                _ if byte == within => {
                    open.pop();
                    if open.is_empty() {
                        if skipped == 0 {
                            return Some(at);
                        }
                        skipped -= 1;
                        open.push(b')');
                    }
                }
                _ => {}
            }
            before = byte;
            at += 1;
        }
    }
}
