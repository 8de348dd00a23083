//! What one comment says: `# plimsoll ignore=RULE[,RULE] until=2027-01-31 -- reason` and its kin.
//!
//! Input: the bytes of a comment and where they stand. Output: [`Comment`], with places in the
//! file. A text that is none of these gives nothing.

use plimsoll_dockerfile::Span;
use time::{Date, Month};

/// A comment that speaks of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) span: Span,
    pub(super) kind: Kind,
    /// Whether it is written to Plimsoll; else it is hadolint's.
    pub(super) is_own: bool,
    /// The rules that it names.
    pub(super) names: Vec<Span>,
    pub(super) until: Option<Until>,
    /// What it says after `--`.
    pub(super) reason: Option<Span>,
}

/// What a comment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The instruction below, or around it.
    Instruction,
    /// The whole file.
    File,
    /// What follows, up to the end that names it.
    Start,
    /// The end of that.
    End,
}

/// The last day on which a comment counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Until {
    /// Where it stands.
    pub(super) span: Span,
    /// None for what is no day.
    pub(super) day: Option<Date>,
}

/// Reads a comment that begins at an offset with its `#`.
pub(super) fn read(bytes: &[u8], at: u32) -> Option<Comment> {
    // Most comments are for people.
    let lead = bytes.iter().take_while(|byte| **byte == b'#' || byte.is_ascii_whitespace()).count();
    if !bytes[lead..].starts_with(b"plimsoll") && !bytes[lead..].starts_with(b"hadolint") {
        return None;
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut reader = Reader { text, at: 0, base: at };
    reader.skip(|c| c == '#' || c.is_whitespace());
    let is_own = reader.takes("plimsoll");
    if !is_own && !reader.takes("hadolint") || !reader.skip(char::is_whitespace) {
        return None;
    }
    let is_global = reader.takes("global");
    if is_global && !reader.skip(char::is_whitespace) || !reader.takes("ignore") {
        return None;
    }
    let kind = match () {
        () if is_global => Kind::File,
        () if is_own && reader.takes("-start") => Kind::Start,
        () if is_own && reader.takes("-end") => Kind::End,
        () => Kind::Instruction,
    };
    let has_names = reader.takes_sign();
    let is_bare_end = kind == Kind::End && reader.is_at_word_end();
    if !has_names && !is_bare_end {
        return None;
    }
    let names = if has_names { reader.names() } else { Vec::new() };
    let (until, reason) = if is_own { reader.rest() } else { (None, None) };
    let span = Span::new(at, at + offset(text.trim_end().len()));
    Some(Comment { span, kind, is_own, names, until, reason })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    base: u32,
}

impl Reader<'_> {
    fn left(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip(&mut self, is_skipped: impl Fn(char) -> bool) -> bool {
        let left = self.left();
        let count = left.len() - left.trim_start_matches(is_skipped).len();
        self.at += count;
        count > 0
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_there = self.left().starts_with(word);
        self.at += if is_there { word.len() } else { 0 };
        is_there
    }

    /// Takes `=` with the blanks around it.
    fn takes_sign(&mut self) -> bool {
        let is_there = self.left().trim_start().starts_with('=');
        if is_there {
            self.skip(char::is_whitespace);
            self.takes("=");
            self.skip(char::is_whitespace);
        }
        is_there
    }

    fn is_at_word_end(&self) -> bool {
        self.left().chars().next().is_none_or(char::is_whitespace)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.base + offset(start), self.base + offset(end))
    }

    /// Names with `,` between them. They end at the first blank beside no comma.
    fn names(&mut self) -> Vec<Span> {
        let mut names = Vec::new();
        loop {
            let left = self.left();
            let length = left.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(left.len());
            let word = &left[..length];
            let is_until = word == "until" && left[length..].trim_start().starts_with('=');
            if is_until || word.starts_with("--") || word.starts_with("until=") {
                return names;
            }
            if length > 0 {
                names.push(self.span(self.at, self.at + length));
            }
            self.at += length;
            if !self.left().trim_start().starts_with(',') {
                return names;
            }
            self.skip(|c| c == ',' || c.is_whitespace());
        }
    }

    /// What stands behind the names. Words that mean nothing are passed over.
    fn rest(&mut self) -> (Option<Until>, Option<Span>) {
        let mut until = None;
        loop {
            self.skip(char::is_whitespace);
            let start = self.at;
            if self.takes("--") {
                self.skip(char::is_whitespace);
                let reason = self.left().trim_end().len();
                return (until, (reason > 0).then(|| self.span(self.at, self.at + reason)));
            }
            if self.left().is_empty() {
                return (until, None);
            }
            if self.takes("until") && self.takes_sign() {
                let day = self.word();
                let span = self.span(start, self.at);
                until = until.or(Some(Until { span, day: parse_day(&self.text[day]) }));
            } else {
                self.word();
            }
        }
    }

    fn word(&mut self) -> std::ops::Range<usize> {
        let left = self.left();
        let start = self.at;
        self.at += left.find(char::is_whitespace).unwrap_or(left.len());
        start..self.at
    }
}

