//! Rule pages: the page of a rule is its documentation and its test.
//!
//! Input: `rules/<rule>.md` of a plugin. Each fenced `dockerfile` block is a case; the blocks behind it
//! belong to it:
//!
//! - `findings`: what the rule finds, one `LINE:COLUMN-LINE:COLUMN message` a line, columns in code points,
//!   the end exclusive. Without it: nothing.
//! - `facts`: the answers of the world by question, as JSON ([`Facts`]). With it slow checks are on, and
//!   every question must be answered; without it they are off. It is always the first day of 2026.
//! - `lock`: the text of `plimsoll.lock` beside it, which is about this file alone. What a rule about the lock finds, it
//!   finds there.
//! - `settings`: keys of `plimsoll.toml`.
//! - `fixed`: the file after the first fix of every finding.
//!
//! Output: what is wrong, each with page and line; or the page as it should be. Invariant: a case is
//! linted as the program would, by the real component under its real limits, and no page, whatever is in
//! it, makes the host panic, ask the network unbidden, or write outside of a private folder.
//!
//! In reading order: [`Page`] (text → cases), [`Facts`] (what a case says of the world), `world` (who answers
//! with it), [`Scene`] (a case, ready to be linted), `blocks` (what came of it), `record` (facts from the
//! world itself), [`check`] (a whole page), [`steadiness`] (whether what was before shows), [`test`] (all pages of a plugin), [`cost`].

mod blocks;
mod check;
mod cost;
mod facts;
mod page;
mod record;
mod scene;
mod steadiness;
mod suite;
mod world;

use std::fmt;
use std::path::PathBuf;

pub use check::{Checked, Wanted, check};
pub use cost::{Cost, cost, cost_of_files};
pub use facts::Facts;
pub use page::{Block, BlockKind, Case, Page, page_name};
pub use record::{Recorder, Renewal};
pub use scene::{Candidate, Scene};
pub use steadiness::steadiness;
pub use suite::{Tested, test};

/// What is wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The page.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there and what to do, perhaps in several lines.
    pub message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.message)
    }
}
