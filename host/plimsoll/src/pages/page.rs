//! A page as cases.
//!
//! Input: Markdown. Output: its fenced blocks, case by case, each with its line and its place in the text, so
//! that it can be written anew. Invariant: what is no block of a case stays as it is, byte by byte.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

use plimsoll_dockerfile::suggest::nearest;

use super::Complaint;
use crate::limits::PAGE_BYTES_MAX;

/// What the block of a case is called.
const DOCKERFILE: &str = "dockerfile";
/// The backticks of the shortest fence.
const TICKS_MIN: usize = 3;
const NOT_CLOSED: &str = "this block is not closed: end it with ```";

/// A page under test.
#[derive(Debug)]
pub struct Page {
    /// Where it lies, as messages call it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Its cases, in their order.
    pub cases: Vec<Case>,
}

/// A `dockerfile` block and those that belong to it.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// The Dockerfile.
    pub dockerfile: Block,
    /// The other blocks; of each kind there is one.
    pub others: BTreeMap<BlockKind, Block>,
}

/// What a block says of the Dockerfile before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockKind {
    /// The answers of the world.
    Facts,
    /// What the rule finds.
    Findings,
    /// The file after its fixes.
    Fixed,
    /// The lock beside the file.
    Lock,
    /// Keys of `plimsoll.toml`.
    Settings,
}

/// A fenced block.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The line of the fence that opens it.
    pub line: usize,
    /// What is between the fences.
    pub text: String,
    /// Where it stands in the page, with its fences.
    pub whole: Range<usize>,
}

impl BlockKind {
    /// What stands behind the fence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Findings => "findings",
            Self::Fixed => "fixed",
            Self::Lock => "lock",
            Self::Settings => "settings",
        }
    }

    const ALL: [Self; 5] = [Self::Facts, Self::Findings, Self::Fixed, Self::Lock, Self::Settings];

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Page {
    /// Reads the page of a rule.
    ///
    /// # Errors
    /// When there is none, or a block is not as a page has them.
    pub fn read(path: &Path, rule: &str) -> Result<Self, Complaint> {
        let complain = |message| Complaint { path: path.to_owned(), line: 1, message };
        let bytes = fs::metadata(path).and_then(|metadata| match metadata.len() > PAGE_BYTES_MAX {
            true => Err(io::Error::other(format!("a page has at most {} KiB", PAGE_BYTES_MAX >> 10))),
            false => fs::read(path),
        });
        let bytes = bytes.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => complain(format!(
                "rule {rule} has no page: write one that begins with `# {rule}` and has a case (a rule's files are \
                     called as its NAME)"
            )),
            _ => complain(format!("the page of rule {rule} cannot be read: {error}")),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| complain("the page is not UTF-8".to_owned()))?;
        Self::parse(path, text)
    }

    /// Takes a text for a page.
    ///
    /// # Errors
    /// When a block is not closed, or belongs to no case.
    pub fn parse(path: &Path, text: String) -> Result<Self, Complaint> {
        let complain = |line, message| Complaint { path: path.to_owned(), line, message };
        let mut cases: Vec<Case> = Vec::new();
        let mut open: Option<(Fence, Block)> = None;
        let mut end = 0;
        for (line, row) in (1..).zip(text.split_inclusive('\n')) {
            let start = end;
            end += row.len();
            match (open.take(), Fence::of(row)) {
                (None, Some(fence)) => open = Some((fence, Block { line, whole: start..start, ..Block::default() })),
                (Some((fence, mut block)), Some(end_fence)) if end_fence.closes(&fence) => {
                    block.whole.end = end;
                    take(&mut cases, fence.info, block).map_err(|(line, message)| complain(line, message))?;
                }
                // Else what follows would count as text, up to the end of the next block.
                (Some((fence, block)), Some(next)) if fence.opens_block() && next.opens_block() => {
                    return Err(complain(block.line, format!("{NOT_CLOSED}, before the next begins in line {line}")));
                }
                (Some((fence, mut block)), _) => {
                    block.text.push_str(row);
                    open = Some((fence, block));
                }
                (None, None) => {}
            }
        }
        match open {
            Some((_, block)) => Err(complain(block.line, NOT_CLOSED.to_owned())),
            None => Ok(Self { path: path.to_owned(), text, cases }),
        }
    }

    /// Something wrong at a line of the page.
    pub(super) fn complain(&self, line: usize, message: impl Into<String>) -> Complaint {
        Complaint { path: self.path.clone(), line, message: message.into() }
    }
}

impl Case {
    /// What a block says, if there is one.
    pub fn text(&self, kind: BlockKind) -> Option<&str> {
        self.others.get(&kind).map(|block| block.text.as_str())
    }

    /// The line of a block, or of the Dockerfile where there is none.
    pub(super) fn line(&self, kind: BlockKind) -> usize {
        self.others.get(&kind).unwrap_or(&self.dockerfile).line
    }
}

/// A line that opens or closes a block.
struct Fence<'t> {
    ticks: usize,
    /// What stands behind it.
    info: &'t str,
}

impl<'t> Fence<'t> {
    fn of(row: &'t str) -> Option<Self> {
        let info = row.trim_start_matches('`');
        let ticks = row.len() - info.len();
        (ticks >= TICKS_MIN).then(|| Self { ticks, info: info.trim() })
    }

    fn closes(&self, open: &Self) -> bool {
        self.info.is_empty() && self.ticks >= open.ticks
    }

    fn opens_block(&self) -> bool {
        self.ticks == TICKS_MIN && (self.info == DOCKERFILE || BlockKind::of(self.info).is_some())
    }
}

/// Gives a block to the case that it belongs to; what is no block of a case is text.
fn take(cases: &mut Vec<Case>, info: &str, block: Block) -> Result<(), (usize, String)> {
    let line = block.line;
    if info == DOCKERFILE {
        cases.push(Case { dockerfile: block, ..Case::default() });
        return Ok(());
    }
    let Some(kind) = BlockKind::of(info) else {
        let known = BlockKind::ALL.map(BlockKind::name).into_iter().chain([DOCKERFILE]);
        let other_case = known.clone().find(|name| info.eq_ignore_ascii_case(name));
        return match other_case.or_else(|| nearest(info, known)) {
            Some(known) => Err((line, format!("a block called {info} means nothing here; did you mean {known}?"))),
            None => Ok(()),
        };
    };
    let Some(case) = cases.last_mut() else {
        return Err((line, format!("{info} stand behind a dockerfile block, and there is none")));
    };
    match case.others.insert(kind, block) {
        Some(_) => Err((line, format!("the dockerfile block of line {} has {info} already", case.dockerfile.line))),
        None => Ok(()),
    }
}

/// The name of a rule's page: `JSONArgsRecommended` → `json-args-recommended.md`.
pub fn page_name(rule: &str) -> String {
    let characters: Vec<char> = rule.chars().collect();
    let mut kebab = String::new();
    for (index, character) in characters.iter().enumerate() {
        let is_lower = |at: usize| characters.get(at).is_some_and(|c| c.is_ascii_lowercase() || *c == '-');
        let begins = character.is_ascii_uppercase() && index > 0 && (is_lower(index - 1) || is_lower(index + 1));
        if begins && !kebab.ends_with('-') {
            kebab.push('-');
        }
        kebab.push(character.to_ascii_lowercase());
    }
    kebab + ".md"
}