/// A day such as 2027-01-31.
fn parse_day(text: &str) -> Option<Date> {
    let [year, month, day] = text.split('-').collect::<Vec<_>>().try_into().ok()?;
    let number = |text: &str, digits: usize| {
        let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok())?
    };
    let month = Month::try_from(u8::try_from(number(month, 2)?).ok()?).ok()?;
    Date::from_calendar_date(number(year, 4)?.into(), month, u8::try_from(number(day, 2)?).ok()?).ok()
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a comment means: kind, names, `until` and reason, as far as there are any.
    fn meaning(text: &str) -> String {
        let Some(comment) = read(text.as_bytes(), 7) else { return "nothing".to_owned() };
        let at = |span: Span| &text[span.start as usize - 7..span.end as usize - 7];
        let mut parts = vec![format!("{:?}", comment.kind)];
        parts.extend((!comment.is_own).then(|| "hadolint".to_owned()));
        parts.extend(comment.names.iter().map(|name| at(*name).to_owned()));
        parts.extend(comment.until.map(|until| until.day.map_or("until?".to_owned(), |day| format!("until {day}"))));
        parts.extend(comment.reason.map(|reason| format!("-- {}", at(reason))));
        parts.join(" ")
    }

    #[test]
    fn what_comments_mean() {
        let check = |text: &str, expect: &str| assert_eq!(meaning(text), expect, "{text}");
        check("# plimsoll ignore=A,buildkit/B -- because", "Instruction A buildkit/B -- because");
        check("#plimsoll ignore = A , B because", "Instruction A B");
        check("##  plimsoll\tignore=A", "Instruction A");
        check("# plimsoll ignore=buildkit/*,s*/x", "Instruction buildkit/* s*/x");
        check("# plimsoll ignore=A until=2027-01-31 -- soon  ", "Instruction A until 2027-01-31 -- soon");
        check("# plimsoll ignore=A, until = 2027-01-31", "Instruction A until 2027-01-31");
        check("# plimsoll ignore=A -- until=2027-01-31", "Instruction A -- until=2027-01-31");
        check("# plimsoll ignore=A --short", "Instruction A -- short");
        check("# plimsoll ignore=A --", "Instruction A");
        check("# plimsoll ignore=,A,,B,", "Instruction A B");
        check("# plimsoll ignore=", "Instruction");
        check("# plimsoll ignore= -- why", "Instruction -- why");
        check("# plimsoll ignore=A until=2027-02-30", "Instruction A until?");
        check("# plimsoll ignore=A until=tomorrow until=2027-01-31", "Instruction A until?");
        check("# plimsoll ignore=A until=2027-1-31", "Instruction A until?");
        check("# plimsoll global ignore=A", "File A");
        check("# plimsoll  global\tignore = A", "File A");
        check("# plimsoll ignore-start=A,B -- why", "Start A B -- why");
        check("# plimsoll ignore-end", "End");
        check("# plimsoll ignore-end=A", "End A");
        check("# plimsoll ignore-end -- done", "End -- done");
        check("# hadolint ignore=DL3006,SC2086", "Instruction hadolint DL3006 SC2086");
        check("# hadolint global ignore=DL3006", "File hadolint DL3006");
        check("# hadolint ignore=DL3006 until=2020-01-01", "Instruction hadolint DL3006");
        for nothing in [
            "# plimsoll",
            "# plimsoll ignore A",
            "# plimsoll ignored=A",
            "# plimsoll ignore-ends",
            "# plimsollignore=A",
            "# plimsoll globalignore=A",
            "# plimsoll global ignore-start=A",
            "# plimsoll shell=bash",
            "# see plimsoll ignore=A",
            "# hadolint ignore-start=A",
            "# check=skip=A",
            "",
        ] {
            check(nothing, "nothing");
        }
        assert_eq!(read(b"# plimsoll ignore=A -- \xff", 0).map(|comment| comment.names.len()), Some(1));
    }
}
