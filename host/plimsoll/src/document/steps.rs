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
    pub role: WordRole,
    /// Of a source of ADD or COPY where it comes from.
    pub source: Option<StepSource>,
    /// As written, without line continuations.
    pub text: String,
    /// After expansion, where the build expands it.
    pub value: Option<String>,
    /// Whether the value depends on nothing that is unknown.
    pub is_exact: bool,
}

/// Where a source of ADD or COPY comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepSource {
    /// What its text names.
    Named(SourceKind),
    /// The text below the instruction.
    Heredoc,
}

impl StepWord {
    /// Role and source as the contract numbers them.
    pub fn numbers(&self) -> (u32, u32) {
        let role = match self.role {
            WordRole::Plain => 0,
            WordRole::Whole => 1,
            WordRole::Json => 2,
            WordRole::Key => 3,
            WordRole::Value => 4,
            WordRole::LegacyValue => 5,
        };
        let source = match self.source {
            None => 0,
            Some(StepSource::Named(SourceKind::Local)) => 1,
            Some(StepSource::Named(SourceKind::Url)) => 2,
            Some(StepSource::Named(SourceKind::Git)) => 3,
            Some(StepSource::Heredoc) => 4,
        };
        (role, source)
    }
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
            let is_source = copies && index + 1 < instruction.words.end;
            let source = is_source.then(|| match value {
                // The marker of a heredoc is not expanded.
                None => StepSource::Heredoc,
                Some(_) => StepSource::Named(source::kind(expanded.unwrap_or(written))),
            });
            let is_exact = value.is_some_and(|value| value.exact);
            let (role, text) = (word.role, written.to_owned());
            StepWord { role, source, text, value: expanded.map(str::to_owned), is_exact }
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
