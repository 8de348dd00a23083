//! One run of an instruction, and its words and flags as the build reads them.

use std::slice::ChunksExact;

use crate::document::{NONE, row};
use crate::model::{Stage, Variable};
use crate::{Document, Instruction, Keyword, Port, Span, host};

/// The SHELL in force at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// None was set.
    Default,
    /// One was set, in this stage or one before it, or by the base image.
    Set,
    /// The base image may set one.
    Unknown,
}

/// The kind of operating system that a stage is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatingSystem {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// Another.
    Other,
}

/// One run of an instruction: where it stands, or as a trigger of ONBUILD.
#[derive(Debug, Clone, Copy)]
pub struct Step<'d> {
    pub(crate) document: &'d Document,
    pub(crate) index: u32,
}

impl<'d> Step<'d> {
    pub(crate) const STRIDE: u32 = 14;

    /// The instruction; none for a trigger of the base image, which stands in
    /// another file.
    pub fn instruction(&self) -> Option<Instruction<'d>> {
        let row = self.row()[1];
        (row != NONE).then(|| self.document.instruction(row))
    }

    /// Its place among the steps of the document.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The stage it runs in; none for an ARG before the first FROM.
    pub fn stage(&self) -> Option<Stage<'d>> {
        let stage = self.row()[2];
        (stage != NONE).then(|| self.document.stage(stage))
    }

    /// Whether the target of the build needs its stage.
    pub fn is_needed(&self) -> bool {
        self.stage().is_none_or(|stage| stage.is_needed())
    }

    /// What it is.
    pub fn keyword(&self) -> Keyword {
        Keyword::from_number(self.row()[3])
    }

    /// Whether its arguments are a JSON array.
    pub fn is_exec_form(&self) -> bool {
        self.row()[4] & 1 != 0
    }

    /// The SHELL in force before it.
    pub fn shell(&self) -> Shell {
        match self.row()[5] {
            0 => Shell::Default,
            1 => Shell::Set,
            _ => Shell::Unknown,
        }
    }

    /// Whether a WORKDIR ran before it, in this stage or one it is built on.
    pub fn has_workdir(&self) -> bool {
        self.row()[6] == 1
    }

    /// The operating system of the stage.
    pub fn operating_system(&self) -> OperatingSystem {
        match self.row()[7] {
            0 => OperatingSystem::Linux,
            1 => OperatingSystem::Windows,
            _ => OperatingSystem::Other,
        }
    }

    /// Where findings belong: the instruction, or FROM for a trigger.
    pub fn span(&self) -> Span {
        let row = self.row();
        Span { start: row[8], end: row[9] }
    }

    /// Its keyword as written.
    pub fn name(&self) -> String {
        host::step_name(self.index)
    }

    /// Its words, each as written and as the build expands it.
    pub fn words(&self) -> impl ExactSizeIterator<Item = StepWord<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[10], self.row()[11]);
        let table = || document.model.step_words.get_or_init(host::step_words).as_slice();
        rows_of(table, StepWord::STRIDE, first, count).map(|row| StepWord { document, row })
    }

    /// Its flags, each as written and as the build expands it.
    pub fn flags(&self) -> impl ExactSizeIterator<Item = StepFlag<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[12], self.row()[13]);
        let table = || document.model.step_flags.get_or_init(host::step_flags).as_slice();
        rows_of(table, StepFlag::STRIDE, first, count).map(|row| StepFlag { document, row })
    }

    /// The ports of an EXPOSE, in the order in which the build reads them; the
    /// first that is none is the last.
    pub fn ports(&self) -> Vec<Port> {
        host::step_ports(self.index)
    }

    /// The variables it uses.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'d>> + use<'d> {
        let (document, step) = (self.document, self.index);
        let (table, _) = document.variable_table().as_chunks::<{ Variable::STRIDE as usize }>();
        let first = table.partition_point(|row| row[4] < step);
        let count = table[first..].iter().take_while(|row| row[4] == step).count();
        (first..first + count).map(move |index| Variable { document, index: u32::try_from(index).unwrap_or(NONE) })
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.step_table(), Self::STRIDE, self.index)
    }
}

/// What a word is to its instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordRole {
    /// One of several arguments.
    Plain,
    /// All arguments as one text.
    Whole,
    /// A string of the exec form.
    Json,
    /// The name in `ENV name=value` or `LABEL name=value`.
    Key,
    /// The value behind `=`.
    Value,
    /// The value in the legacy form `ENV name value`.
    LegacyValue,
    /// Something else.
    Other,
}

/// Where a source of ADD or COPY comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The build context, another stage or an image.
    Local,
    /// The URL of a file.
    Url,
    /// A git repository.
    Git,
    /// The text below the instruction.
    Heredoc,
    /// Something else.
    Other,
}

/// A word of a step's instruction.
#[derive(Debug, Clone, Copy)]
pub struct StepWord<'d> {
    document: &'d Document,
    row: &'d [u32],
}

impl<'d> StepWord<'d> {
    const STRIDE: u32 = 7;

    /// What it is to its instruction.
    pub fn role(&self) -> WordRole {
        match self.row[0] {
            0 => WordRole::Plain,
            1 => WordRole::Whole,
            2 => WordRole::Json,
            3 => WordRole::Key,
            4 => WordRole::Value,
            5 => WordRole::LegacyValue,
            _ => WordRole::Other,
        }
    }

    /// Where it comes from, if it is a source of ADD or COPY.
    pub fn source(&self) -> Option<Source> {
        Some(match self.row[1] {
            0 => return None,
            1 => Source::Local,
            2 => Source::Url,
            3 => Source::Git,
            4 => Source::Heredoc,
            _ => Source::Other,
        })
    }

    /// As written, without line continuations.
    pub fn text(&self) -> &'d str {
        self.document.step_text(self.row, 2).unwrap_or_default()
    }

    /// Quotes removed and variables expanded, where those that depend on the base
    /// image count as not set; none where the build does not expand it or stops
    /// with an error. Of `name=value` in ARG it is the value.
    pub fn value(&self) -> Option<&'d str> {
        self.document.step_text(self.row, 4)
    }

    /// Whether the value depends on nothing that is unknown.
    pub fn is_exact(&self) -> bool {
        self.row[6] & 1 != 0
    }
}

/// A flag of a step's instruction.
#[derive(Debug, Clone, Copy)]
pub struct StepFlag<'d> {
    document: &'d Document,
    row: &'d [u32],
}

impl<'d> StepFlag<'d> {
    const STRIDE: u32 = 7;

    /// Its name, without `--`.
    pub fn name(&self) -> &'d str {
        self.document.step_text(self.row, 0).unwrap_or_default()
    }

    /// What stands behind `=`, quotes removed, variables not expanded.
    pub fn text(&self) -> Option<&'d str> {
        self.document.step_text(self.row, 2)
    }

    /// The same expanded, as in [`StepWord::value`]; none also where the value has
    /// parts of its own, as that of `--mount`.
    pub fn value(&self) -> Option<&'d str> {
        self.document.step_text(self.row, 4)
    }

    /// Whether the value depends on nothing that is unknown.
    pub fn is_exact(&self) -> bool {
        self.row[6] & 1 != 0
    }
}

/// Some rows of a table, one after the other. It is not asked for where there are none.
fn rows_of<'t>(table: impl FnOnce() -> &'t [u32], stride: u32, first: u32, count: u32) -> ChunksExact<'t, u32> {
    let rows = match count {
        0 => &[],
        _ => &table()[(first * stride) as usize..((first + count) * stride) as usize],
    };
    rows.chunks_exact(stride as usize)
}
