//! Text as BuildKit prints it.

/// A text in quotes, as Go's `%q` writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            '\0'..'\x20' | '\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(character))),
            '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{feff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A text in lower case, character by character as Go has it.
pub(crate) fn lower(text: &str) -> String {
    text.chars().map(|character| character.to_lowercase().next().unwrap_or(character)).collect()
}

/// Whether it is lower or upper case throughout, and if so, which it is.
pub(crate) fn case(text: &str) -> Option<fn(&str) -> String> {
    if text == text.to_lowercase() {
        Some(str::to_lowercase)
    } else if text == text.to_uppercase() {
        Some(str::to_uppercase)
    } else {
        None
    }
}

/// Whether no comment would be lost if the lines of an instruction became one; empty ones are for another rule to
/// show.
pub(crate) fn is_whole(lines: &str) -> bool {
    !lines.lines().skip(1).any(|line| line.trim().is_empty() || line.trim().starts_with('#'))
}

/// A text as a string in JSON.
pub(crate) fn json(text: &str) -> String {
    let mut json = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\0'..='\x1f' => json.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(quoted("app"), r#""app""#);
        assert_eq!(quoted("a \"b\"\\\t\u{1}é\u{a0}"), "\"a \\\"b\\\"\\\\\\t\\x01é\\u00a0\"");
    }
}
