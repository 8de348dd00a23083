//! A Dockerfile as rules see it: source, tree and meaning, and these as flat
//! tables.
//!
//! Input: bytes, and what the build would be told from outside. Output: the
//! tables of `document.wit` and, in [`Meaning`], `model.wit` and `shell.wit`, column by
//! column as their comments say. Each is made when a rule first asks for it, and shared by
//! all plugins.

mod lock;
mod meaning;
mod shell;
mod steps;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

pub use lock::{LockEntry, LockView, locked_as};
pub use meaning::{Meaning, Surroundings};
use plimsoll_dockerfile::tree::{Comment, Directive, Instruction, Keyword, Problem, ProblemKind, Text};
use plimsoll_dockerfile::{LineIndex, Span, Tree, parse};
pub use shell::ShellTables;
pub use steps::StepPort;

const NONE: u32 = u32::MAX;

/// The bytes of a file, and where its lines begin: what reports need of it.
pub struct Source {
    bytes: Vec<u8>,
    lines: OnceLock<LineIndex>,
}

impl Source {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, lines: OnceLock::new() }
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the lines begin.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.bytes))
    }

    /// The words of a line, by which it is known again: however it is indented, spaced, continued or ended.
    pub fn words_of(&self, line: u32) -> Vec<u8> {
        let line = self.lines().line_span(line).unwrap_or_default().of(&self.bytes);
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_end();
        let line = line.strip_suffix(b"\\").unwrap_or(line);
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(&b' ')
    }
}

/// A file, parsed; or the lock, of which there is nothing to parse.
pub struct Document {
    id: u64,
    path: String,
    source: Arc<Source>,
    invalid_utf8: Option<u32>,
    tree: Tree,
    lock: Option<Arc<LockView>>,
    is_lock: bool,
    instructions: OnceLock<Vec<u32>>,
    words: OnceLock<Vec<u32>>,
    flags: OnceLock<Vec<u32>>,
    heredocs: OnceLock<Vec<u32>>,
    comments: OnceLock<Vec<u32>>,
}

impl Document {
    /// Parses a file. `id` differs between the files of a run; `path` is what
    /// reports call it.
    pub fn new(id: u64, path: String, source: Vec<u8>) -> Self {
        let tree = parse(&source);
        let invalid = str::from_utf8(&source).err();
        let invalid_utf8 = invalid.map(|error| u32::try_from(error.valid_up_to()).unwrap_or(NONE));
        Self { invalid_utf8, ..Self::of_tree(id, path, Arc::new(Source::new(source)), tree) }
    }

    /// The lock as a document.
    pub fn of_lock(id: u64, lock: Arc<LockView>) -> Self {
        let (path, source) = (lock.path().to_owned(), lock.source().clone());
        Self { lock: Some(lock), is_lock: true, ..Self::of_tree(id, path, source, parse(&[])) }
    }

    /// The same, with what rules may read of the lock.
    pub fn beside(self, lock: Option<Arc<LockView>>) -> Self {
        Self { lock, ..self }
    }

    fn of_tree(id: u64, path: String, source: Arc<Source>, tree: Tree) -> Self {
        Self {
            id,
            path,
            source,
            invalid_utf8: None,
            tree,
            lock: None,
            is_lock: false,
            instructions: OnceLock::new(),
            words: OnceLock::new(),
            flags: OnceLock::new(),
            heredocs: OnceLock::new(),
            comments: OnceLock::new(),
        }
    }

    /// Its number in this run.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its path as reports show it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All its bytes.
    pub fn source(&self) -> &[u8] {
        &self.source.bytes
    }

    /// Its bytes and lines, to be kept beyond the tree.
    pub fn shared_source(&self) -> Arc<Source> {
        self.source.clone()
    }

    /// What the lock says, where there is one.
    pub fn lock(&self) -> Option<&LockView> {
        self.lock.as_deref()
    }

    /// Whether it is the lock itself.
    pub fn is_lock(&self) -> bool {
        self.is_lock
    }

    /// Its syntax tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Where its lines begin.
    pub fn lines(&self) -> &LineIndex {
        self.source.lines()
    }

    /// Where it stops being UTF-8, if it does.
    pub fn invalid_utf8(&self) -> Option<u32> {
        self.invalid_utf8
    }

    /// Whether a character begins at an offset, or the file ends there. In a
    /// file that is not UTF-8 every byte may stand for itself.
    pub fn is_boundary(&self, offset: u32) -> bool {
        self.invalid_utf8.is_some() || self.source().get(offset as usize).is_none_or(|byte| byte & 0xC0 != 0x80)
    }

    /// `document.instructions`.
    pub fn instructions(&self) -> &[u32] {
        self.instructions.get_or_init(|| self.tree.instructions.iter().flat_map(instruction_row).collect())
    }

