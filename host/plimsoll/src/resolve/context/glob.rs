//! Wildcards of ADD and COPY, as Go's `filepath.Match` reads them inside one name.
//!
//! Input: a pattern and a name, both without `/`. Output: whether they match;
//! nothing matches a pattern that is not well formed.

/// Whether a path holds wildcards, so that it is a pattern.
pub(super) fn is_pattern(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

/// One name of a pattern, ready to match.
pub(super) struct Glob(Option<Vec<Part>>);

enum Part {
    One(char),
    Any,
    Many,
    Class { is_negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        Self(parse(pattern))
    }

    /// Tries all choices at once: a step for each part and character at most.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Some(parts) = &self.0 else { return false };
        // Which parts may begin at the character at hand.
        let mut open = vec![false; parts.len() + 1];
        open[0] = true;
        skip_many(parts, &mut open);
        for c in name.chars() {
            let mut next = vec![false; parts.len() + 1];
            for (at, part) in parts.iter().enumerate().filter(|(at, _)| open[*at]) {
                match part {
                    Part::Many => next[at] = true,
                    part if part.takes(c) => next[at + 1] = true,
                    _ => {}
                }
            }
            skip_many(parts, &mut next);
            open = next;
        }
        open[parts.len()]
    }
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::One(one) => *one == c,
            Self::Any => true,
            Self::Many => false,
            Self::Class { is_negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *is_negated
            }
        }
    }
}

/// What stands behind `*` may begin wherever it may.
fn skip_many(parts: &[Part], open: &mut [bool]) {
    for (at, part) in parts.iter().enumerate() {
        if open[at] && matches!(part, Part::Many) {
            open[at + 1] = true;
        }
    }
}

fn parse(pattern: &str) -> Option<Vec<Part>> {
    let mut chars = pattern.chars().peekable();
    let mut parts = Vec::new();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Many,
            '?' => Part::Any,
            '\\' => Part::One(chars.next()?),
            '[' => {
                let is_negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.peek() != Some(&']') {
                    let from = bound(&mut chars)?;
                    let to = if chars.next_if_eq(&'-').is_some() { bound(&mut chars)? } else { from };
                    ranges.push((from, to));
                }
                chars.next();
                Part::Class { is_negated, ranges }
            }
            c => Part::One(c),
        });
    }
    Some(parts)
}

/// One end of a range; `]` and `-` only behind a backslash.
fn bound(chars: &mut impl Iterator<Item = char>) -> Option<char> {
    match chars.next()? {
        '\\' => chars.next(),
        ']' | '-' => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expect: bool) {
        assert_eq!(Glob::new(pattern).matches(name), expect, "{pattern} {name}");
    }

    #[test]
    fn names_match_as_in_go() {
        check("abc", "abc", true);
        check("*", "abc", true);
        check("*c", "abc", true);
        check("a*", "a", true);
        check("a*b?c*x", "abxbbxdbxebxczzx", true);
        check("a*b?c*x", "abxbbxdbxebxczzy", false);
        check("ab[c]", "abc", true);
        check("ab[b-d]", "abc", true);
        check("ab[^b-d]", "abc", false);
        check("ab[^e-g]", "abc", true);
        check("a\\*b", "a*b", true);
        check("a\\*b", "ab", false);
        check("a?b", "a☺b", true);
        check("[a-ζ]*", "α", true);
        check("[\\]a]", "]", true);
        check("[\\-x]", "-", true);
        check("**", "ab", true);
    }

    #[test]
    fn nothing_matches_what_is_not_well_formed() {
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\", "[]"] {
            for name in ["a", "-", "x", "]", pattern] {
                check(pattern, name, false);
            }
        }
    }

    #[test]
    fn patterns_have_wildcards() {
        for (text, expect) in [("a/b", false), ("a*", true), ("[a]", true), ("a\\*", false), ("?", true)] {
            assert_eq!(is_pattern(text), expect, "{text}");
        }
    }
}
