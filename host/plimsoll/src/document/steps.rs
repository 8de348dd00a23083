//! The parts of all steps: their words, flags and ports with what the build makes
//! of them.
//!
//! Model and tree → the tables `step-…` of `model.wit`, and an arena of their texts.
//! They serve triggers of base images too, whose text is in no file.

use plimsoll_dockerfile::Tree;
use plimsoll_dockerfile::model::{Port, Site, Step, Value};
use plimsoll_dockerfile::source::{self, SourceKind};
use plimsoll_dockerfile::tree::{Instruction, Keyword, WordRole};

use super::{Meaning, NONE, put};

/// Words and flags of all steps, which share one arena of strings.
#[derive(Default)]
pub(super) struct StepTables {
    strings: String,
    words: Vec<u32>,
    flags: Vec<u32>,
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
        let Parts { instruction, tree, source, .. } = self.parts(self.model.steps.get(step as usize)?)?;
        Some(tree.logical_text(source, instruction.keyword_span).into_owned())
    }

    /// `model.step-strings`.
    pub fn step_strings(&self) -> &str {
        &self.step_tables().strings
    }

    /// `model.step-words`.
    pub fn step_words(&self) -> &[u32] {
        &self.step_tables().words
    }

    /// `model.step-flags`.
    pub fn step_flags(&self) -> &[u32] {
        &self.step_tables().flags
    }

    /// `model.step-ports`.
    pub fn step_ports(&self, step: u32) -> Option<Vec<StepPort>> {
        let Parts { step, instruction, .. } = self.parts(self.model.steps.get(step as usize)?)?;
        let first = instruction.words.start;
        let port = |port: &Port| StepPort { word: port.word - first, text: self.model.port(port).to_owned() };
        Some(self.model.ports_of(step).iter().map(port).collect())
    }

    fn step_tables(&self) -> &StepTables {
        self.step_tables.get_or_init(|| {
            let mut tables = StepTables::default();
            self.model.steps.iter().filter_map(|step| self.parts(step)).for_each(|parts| {
                tables.add_words(self, &parts);
                tables.add_flags(self, &parts);
            });
            tables
        })
    }

    fn parts<'m>(&'m self, step: &'m Step) -> Option<Parts<'m>> {
        let (source, tree) = self.model.tree_of(step, self.document.source(), &self.document.tree);
        Some(Parts { step, instruction: tree.instructions.get(step.instruction as usize)?, tree, source })
    }

    /// The values of a step at certain places, by number; of several at one place the last.
    fn values(&self, step: &Step, count: usize, place: impl Fn(Site) -> Option<u32>) -> Vec<Option<&Value>> {
        let mut values = vec![None; count];
        for value in self.model.values_of(step) {
            if let Some(slot) = place(value.site).and_then(|place| values.get_mut(place as usize)) {
                *slot = Some(value);
            }
        }
        values
    }
}

impl StepTables {
    fn add_words(&mut self, meaning: &Meaning, parts: &Parts) {
        let Parts { step, instruction, tree, source } = *parts;
        let words = tree.words_of(instruction);
        let place = |site| match site {
            Site::Word(word) => word.checked_sub(instruction.words.start),
            _ => None,
        };
        let values = meaning.values(step, words.len(), place);
        let copies = matches!(instruction.keyword, Keyword::Add | Keyword::Copy);
        for (index, (word, value)) in words.iter().zip(values).enumerate() {
            let written = tree.text(source, word.text);
            let expanded = value.and_then(|value| meaning.model.text(value));
            let is_source = copies && index + 1 < words.len();
            let from = match (is_source, value) {
                (false, _) => 0,
                // The marker of a heredoc is not expanded.
                (true, None) => 4,
                (true, Some(_)) => match source::kind(expanded.unwrap_or(written)) {
                    SourceKind::Local => 1,
                    SourceKind::Url => 2,
                    SourceKind::Git => 3,
                },
            };
            let role = match word.role {
                WordRole::Plain => 0,
                WordRole::Whole => 1,
                WordRole::Json => 2,
                WordRole::Key => 3,
                WordRole::Value => 4,
                WordRole::LegacyValue => 5,
            };
            let is_exact = value.is_some_and(|value| value.exact);
            let [text, length] = put(&mut self.strings, written);
            let [value, value_length] = self.beside([text, length], Some(written), expanded);
            self.words.extend([role, from, text, length, value, value_length, u32::from(is_exact)]);
        }
    }

    fn add_flags(&mut self, meaning: &Meaning, parts: &Parts) {
        let Parts { step, instruction, tree, source } = *parts;
        let flags = tree.flags_of(instruction);
        if flags.is_empty() {
            return;
        }
        let place = |site| match site {
            Site::Flag(flag) => flag.checked_sub(instruction.flags.start),
            _ => None,
        };
        let values = meaning.values(step, flags.len(), place);
        for (flag, value) in flags.iter().zip(values) {
            let name = tree.text(source, flag.name);
            // The values inside a mount are expanded one by one.
            let value = value.filter(|_| name != "mount");
            let expanded = value.and_then(|value| meaning.model.text(value));
            let written = flag.value.map(|text| tree.text(source, text));
            let [name, name_length] = put(&mut self.strings, name);
            let [text, length] = written.map_or([NONE, 0], |written| put(&mut self.strings, written));
            let is_exact = value.is_some_and(|value| value.exact);
            let [value, value_length] = self.beside([text, length], written, expanded);
            self.flags.extend([name, name_length, text, length, value, value_length, u32::from(is_exact)]);
        }
    }

    /// Offset and length of a value, which most often reads as it is written.
    fn beside(&mut self, place: [u32; 2], written: Option<&str>, value: Option<&str>) -> [u32; 2] {
        match value {
            None => [NONE, 0],
            Some(_) if value == written => place,
            Some(value) => put(&mut self.strings, value),
        }
    }
}
