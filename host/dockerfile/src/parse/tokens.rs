//! The source as tokens, out of the tree's spans and what lies between them.
//!
//! Tree and source → tokens that follow each other from the first byte to the last.

use crate::span::{BYTE_ORDER_MARK, Span, offset};
use crate::tree::{Token, TokenKind, Tree};

/// All tokens, in order, without gap.
pub(crate) fn tokens(tree: &Tree, source: &[u8]) -> Vec<Token> {
    let mut marks = marks(tree, source);
    marks.sort_unstable_by_key(|token| token.span.start);
    let mut tokens = Vec::with_capacity(marks.len() * 2);
    let mut at = 0;
    for mark in marks {
        let span = Span::new(mark.span.start.max(at), mark.span.end);
        if !span.is_empty() {
            fill(tree, source, Span::new(at, span.start), &mut tokens);
            tokens.push(Token { span, ..mark });
            at = span.end;
        }
    }
    fill(tree, source, Span::new(at, offset(source.len())), &mut tokens);
    tokens
}

/// What the tree names, cut where a continuation interrupts it.
fn marks(tree: &Tree, source: &[u8]) -> Vec<Token> {
    let mut marks = Vec::new();
    if source.starts_with(BYTE_ORDER_MARK) {
        marks.push(Token { kind: TokenKind::ByteOrderMark, span: Span::new(0, offset(BYTE_ORDER_MARK.len())) });
    }
    marks.extend(tree.comments.iter().map(|c| Token { kind: TokenKind::Comment, span: c.span }));
    marks.extend(tree.directives.iter().map(|d| Token { kind: TokenKind::Directive, span: d.span }));
    for heredoc in &tree.heredocs {
        marks.push(Token { kind: TokenKind::HeredocBody, span: heredoc.body });
        marks.extend(heredoc.terminator.map(|span| Token { kind: TokenKind::HeredocEnd, span }));
    }
    for instruction in &tree.instructions {
        let segments = tree.segments.get(instruction.segments.start as usize..instruction.segments.end as usize);
        let mut segments = Cutter { segments: segments.unwrap_or_default() };
        segments.cut(TokenKind::Keyword, instruction.keyword_span, &mut marks);
        for flag in tree.flags_of(instruction) {
            segments.cut(TokenKind::Flag, flag.span, &mut marks);
        }
        for word in tree.words_of(instruction) {
            segments.cut(TokenKind::Word, word.span, &mut marks);
        }
    }
    marks
}

/// Segments of an instruction that spans, given in order, still may touch.
struct Cutter<'t> {
    segments: &'t [Span],
}

impl Cutter<'_> {
    fn cut(&mut self, kind: TokenKind, span: Span, marks: &mut Vec<Token>) {
        let behind = self.segments.iter().take_while(|segment| segment.end <= span.start).count();
        self.segments = &self.segments[behind..];
        for segment in self.segments.iter().take_while(|segment| segment.start < span.end) {
            let part = Span::new(segment.start.max(span.start), segment.end.min(span.end));
            marks.push(Token { kind, span: part });
        }
    }
}

/// Tokens for a stretch that the tree does not name.
fn fill(tree: &Tree, source: &[u8], gap: Span, tokens: &mut Vec<Token>) {
    let mut at = gap.start;
    while at < gap.end {
        let rest = Span::new(at, gap.end).of(source);
        let run = |inside: fn(&u8) -> bool| rest.iter().take_while(|b| inside(b)).count();
        let (kind, len) = match rest {
            [b'\n', ..] => (TokenKind::Newline, 1),
            [b'\r', b'\n', ..] => (TokenKind::Newline, 2),
            [b' ' | b'\t' | 0x0B | 0x0C, ..] => {
                (TokenKind::Whitespace, run(|b| matches!(b, b' ' | b'\t' | 0x0B | 0x0C)))
            }
            [b'\r', ..] => (TokenKind::Whitespace, 1),
            [first, ..] => match continuation(rest, *first == tree.escape) {
                Some(len) => (TokenKind::Continuation, len),
                None => (
                    TokenKind::Other,
                    1 + rest[1..]
                        .iter()
                        .take_while(|b| !b.is_ascii_whitespace() && **b != tree.escape && **b != 0x0B)
                        .count(),
                ),
            },
            [] => return,
        };
        let end = at + offset(len);
        tokens.push(Token { kind, span: Span::new(at, end) });
        at = end;
    }
}

/// The length of an escape character and the blanks behind it, if nothing else follows on the line.
fn continuation(rest: &[u8], escape: bool) -> Option<usize> {
    let blanks = rest[1..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let behind = rest[1 + blanks..].iter().find(|b| **b != b'\r');
    (escape && behind.is_none_or(|b| *b == b'\n')).then_some(1 + blanks)
}
