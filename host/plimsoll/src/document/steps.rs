//! The parts of one step: its words, flags and ports with what the build makes
//! of them.
//!
//! A step's index → typed rows, as the `step-…` functions of `model.wit` hand them
//! out. They serve triggers of base images too, whose text is in no file.

use std::collections::HashMap;

use plimsoll_dockerfile::Tree;
use plimsoll_dockerfile::model::{Port, Site, Step, Value};
use plimsoll_dockerfile::source::{self, SourceKind};
use plimsoll_dockerfile::tree::{Flag, Instruction, Keyword, Word, WordRole};

use super::Meaning;

/// A word of a step's instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepWord {
    /// Its part.
    pub role: StepRole,
    /// As written, without line continuations.
    pub text: String,
    /// After expansion, where the build expands it.
    pub value: Option<String>,
    /// Whether the value depends on nothing that is unknown.
    pub is_exact: bool,
}

/// What a word is to its instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepRole {
    /// What the tree says.
    Syntax(WordRole),
    /// A source of ADD or COPY.
    Source(SourceKind),
    /// A source of ADD or COPY whose text stands below the instruction.
    HeredocSource,
}

/// A flag of a step's instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFlag {
    /// Its name, without `--`.
    pub name: String,
    /// What stands behind `=`, quotes removed.
    pub text: Option<String>,
    /// The same expanded, where the build expands it as a whole.
    pub value: Option<String>,
    /// Whether the value depends on nothing that is unknown.
    pub is_exact: bool,
}

/// A port of EXPOSE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPort {
    /// Its word, counted from the first of the instruction.
    pub word: u32,
    /// After expansion.
    pub text: String,
}

/// One step, with what its indices point into.
struct Parts<'m> {
    step: &'m Step,
    instruction: &'m Instruction,
    tree: &'m Tree,
    source: &'m [u8],
}

impl Meaning {
    /// `model.step-name`.
    pub fn step_name(&self, step: u32) -> Option<String> {
        let Parts { instruction, tree, source, .. } = self.parts(step)?;
        Some(tree.logical_text(source, instruction.keyword_span).into_owned())
    }

    /// `model.step-words`.
    pub fn step_words(&self, step: u32) -> Option<Vec<StepWord>> {
        let Parts { step, instruction, tree, source } = self.parts(step)?;
        let values = self.values(step);
        let copies = matches!(instruction.keyword, Keyword::Add | Keyword::Copy);
        let row = |(index, word): (u32, &Word)| {
            let value = values.get(&Site::Word(index));
            let (written, expanded) = (tree.text(source, word.text), value.and_then(|value| self.model.text(value)));
            let role = match value {
                _ if !copies || index + 1 == instruction.words.end => StepRole::Syntax(word.role),
                // The marker of a heredoc is not expanded.
                None => StepRole::HeredocSource,
                Some(_) => StepRole::Source(source::kind(expanded.unwrap_or(written))),
            };
            let is_exact = value.is_some_and(|value| value.exact);
            StepWord { role, text: written.to_owned(), value: expanded.map(str::to_owned), is_exact }
        };
        Some((instruction.words.start..).zip(tree.words_of(instruction)).map(row).collect())
    }

    /// `model.step-flags`.
    pub fn step_flags(&self, step: u32) -> Option<Vec<StepFlag>> {
        let Parts { step, instruction, tree, source } = self.parts(step)?;
        let values = self.values(step);
        let row = |(index, flag): (u32, &Flag)| {
            let text = |text| tree.text(source, text).to_owned();
            let name = text(flag.name);
            // The values inside a mount are expanded one by one.
            let value = values.get(&Site::Flag(index)).filter(|_| name != "mount");
            StepFlag {
                text: flag.value.map(text),
                value: value.and_then(|value| self.model.text(value)).map(str::to_owned),
                is_exact: value.is_some_and(|value| value.exact),
                name,
            }
        };
        Some((instruction.flags.start..).zip(tree.flags_of(instruction)).map(row).collect())
    }

    /// `model.step-ports`.
    pub fn step_ports(&self, step: u32) -> Option<Vec<StepPort>> {
        let Parts { step, instruction, .. } = self.parts(step)?;
        let first = instruction.words.start;
        let port = |port: &Port| StepPort { word: port.word - first, text: self.model.port(port).to_owned() };
        Some(self.model.ports_of(step).iter().map(port).collect())
    }

    fn parts(&self, step: u32) -> Option<Parts<'_>> {
        let step = self.model.steps.get(step as usize)?;
        let (source, tree) = self.model.tree_of(step, self.document.source(), &self.document.tree);
        Some(Parts { step, instruction: tree.instructions.get(step.instruction as usize)?, tree, source })
    }

    fn values(&self, step: &Step) -> HashMap<Site, &Value> {
        self.model.values_of(step).iter().map(|value| (value.site, value)).collect()
    }
}
