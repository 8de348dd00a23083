//! One pattern of `.dockerignore`: `*`, `?`, `[…]` within a directory, `**` across directories.
//!
//! A cleaned pattern → [`Pattern`] → whether it matches a path or a directory above it. Matching tries
//! all choices at once: pattern length times path length steps at most, however deep the path is.

/// A parsed pattern.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// The path itself.
    Exact(String),
    /// `dir/**`: everything that starts so.
    Prefix(String),
    /// `**/name`: everything that ends so, and the name alone.
    Suffix(String),
    /// Anything else.
    Parts(Vec<Part>),
}

/// One part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Part {
    One(char),
    /// `?`.
    AnyInName,
    /// `*`.
    ManyInName,
    /// `**` at the end.
    Many,
    /// `**/`: any number of directories.
    Directories,
    /// `[a-z]`, `[^a-z]`.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads a pattern; nothing when it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut chars = text.chars().peekable();
        let (mut plain, mut first_many, mut last_many) = (true, false, false);
        while let Some(c) = chars.next() {
            let many = c == '*' && chars.next_if_eq(&'*').is_some();
            if many {
                chars.next_if_eq(&'/');
                let end = chars.peek().is_none();
                first_many |= parts.is_empty();
                // A plain start followed by `**` at the end is a prefix; any other place is general.
                last_many = end && plain;
                plain &= parts.is_empty() || end;
                parts.push(if end { Part::Many } else { Part::Directories });
                continue;
            }
            parts.push(match c {
                '*' => Part::ManyInName,
                '?' => Part::AnyInName,
                '[' => class(&mut chars)?,
                '\\' => Part::One(chars.next()?),
                c => Part::One(c),
            });
            plain &= matches!(parts.last(), Some(Part::One(_))) && c != '\\' && c != ']';
        }
        let inner = parts.iter().skip(1).any(|part| matches!(part, Part::Many | Part::Directories));
        Some(match plain {
            true if first_many && !inner => Self::Suffix(text[2..].to_owned()),
            true if last_many && !first_many => Self::Prefix(text[..text.len() - 2].to_owned()),
            true if !first_many => Self::Exact(text.to_owned()),
            _ => Self::Parts(parts),
        })
    }

    /// Whether the path matches, or a directory above it.
    pub(super) fn matches(&self, path: &str) -> bool {
        let ends = |at: usize| at == path.len() || at > 0 && path[at..].starts_with('/');
        match self {
            Self::Exact(text) => path.starts_with(text) && ends(text.len()),
            Self::Prefix(text) => path.starts_with(text),
            Self::Suffix(text) => {
                let matches = |path: &str| path.ends_with(text) || text.strip_prefix('/') == Some(path);
                matches(path) || path.match_indices('/').any(|(at, _)| at > 0 && matches(&path[..at]))
            }
            Self::Parts(parts) => matches(parts, path),
        }
    }
}

impl Part {
    fn accepts(&self, c: char) -> bool {
        match self {
            Self::One(one) => *one == c,
            Self::AnyInName | Self::ManyInName => c != '/',
            Self::Many | Self::Directories => c != '\n',
            Self::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }

    /// Whether it may match nothing.
    fn is_optional(&self) -> bool {
        matches!(self, Self::ManyInName | Self::Many | Self::Directories)
    }
}

/// State `i`: the parts before `i` are matched. In a part that repeats, the state stays. `inside[i]`:
/// within a name that [`Part::Directories`] has begun and must end with `/`.
fn matches(parts: &[Part], path: &str) -> bool {
    let mut states = vec![false; parts.len() + 1];
    let mut inside = vec![false; parts.len()];
    states[0] = true;
    skip_optional(parts, &mut states);
    for (at, c) in path.char_indices() {
        // What stands before a `/` is a directory above the path.
        if c == '/' && at > 0 && states[parts.len()] {
            return true;
        }
        for i in (0..=parts.len()).rev() {
            let mut next = i > 0 && states[i - 1] && !parts[i - 1].is_optional() && parts[i - 1].accepts(c);
            if let Some(part) = parts.get(i) {
                match part {
                    Part::Directories => {
                        let run = (states[i] || inside[i]) && part.accepts(c);
                        inside[i] = run;
                    }
                    Part::ManyInName | Part::Many => next |= states[i] && part.accepts(c),
                    _ => {}
                }
            }
            states[i] = next;
        }
        for i in 0..parts.len() {
            // A `/` may end the directories; what follows starts behind it.
            if inside[i] && c == '/' {
                states[i + 1] = true;
            }
        }
        skip_optional(parts, &mut states);
    }
    states[parts.len()]
}

fn skip_optional(parts: &[Part], states: &mut [bool]) {
    for (i, part) in parts.iter().enumerate() {
        if states[i] && part.is_optional() {
            states[i + 1] = true;
        }
    }
}

/// What stands between `[` and `]`; nothing when that is malformed.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Part> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Some(Part::Class { negated, ranges });
        }
        let low = class_end(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_end(chars)? } else { low };
        if high < low {
            return None;
        }
        ranges.push((low, high));
    }
}

fn class_end(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}
