//! Parser directives: `# escape=`, `# syntax=` and `# check=` at the top of a file.
//!
//! Lines → [`Directive`]s, until the first line that is none. Each may stand once.

use super::lines::{Line, Lines};
use crate::tree::{Directive, DirectiveKind};

/// Reads directives line by line.
#[derive(Default)]
pub(super) struct Directives {
    seen: [bool; KINDS.len()],
    done: bool,
}

/// What one line is.
pub(super) enum Read {
    /// No directive, and no later line is one.
    Done,
    /// A directive.
    Directive(Directive),
    /// A directive that was there before.
    Duplicate(Directive),
}

/// The directive of a kind as BuildKit looks for it before it parses: a `#!` line may come first, and
/// for `syntax` the block may be one of `//` comments.
pub fn find_directive(source: &[u8], kind: DirectiveKind) -> Option<Directive> {
    let first = scan(source, kind, b"#");
    if kind == DirectiveKind::Syntax { first.or_else(|| scan(source, kind, b"//")) } else { first }
}

impl Directives {
    /// Reads the next line, given without newline and without blanks before it.
    #[inline]
    pub(super) fn read(&mut self, line: Line<'_>, comment: &[u8]) -> Read {
        if self.done { Read::Done } else { self.read_next(line, comment) }
    }

    fn read_next(&mut self, line: Line<'_>, comment: &[u8]) -> Read {
        let Some(directive) = parse(line, comment) else {
            self.done = true;
            return Read::Done;
        };
        match std::mem::replace(&mut self.seen[directive.kind as usize], true) {
            true => Read::Duplicate(directive),
            false => Read::Directive(directive),
        }
    }
}

impl DirectiveKind {
    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Escape => "escape",
            Self::Check => "check",
        }
    }
}

fn scan(source: &[u8], kind: DirectiveKind, comment: &[u8]) -> Option<Directive> {
    let mut lines = Lines::new(source);
    let mut directives = Directives::default();
    while let Some(line) = lines.next() {
        if lines.number == 1 && line.bytes.starts_with(b"#!") {
            continue;
        }
        match directives.read(line, comment) {
            Read::Directive(directive) if directive.kind == kind => return Some(directive),
            Read::Directive(_) => {}
            Read::Done | Read::Duplicate(_) => return None,
        }
    }
    None
}

/// `# name = value`, the name in any case.
fn parse(line: Line<'_>, comment: &[u8]) -> Option<Directive> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | 0x0C | b'\r');
    let skip = |line: Line<'_>| line.bytes.iter().take_while(|b| blank(b)).count();
    if !line.bytes.starts_with(comment) {
        return None;
    }
    let rest = line.behind(comment.len()).trim_start();
    let len = rest.bytes.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let name = &rest.bytes[..len];
    let kind = KINDS.into_iter().find(|kind| name.eq_ignore_ascii_case(kind.as_str().as_bytes()))?;
    let behind = rest.behind(len);
    let behind = behind.behind(skip(behind));
    if behind.bytes.first() != Some(&b'=') {
        return None;
    }
    let value = behind.behind(1);
    let value = value.behind(skip(value));
    let value = value.front(value.bytes.len() - value.bytes.iter().rev().take_while(|b| blank(b)).count());
    // Of blanks alone the last one is the value.
    let value = if value.bytes.is_empty() { behind.behind(behind.bytes.len().saturating_sub(1).max(1)) } else { value };
    (!value.bytes.is_empty()).then_some(Directive { kind, span: line.span(), value: value.span() })
}

const KINDS: [DirectiveKind; 3] = [DirectiveKind::Syntax, DirectiveKind::Escape, DirectiveKind::Check];
