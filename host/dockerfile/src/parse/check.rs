//! What BuildKit refuses after parsing: unknown instructions and flags, wrong numbers of arguments.
//!
//! One instruction of a tree → nothing, or BuildKit's first complaint about it.

use std::borrow::Cow;
use std::num::IntErrorKind;

use super::heredoc;
use super::options::{self, suggested};
use crate::tree::{Flag, Instruction, Keyword, Source, Tree, WordRole};

/// Checks one instruction as BuildKit does before it builds anything.
pub(crate) fn instruction(source: Source<'_>, tree: &Tree, index: u32) -> Result<(), String> {
    let Some(instruction) = tree.instructions.get(index as usize) else { return Ok(()) };
    let subject = Subject { source, tree, instruction };
    let count = instruction.words.len();
    let name = instruction.keyword.as_str();
    match instruction.keyword {
        Keyword::Env | Keyword::Label => {
            subject.flags(&[])?;
            at_least_one(name, count)?;
            if tree.words_of(instruction).iter().any(|word| word.role == WordRole::Key && word.text.is_empty()) {
                return Err(format!("{name} names can not be blank"));
            }
            Ok(())
        }
        Keyword::Maintainer | Keyword::User | Keyword::Workdir => {
            exactly_one(name, count)?;
            subject.flags(&[])
        }
        Keyword::Add => subject.copied(&ADD_FLAGS),
        Keyword::Copy => subject.copied(&COPY_FLAGS),
        Keyword::From => {
            subject.stage_name()?;
            subject.flags(&[("platform", Kind::Text)])
        }
        Keyword::Onbuild => {
            let trigger = tree.instructions.get(index as usize + 1).filter(|inner| inner.parent == Some(index));
            at_least_one(name, usize::from(trigger.is_some()))?;
            subject.flags(&[])?;
            match trigger.map(|inner| inner.keyword) {
                Some(Keyword::Onbuild) => Err("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".into()),
                Some(inner @ (Keyword::Maintainer | Keyword::From)) => {
                    Err(format!("{} isn't allowed as an ONBUILD trigger", inner.as_str()))
                }
                _ => Ok(()),
            }
        }
        Keyword::Run => subject.run(),
        Keyword::Cmd | Keyword::Entrypoint => subject.flags(&[]),
        Keyword::Healthcheck => subject.healthcheck(),
        Keyword::Expose => {
            at_least_one(name, count)?;
            subject.flags(&[])
        }
        Keyword::Volume => {
            at_least_one(name, count)?;
            subject.flags(&[])?;
            if tree.words_of(instruction).iter().any(|word| tree.characters(source, word.text).trim().is_empty()) {
                return Err("VOLUME specified can not be an empty string".into());
            }
            Ok(())
        }
        // Neither looks at its flags.
        Keyword::Stopsignal => exactly_one(name, count),
        Keyword::Arg => {
            at_least_one(name, count)?;
            if subject.words(WordRole::Plain).any(|word| word.starts_with('=')) {
                return Err("ARG names can not be blank".into());
            }
            Ok(())
        }
        Keyword::Shell => {
            subject.flags(&[])?;
            at_least_one(name, count)?;
            if instruction.json {
                return Ok(());
            }
            Err("SHELL requires the arguments to be in JSON form".into())
        }
        Keyword::Unknown => Err(subject.unknown()),
    }
}

/// The flags of an instruction, by name.
type Known = [(&'static str, Kind)];

/// What a flag takes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// `true`, `false` or nothing.
    Bool,
    /// A text.
    Text,
    /// A text, and it may come again.
    Texts,
}

struct Subject<'t> {
    source: Source<'t>,
    tree: &'t Tree,
    instruction: &'t Instruction,
}

impl<'t> Subject<'t> {
    fn copied(&self, known: &Known) -> Result<(), String> {
        let name = self.instruction.keyword.as_str();
        let words = self.tree.words_of(self.instruction);
        let [.., _, destination] = words else {
            return Err(format!(
                "{name} requires at least two arguments, but only one was provided. Destination could not be determined"
            ));
        };
        self.flags(known)?;
        if destination.text.plain {
            return Ok(());
        }
        match heredoc::marker(self.tree.characters(self.source, destination.text)) {
            Ok(Some(_)) => Err(format!("{name} cannot accept a heredoc as a destination")),
            _ => Ok(()),
        }
    }

