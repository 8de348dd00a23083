//! Texts of strangers in XML and HTML: in an element, or in an attribute between `"`.

use std::fmt::{self, Display, Formatter, Write as _};

/// A text as it may stand there. Characters that XML cannot have become the replacement character.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'f, 'g>(&'f mut Formatter<'g>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            // As themselves they would come back as spaces.
            '\t' | '\n' | '\r' => write!(self.0, "&#{};", c as u32),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => self.0.write_char(char::REPLACEMENT_CHARACTER),
            _ => self.0.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_attribute_or_begins_an_element() {
        let escaped = Escaped("<a b='\"'>&\n\u{1B}]]>é").to_string();
        assert_eq!(escaped, "&lt;a b=&#39;&quot;&#39;&gt;&amp;&#10;\u{FFFD}]]&gt;é");
    }
}
