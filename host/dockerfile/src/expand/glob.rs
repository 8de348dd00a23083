//! Globs of `${name#glob}` and `${name/glob/word}`: `*` and `?`, no brackets.
//!
//! A pattern → [`Glob`] → what it matches of a value. Matching tries all choices at once, so it takes
//! at most pattern length times value length steps, and each step is paid for out of `work`.

/// A parsed pattern.
pub(super) struct Glob {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    One(char),
    /// `?`: any one character but a newline.
    Any,
    /// `*`: any characters but newlines.
    Many,
}

/// The budget is spent.
struct Exhausted;

impl Glob {
    /// Reads a pattern; the error says which escape is wrong.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        let mut parts = Vec::with_capacity(pattern.len());
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '*' => Part::Many,
                '?' => Part::Any,
                // The escape before `}` and `/` was for the substitution, not for the pattern.
                '\\' if matches!(chars.peek(), Some('}' | '/')) => continue,
                '\\' => match chars.next() {
                    Some(c @ ('*' | '?' | '\\')) => Part::One(c),
                    other => return Err(format!("invalid escape '\\{}'", other.unwrap_or('\u{FFFD}'))),
                },
                c => Part::One(c),
            });
        }
        Ok(Self { parts })
    }

    /// `value` without the shortest or longest start that matches; nothing when out of work.
    pub(super) fn prefix<'v>(&self, value: &'v str, greedy: bool, work: &mut usize) -> Option<&'v str> {
        let end = matched(&self.parts, value.char_indices().map(|(at, c)| (at + c.len_utf8(), c)), 0, greedy, work);
        end.ok().map(|end| &value[end.unwrap_or(0)..])
    }

    /// `value` without the shortest or longest end that matches; nothing when out of work.
    pub(super) fn suffix<'v>(&self, value: &'v str, greedy: bool, work: &mut usize) -> Option<&'v str> {
        let mut parts = self.parts.clone();
        parts.reverse();
        let start = matched(&parts, value.char_indices().rev(), value.len(), greedy, work);
        start.ok().map(|start| &value[..start.unwrap_or(value.len())])
    }

    /// `value` with the first match, or all of them, replaced; nothing when out of work.
    pub(super) fn replace(&self, value: &str, with: &str, all: bool, work: &mut usize) -> Option<String> {
        let mut out = String::new();
        let (mut copied, mut from) = (0, 0);
        while from <= value.len() {
            let Some((start, end)) = self.find(value, from, work).ok()? else { break };
            if !all {
                return Some([&value[..start], with, &value[end..]].concat());
            }
            out.push_str(&value[copied..start]);
            // An empty match right behind the last one is none.
            if end > copied || start == 0 {
                *work = work.checked_sub(with.len() + 1)?;
                push_template(&mut out, with, &value[start..end]);
            }
            copied = end;
            let step = value[from..].chars().next().map_or(1, char::len_utf8);
            from = if from + step > end { from + step } else { end };
        }
        out.push_str(&value[copied.min(value.len())..]);
        Some(out)
    }

    /// The leftmost match at or after `from`, as long as possible.
    fn find(&self, value: &str, from: usize, work: &mut usize) -> Result<Option<(usize, usize)>, Exhausted> {
        let mut start = from;
        loop {
            let rest = value[start..].char_indices().map(|(at, c)| (start + at + c.len_utf8(), c));
            if let Some(end) = matched(&self.parts, rest, start, true, work)? {
                return Ok(Some((start, end)));
            }
            match value[start..].chars().next() {
                Some(c) => start += c.len_utf8(),
                None => return Ok(None),
            }
        }
    }
}

/// Runs all choices over `chars` at once: where the shortest or longest match from the start ends.
/// Each character comes with the place behind it; `start` is the place of an empty match.
fn matched(
    parts: &[Part],
    chars: impl Iterator<Item = (usize, char)>,
    start: usize,
    greedy: bool,
    work: &mut usize,
) -> Result<Option<usize>, Exhausted> {
    let mut states = vec![false; parts.len() + 1];
    states[0] = true;
    skip_stars(parts, &mut states);
    let mut end = states[parts.len()].then_some(start);
    for (at, c) in chars {
        if !greedy && end.is_some() {
            break;
        }
        *work = work.checked_sub(parts.len() + 1).ok_or(Exhausted)?;
        // From the back, so that each state moves by one character only.
        let mut alive = false;
        for i in (0..=parts.len()).rev() {
            let stays = states[i] && parts.get(i) == Some(&Part::Many) && c != '\n';
            let arrives = i > 0
                && states[i - 1]
                && match parts[i - 1] {
                    Part::One(one) => one == c,
                    Part::Any => c != '\n',
                    Part::Many => false,
                };
            states[i] = stays || arrives;
            alive |= states[i];
        }
        if !alive {
            break;
        }
        skip_stars(parts, &mut states);
        if states[parts.len()] {
            end = Some(at);
        }
    }
    Ok(end)
}

/// A `*` may match nothing.
fn skip_stars(parts: &[Part], states: &mut [bool]) {
    for (i, part) in parts.iter().enumerate() {
        if states[i] && *part == Part::Many {
            states[i + 1] = true;
        }
    }
}

/// Replacing all goes through Go's template of a regular expression: `$0` is the match, `$$` a
/// dollar, any other `$name` empty.
fn push_template(out: &mut String, template: &str, whole: &str) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, behind) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').unwrap_or(("", after)),
            None => after.split_at(after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        if let Some(behind) = after.strip_prefix('$') {
            out.push('$');
            rest = behind;
        } else if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            out.push('$');
            rest = after;
        } else {
            if name == "0" {
                out.push_str(whole);
            }
            rest = behind;
        }
    }
    out.push_str(rest);
}