    fn stage_name(&self) -> Result<(), String> {
        let words = self.tree.words_of(self.instruction);
        match words {
            [_] => Ok(()),
            [_, keyword, name] if self.tree.characters(self.source, keyword.text).eq_ignore_ascii_case("as") => {
                let name = self.tree.characters(self.source, name.text);
                if is_stage_name(&stage_name(name)) {
                    return Ok(());
                }
                let reason = "name can't start with a number or contain symbols";
                Err(format!("invalid name for build stage: {name:?}, {reason}"))
            }
            _ => Err("FROM requires either one or three arguments".into()),
        }
    }

    fn run(&self) -> Result<(), String> {
        if self.instruction.flags.is_empty() { Ok(()) } else { self.run_flags() }
    }

    #[inline(never)]
    fn run_flags(&self) -> Result<(), String> {
        self.flags(&RUN_FLAGS)?;
        for value in self.values("mount") {
            for field in options::fields(value).map_err(|reason| format!("failed to parse csv mounts: {reason}"))? {
                let Some((key, value)) = field.pair() else { continue };
                let variable = value.find('$').is_some_and(|at| at + 1 != value.len());
                if key.eq_ignore_ascii_case("from") && variable {
                    return Err("'from' doesn't support variable expansion, define alias stage instead".into());
                }
            }
        }
        if let Some(mode) = self.values("network").find(|mode| !["default", "none", "host"].contains(mode)) {
            return Err(format!("invalid network mode {mode:?}"));
        }
        if let Some(mode) = self.values("security").find(|mode| !["insecure", "sandbox"].contains(mode)) {
            return Err(format!("security {mode:?} is not valid"));
        }
        self.values("device").try_for_each(options::check_device)
    }

    #[inline(never)]
    fn healthcheck(&self) -> Result<(), String> {
        let words = self.tree.words_of(self.instruction);
        at_least_one("HEALTHCHECK", words.len())?;
        let kind = self.tree.characters(self.source, words[0].text).to_uppercase();
        if kind == "NONE" {
            return if words.len() > 1 { Err("HEALTHCHECK NONE takes no arguments".into()) } else { Ok(()) };
        }
        self.flags(&HEALTHCHECK_FLAGS)?;
        if kind != "CMD" {
            return Err(format!("Unknown type {kind:?} in HEALTHCHECK (try CMD)"));
        }
        if words.len() == 1 {
            return Err("Missing command after HEALTHCHECK CMD".into());
        }
        for name in ["interval", "timeout", "start-period", "start-interval"] {
            for value in self.values(name).filter(|value| !value.is_empty()) {
                let nanoseconds = duration(value)?;
                if nanoseconds != 0 && nanoseconds < MILLISECOND {
                    return Err(format!("Interval {name:?} cannot be less than 1ms"));
                }
            }
        }
        match self.values("retries").find(|value| !value.is_empty()) {
            Some(value) => match value.parse::<i32>() {
                Ok(retries) if retries < 0 => Err(format!("--retries cannot be negative ({retries})")),
                Ok(_) => Ok(()),
                Err(error) => {
                    let large = matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
                    let reason = if large { "value out of range" } else { "invalid syntax" };
                    Err(format!("strconv.ParseInt: parsing {value:?}: {reason}"))
                }
            },
            None => Ok(()),
        }
    }

    #[cold]
    fn unknown(&self) -> String {
        let written = String::from_utf8_lossy(self.instruction.keyword_span.of(self.source.bytes)).into_owned();
        let lower = written.to_lowercase();
        let known: Vec<String> = Keyword::ALL.iter().map(|keyword| keyword.as_str().to_lowercase()).collect();
        let near = crate::suggest::nearest(&lower, known.iter().map(String::as_str));
        let message = format!("unknown instruction: {written}");
        match near {
            Some(near) if written == lower => format!("{message} (did you mean {near}?)"),
            Some(near) if written == written.to_uppercase() => {
                format!("{message} (did you mean {}?)", near.to_uppercase())
            }
            Some(near) => format!("{message} (did you mean {near}?)"),
            None => message,
        }
    }

    /// Checks the flags against those the instruction knows.
    #[inline]
    fn flags(&self, known: &Known) -> Result<(), String> {
        if self.instruction.flags.is_empty() { Ok(()) } else { self.each_flag(known) }
    }