    /// `document.words`.
    pub fn words(&self) -> &[u32] {
        self.words.get_or_init(|| {
            let differs = |word: Span, text: Text| {
                u32::from(self.tree.source_span(text, 0..text.len()).len() != text.len() || word.len() < text.len())
            };
            self.tree
                .words
                .iter()
                .flat_map(|word| [word.span.start, word.span.end, differs(word.span, word.text)])
                .collect()
        })
    }

    /// `document.word-text`.
    pub fn word_text(&self, word: u32) -> Option<&str> {
        self.tree.words.get(word as usize).map(|word| self.tree.text(self.source(), word.text))
    }

    /// `document.logical-text`.
    pub fn logical_text(&self, span: Span) -> Cow<'_, str> {
        self.tree.logical_text(self.source(), span)
    }

    /// `document.flags`.
    pub fn flags(&self) -> &[u32] {
        let row = |flag: &plimsoll_dockerfile::tree::Flag| {
            let (name, value) = (self.place(flag.name), flag.value.map(|value| self.place(value)));
            [
                flag.span.start,
                flag.span.end,
                name.start,
                name.end,
                value.map_or(NONE, |v| v.start),
                value.map_or(NONE, |v| v.end),
            ]
        };
        self.flags.get_or_init(|| self.tree.flags.iter().flat_map(row).collect())
    }

    /// `document.heredocs`.
    pub fn heredocs(&self) -> &[u32] {
        let row = |heredoc: &plimsoll_dockerfile::tree::Heredoc| {
            let (name, bits) = (self.place(heredoc.name), u32::from(heredoc.expand) | u32::from(heredoc.chomp) << 1);
            [name.start, name.end, heredoc.body.start, heredoc.body.end, heredoc.fd, bits]
        };
        self.heredocs.get_or_init(|| self.tree.heredocs.iter().flat_map(row).collect())
    }

    /// `document.comments`.
    pub fn comments(&self) -> &[u32] {
        let row = |comment: &Comment| [comment.span.start, comment.span.end, comment.text.start, comment.text.end];
        self.comments.get_or_init(|| self.tree.comments.iter().flat_map(row).collect())
    }

    /// `document.empty-continuations`.
    pub fn empty_continuations(&self) -> Vec<u32> {
        let empty = self.tree.problems.iter().filter(|problem| problem.kind == ProblemKind::EmptyContinuation);
        let row = |problem: &Problem| {
            let line = self.lines().line_span(problem.line).unwrap_or(problem.span);
            let content = line.of(self.source()).trim_ascii_end().len();
            let end = line.start + u32::try_from(content).unwrap_or(0);
            [problem.span.start, problem.span.end, line.start, end]
        };
        empty.flat_map(row).collect()
    }

    /// `document.directives`.
    pub fn directives(&self) -> Vec<u32> {
        self.tree.directives.iter().flat_map(|directive| self.directive_row(directive)).collect()
    }

    fn place(&self, text: Text) -> Span {
        self.tree.source_span(text, 0..text.len())
    }

    /// The name of a directive is what stands between `#` and `=`.
    fn directive_row(&self, directive: &Directive) -> [u32; 4] {
        let text = directive.span.of(self.source());
        let end = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
        let name = &text[..end];
        let start = name.iter().position(|byte| byte.is_ascii_alphanumeric()).unwrap_or(end);
        let length = name[start..].trim_ascii_end().len();
        let start = directive.span.start + u32::try_from(start).unwrap_or(0);
        [start, start + u32::try_from(length).unwrap_or(0), directive.value.start, directive.value.end]
    }
}

fn instruction_row(instruction: &Instruction) -> [u32; 17] {
    let count = |range: &std::ops::Range<u32>| range.end - range.start;
    [
        keyword_number(instruction.keyword),
        u32::from(instruction.json),
        instruction.span.start,
        instruction.span.end,
        instruction.keyword_span.start,
        instruction.keyword_span.end,
        instruction.arguments.start,
        instruction.arguments.end,
        instruction.words.start,
        count(&instruction.words),
        instruction.flags.start,
        count(&instruction.flags),
        instruction.heredocs.start,
        count(&instruction.heredocs),
        instruction.parent.unwrap_or(NONE),
        instruction.comments.start,
        count(&instruction.comments),
    ]
}

fn keyword_number(keyword: Keyword) -> u32 {
    let position = Keyword::ALL.iter().position(|known| *known == keyword);
    position.map_or(0, |position| u32::try_from(position).unwrap_or(0) + 1)
}

/// Puts a text into an arena. Offset and length of it there.
fn put(strings: &mut String, text: &str) -> [u32; 2] {
    let offset = u32::try_from(strings.len()).unwrap_or(NONE);
    strings.push_str(text);
    [offset, u32::try_from(text.len()).unwrap_or(0)]
}
