//! How involved a script can be at most, before anything reads it.
//!
//! The text of a script → [`Count`]. It looks at characters alone, so that nothing that quoting,
//! comments or here-documents do can make it too low.

use crate::limits::{
    SHELL_OPENERS_HERE_MAX, SHELL_OPENERS_MAX, SHELL_SEPARATORS_HERE_MAX, SHELL_SEPARATORS_MAX,
    SHELL_SUBSTITUTION_BYTES, SHELL_SUBSTITUTIONS_MAX,
};

/// Upper bounds for what a parser meets in a script.
pub(super) struct Count {
    openers: usize,
    separators: usize,
    substitutions: usize,
}

impl Count {
    pub(super) fn of(text: &str) -> Self {
        let mut count = Self { openers: 0, separators: 0, substitutions: 0 };
        // Operators nest too where there is arithmetic.
        let is_arithmetic = text.contains("((") || text.contains("$[");
        let mut before = b' ';
        for byte in text.bytes() {
            match byte {
                b'(' | b'{' | b'[' | b'`' | b'!' => count.openers += 1,
                b';' | b'&' | b'|' | b'\n' | b'<' | b'>' => count.separators += 1,
                _ => count.separators += usize::from(is_arithmetic && byte.is_ascii_punctuation()),
            }
            count.substitutions += usize::from(byte == b'`' || byte == b'(' && matches!(before, b'$' | b'<' | b'>'));
            before = byte;
        }
        // A backslash may stand in a reserved word only before the end of a line, which is a separator.
        let words = text.split(|c: char| !c.is_ascii_lowercase());
        count.openers += words.filter(|word| OPENERS.contains(word)).count();
        count
    }

    /// What parsing may cost, in bytes.
    pub(super) fn cost(&self, bytes: usize) -> usize {
        bytes + self.openers * self.openers + SHELL_SUBSTITUTION_BYTES * self.substitutions * self.substitutions
    }

    /// Whether it is beyond the limits.
    pub(super) fn is_beyond(&self) -> bool {
        self.openers > SHELL_OPENERS_MAX
            || self.separators > SHELL_SEPARATORS_MAX
            || self.substitutions > SHELL_SUBSTITUTIONS_MAX
    }

    /// Whether the caller's stack suffices.
    pub(super) fn is_small(&self) -> bool {
        self.openers <= SHELL_OPENERS_HERE_MAX && self.separators <= SHELL_SEPARATORS_HERE_MAX
    }
}

/// Reserved words that open a level.
const OPENERS: [&str; 10] = ["if", "elif", "while", "until", "for", "case", "select", "function", "coproc", "time"];
