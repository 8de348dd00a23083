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
    /// What in it means nothing, and was probably meant to.
    pub(super) odd: Option<Odd>,
}

/// Words that mean nothing, the first of a comment's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// Nobody writes them to people.
    Certain(Span),
    /// It is one if a rule is called so.
    IfRule(Span),
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
    /// Nothing that can be read.
    Unread,
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
    if !is_own && !reader.takes("hadolint") {
        return None;
    }
    let span = Span::new(at, at + offset(text.trim_end().len()));
    let start = reader.at;
    let comment = |kind| Comment { span, kind, is_own, names: Vec::new(), until: None, reason: None, odd: None };
    let Some(kind) = reader.kind(is_own) else {
        reader.at = start;
        let odd = reader.odd_head().filter(|_| is_own)?;
        return Some(Comment { odd: Some(odd), ..comment(Kind::Unread) });
    };
    let names = if reader.takes_sign() { reader.names(is_own) } else { Vec::new() };
    let (until, reason, odd) = if is_own { reader.rest() } else { (None, None, None) };
    Some(Comment { names, until, reason, odd, ..comment(kind) })
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

    /// What a comment is about: what stands in front of its `=`.
    fn kind(&mut self, is_own: bool) -> Option<Kind> {
        if !self.skip(char::is_whitespace) {
            return None;
        }
        let is_global = self.takes("global");
        if is_global && !self.skip(char::is_whitespace) || !self.takes("ignore") {
            return None;
        }
        let kind = match () {
            () if is_global => Kind::File,
            () if is_own && self.takes("-start") => Kind::Start,
            () if is_own && self.takes("-end") => Kind::End,
            () => Kind::Instruction,
        };
        let is_bare_end = kind == Kind::End && self.is_at_word_end();
        (is_bare_end || self.left().trim_start().starts_with('=')).then_some(kind)
    }

    /// What looks like a comment that waves findings through, and is none: a word that begins so, with a sign behind
    /// it, with nothing or a rule's name.
    fn odd_head(&mut self) -> Option<Odd> {
        let has_colon = self.takes(":");
        if !self.skip(char::is_whitespace) && !has_colon {
            return None;
        }
        let start = self.at;
        if self.takes("global") {
            self.skip(char::is_whitespace);
        }
        let word = self.left();
        let length = word.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(word.len());
        let word = word[..length].to_ascii_lowercase();
        if !word.starts_with("ignore") {
            return None;
        }
        self.at += length;
        let all = Odd::Certain(self.span(start, self.at));
        let is_short = self.left().trim().is_empty();
        let is_of_block = ["ignore-s", "ignore-e"].iter().any(|start| word.starts_with(start));
        if self.takes_sign() || self.takes(":") || is_of_block || is_short && word == "ignore" {
            return Some(all);
        }
        self.skip(char::is_whitespace);
        self.name().filter(|_| word == "ignore").map(Odd::IfRule)
    }

    /// A word that may be the name of a rule, and is taken.
    fn name(&mut self) -> Option<Span> {
        let word = self.word();
        let end = word.start + self.text[word.clone()].trim_end_matches([',', '.', ':', ';']).len();
        (end > word.start).then(|| self.span(word.start, end))
    }

    /// Names with `,` between them. They end at the first blank beside no comma, those of hadolint at its `#` too.
    fn names(&mut self, is_own: bool) -> Vec<Span> {
        let mut names = Vec::new();
        loop {
            let left = self.left();
            let ends = |c: char| c == ',' || c.is_whitespace() || c == '#' && !is_own;
            let length = left.find(ends).unwrap_or(left.len());
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

    /// What stands behind the names. Words that mean nothing are passed over, but for those that were meant to.
    fn rest(&mut self) -> (Option<Until>, Option<Span>, Option<Odd>) {
        let (mut until, mut odd, mut is_first) = (None, None, true);
        loop {
            self.skip(char::is_whitespace);
            let start = self.at;
            if self.takes("--") {
                self.skip(char::is_whitespace);
                let reason = self.left().trim_end().len();
                return (until, (reason > 0).then(|| self.span(self.at, self.at + reason)), odd);
            }
            if self.left().is_empty() {
                return (until, None, odd);
            }
            if self.takes("until") && self.takes_sign() {
                let day = self.word();
                let span = self.span(start, self.at);
                until = until.or(Some(Until { span, day: parse_day(&self.text[day]) }));
                continue;
            }
            self.at = start;
            let Some(name) = self.name() else { continue };
            let word = &self.text[start..self.at];
            let is_day = parse_day(word.trim_matches(|c: char| !c.is_ascii_digit())).is_some();
            let found = match () {
                () if word.contains('=') || is_day => Some(Odd::Certain(name)),
                () => is_first.then_some(Odd::IfRule(name)),
            };
            is_first = false;
            odd = match (odd, found) {
                (None | Some(Odd::IfRule(_)), Some(Odd::Certain(_))) | (None, _) => found,
                _ => odd,
            };
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
        parts.extend(comment.odd.map(|odd| match odd {
            Odd::Certain(span) => format!("odd: {}", at(span)),
            Odd::IfRule(span) => format!("perhaps odd: {}", at(span)),
        }));
        parts.join(" ")
    }

    #[test]
    fn what_comments_mean() {
        let check = |text: &str, expect: &str| assert_eq!(meaning(text), expect, "{text}");
        check("# plimsoll ignore=A,buildkit/B -- because", "Instruction A buildkit/B -- because");
        check("#plimsoll ignore = A , B because", "Instruction A B perhaps odd: because");
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
        check("# hadolint ignore=DL3025# why", "Instruction hadolint DL3025");
        check("# plimsoll ignore=A#b", "Instruction A#b");
        for nothing in [
            "# plimsoll",
            "# plimsoll is great",
            "# plimsoll ignores this",
            "# plimsoll ignore-files are read",
            "# plimsoll, ignore this",
            "# plimsollignore=A",
            "# plimsoll shell=bash",
            "# plimsoll lock=pin",
            "# see plimsoll ignore=A",
            "# hadolint ignore-start=A",
            "# hadolint ignore A",
            "# check=skip=A",
            "",
        ] {
            check(nothing, "nothing");
        }
        assert_eq!(read(b"# plimsoll ignore=A -- \xff", 0).map(|comment| comment.names.len()), Some(1));
    }

    #[test]
    fn what_was_meant_to_count_is_told_from_prose() {
        let check = |text: &str, expect: &str| assert_eq!(meaning(text), expect, "{text}");
        for (behind, odd) in [
            ("until 2020-01-01 -- x", "-- x odd: 2020-01-01"),
            ("Until=2020-01-01", "odd: Until=2020-01-01"),
            ("as said unitl=2020-01-01", "odd: unitl=2020-01-01"),
            ("(until=2020-01-01)", "odd: (until=2020-01-01)"),
            ("B until=2027-01-31", "until 2027-01-31 perhaps odd: B"),
            ("by 2020-01-01.", "odd: 2020-01-01"),
            ("in the 2020s", "perhaps odd: in"),
            ("-- until 2020-01-01", "-- until 2020-01-01"),
        ] {
            check(&format!("# plimsoll ignore=A {behind}"), &format!("Instruction A {odd}"));
        }
        for (text, odd) in [
            ("ignore", "odd: ignore"),
            ("ignore: A", "odd: ignore"),
            ("ignore-star=A", "odd: ignore-star"),
            ("ignore-ends", "odd: ignore-ends"),
            ("ignore-start A", "odd: ignore-start"),
            ("ignored=A", "odd: ignored"),
            ("Ignore=A", "odd: Ignore"),
            ("globalignore=A", "odd: globalignore"),
            ("global ignore-start=A", "odd: global ignore-start"),
            ("ignore A, B", "perhaps odd: A"),
            ("ignore this", "perhaps odd: this"),
        ] {
            check(&format!("# plimsoll {text}"), &format!("Unread {odd}"));
        }
        check("# plimsoll: ignore=A", "Unread odd: ignore");
        check("# plimsoll:ignore=A", "Unread odd: ignore");
    }
}
