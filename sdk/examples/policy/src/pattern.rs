//! Patterns of names and values: `*` stands for any text, everything else for
//! itself.

pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_are_any_text() {
        let check = |pattern, text, expect| assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        check("curl", "curl", true);
        check("curl", "curl2", false);
        check("https://*", "https://a", true);
        check("https://*", "http://a", false);
        check("*@acme.example", "a@acme.example", true);
        check("a*b*c", "aXbYc", true);
        check("a*b*c", "acb", false);
        check("a*a", "a", false);
        check("*", "", true);
    }
}