    fn each_flag(&self, known: &Known) -> Result<(), String> {
        // The known flags that were there, one bit for each.
        let mut used = 0u32;
        for flag in self.tree.flags_of(self.instruction) {
            let (name, value) = self.flag(flag);
            let Some(number) = known.iter().position(|(known, _)| *known == name) else {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                return Err(suggested(format!("unknown flag: --{name}"), name, &names));
            };
            let kind = known[number].1;
            if used & 1 << number != 0 && kind != Kind::Texts {
                return Err(format!("duplicate flag specified: --{name}"));
            }
            used |= 1 << number;
            match (kind, value) {
                (Kind::Bool, None) | (Kind::Text | Kind::Texts, Some(_)) => {}
                (Kind::Bool, Some(value)) if !value.is_empty() => {
                    if !value.eq_ignore_ascii_case("true") && !value.eq_ignore_ascii_case("false") {
                        return Err(format!("expecting boolean value for flag --{name}, not: {value}"));
                    }
                }
                _ => return Err(format!("missing a value on flag: --{name}")),
            }
        }
        Ok(())
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &'t str> {
        let (source, tree) = (self.source, self.tree);
        let flags = tree.flags_of(self.instruction).iter();
        flags
            .filter(move |flag| tree.is_named(source, flag, name))
            .filter_map(move |flag| flag.value.map(|value| tree.characters(source, value)))
    }

    fn flag(&self, flag: &Flag) -> (&'t str, Option<&'t str>) {
        let text = |text| self.tree.characters(self.source, text);
        (text(flag.name), flag.value.map(text))
    }

    fn words(&self, role: WordRole) -> impl Iterator<Item = &'t str> {
        let (source, tree) = (self.source, self.tree);
        let words = tree.words_of(self.instruction).iter();
        words.filter(move |word| word.role == role).map(move |word| tree.characters(source, word.text))
    }
}

const ADD_FLAGS: [(&str, Kind); 7] = [
    ("chown", Kind::Text),
    ("chmod", Kind::Text),
    ("link", Kind::Bool),
    ("keep-git-dir", Kind::Bool),
    ("checksum", Kind::Text),
    ("unpack", Kind::Bool),
    ("exclude", Kind::Texts),
];

const COPY_FLAGS: [(&str, Kind); 6] = [
    ("chown", Kind::Text),
    ("from", Kind::Text),
    ("chmod", Kind::Text),
    ("link", Kind::Bool),
    ("exclude", Kind::Texts),
    ("parents", Kind::Bool),
];

const RUN_FLAGS: [(&str, Kind); 4] =
    [("mount", Kind::Texts), ("network", Kind::Text), ("security", Kind::Text), ("device", Kind::Texts)];

const HEALTHCHECK_FLAGS: [(&str, Kind); 5] = [
    ("interval", Kind::Text),
    ("timeout", Kind::Text),
    ("start-period", Kind::Text),
    ("start-interval", Kind::Text),
    ("retries", Kind::Text),
];

/// The name of a stage as BuildKit compares it: each character in lower case for itself.
pub(crate) fn stage_name(written: &str) -> Cow<'_, str> {
    if written.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return written.into();
    }
    written.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect::<String>().into()
}

/// Lower-case letters, digits, `-`, `_` and `.`, a letter first.
pub(crate) fn is_stage_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    name.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && name.bytes().all(inside)
}

fn at_least_one(name: &str, count: usize) -> Result<(), String> {
    if count > 0 { Ok(()) } else { Err(format!("{name} requires at least one argument")) }
}

fn exactly_one(name: &str, count: usize) -> Result<(), String> {
    if count == 1 { Ok(()) } else { Err(format!("{name} requires exactly one argument")) }
}

/// A duration such as `1m30s`, in nanoseconds.
fn duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0i64;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit;
        (unit, rest) = after.split_at(after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len()));
        let scale = match unit {
            "ns" => 1,
            // BuildKit reads flags byte by byte, so that `µs` is no unit.
            "us" => 1_000,
            "ms" => MILLISECOND,
            "s" => 1_000 * MILLISECOND,
            "m" => 60_000 * MILLISECOND,
            "h" => 3_600_000 * MILLISECOND,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            _ => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        let whole = if whole.is_empty() { Some(0) } else { whole.parse::<i64>().ok() };
        let part = format!("0.{fraction}").parse::<f64>().unwrap_or(0.0) * scale as f64;
        let sum = whole.and_then(|whole| whole.checked_mul(scale)?.checked_add(part as i64)?.checked_add(total));
        total = sum.ok_or_else(invalid)?;
    }
    Ok(if negative { -total } else { total })
}

/// The digits a text begins with, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// One millisecond in nanoseconds.
const MILLISECOND: i64 = 1_000_000;
