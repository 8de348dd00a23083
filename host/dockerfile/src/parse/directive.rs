//! Parser directives: `# escape=`, `# syntax=` and `# check=` at the top of a file.
//!
//! Lines → [`Directive`]s, until the first line that is none. Each may stand once.

use super::lines::{self, Lines};
use crate::span::{Span, offset};
use crate::tree::{Directive, DirectiveKind};

/// Reads directives line by line.
#[derive(Default)]
pub(super) struct Directives {
    seen: Vec<DirectiveKind>,
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
    pub(super) fn read(&mut self, source: &[u8], line: Span, comment: &[u8]) -> Read {
        if self.done { Read::Done } else { self.read_next(source, line, comment) }
    }

    fn read_next(&mut self, source: &[u8], line: Span, comment: &[u8]) -> Read {
        match parse(source, line, comment) {
            None => {
                self.done = true;
                Read::Done
            }
            Some(directive) if self.seen.contains(&directive.kind) => Read::Duplicate(directive),
            Some(directive) => {
                self.seen.push(directive.kind);
                Read::Directive(directive)
            }
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
        if lines.number == 1 && line.content.of(source).starts_with(b"#!") {
            continue;
        }
        match directives.read(source, line.content, comment) {
            Read::Directive(directive) if directive.kind == kind => return Some(directive),
            Read::Directive(_) => {}
            Read::Done | Read::Duplicate(_) => return None,
        }
    }
    None
}

/// `# name = value`, the name in any case.
fn parse(source: &[u8], line: Span, comment: &[u8]) -> Option<Directive> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | 0x0C | b'\r');
    let skip = |span: Span| {
        let blanks = span.of(source).iter().take_while(|b| blank(b)).count();
        Span::new(span.start + offset(blanks), span.end)
    };
    let rest = line.of(source).strip_prefix(comment)?;
    let rest = lines::trim_start(source, Span::new(line.end - offset(rest.len()), line.end));
    let bytes = rest.of(source);
    let len = bytes.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let name = &bytes[..len];
    let kinds = [DirectiveKind::Syntax, DirectiveKind::Escape, DirectiveKind::Check];
    let kind = kinds.into_iter().find(|kind| name.eq_ignore_ascii_case(kind.as_str().as_bytes()))?;
    let behind = skip(Span::new(rest.start + offset(len), rest.end));
    if behind.of(source).first() != Some(&b'=') {
        return None;
    }
    let mut value = skip(Span::new(behind.start + 1, behind.end));
    value.end -= offset(value.of(source).iter().rev().take_while(|b| blank(b)).count());
    // Of blanks alone the last one is the value.
    if value.is_empty() && behind.len() > 1 {
        value = Span::new(behind.end - 1, behind.end);
    }
    (!value.is_empty()).then_some(Directive { kind, span: line, value })
}
