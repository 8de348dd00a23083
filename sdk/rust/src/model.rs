//! The meaning of the document: the tables of `wit/…/model.wit` as typed rows.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::document::{NONE, row, rows};
use crate::step::Step;
use crate::{Document, Instruction, Span, host};

/// The tables of the model, each pulled at most once.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    strings: OnceCell<String>,
    stages: OnceCell<Vec<u32>>,
    variables: OnceCell<Vec<u32>>,
    steps: OnceCell<Vec<u32>>,
    images: OnceCell<Vec<u32>>,
    step_strings: OnceCell<String>,
    pub(crate) step_words: OnceCell<Vec<u32>>,
    pub(crate) step_flags: OnceCell<Vec<u32>>,
}

impl Document {
    /// The platform that the build is for.
    pub fn target_platform(&self) -> String {
        host::target_platform()
    }

    /// All stages in file order.
    pub fn stages(&self) -> impl Iterator<Item = Stage<'_>> {
        (0..rows(self.stage_table(), Stage::STRIDE)).map(|index| Stage { document: self, index })
    }

    /// The stage of this index.
    pub fn stage(&self, index: u32) -> Stage<'_> {
        Stage { document: self, index }
    }

    /// All instructions in the order they run, triggers of ONBUILD included.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        (0..rows(self.step_table(), Step::STRIDE)).map(|index| Step { document: self, index })
    }

    /// All uses of variables, wherever the build expands one.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'_>> {
        (0..rows(self.variable_table(), Variable::STRIDE)).map(|index| Variable { document: self, index })
    }

    /// All images that the file names.
    pub fn images(&self) -> impl Iterator<Item = ImageUse<'_>> {
        let table = self.model.images.get_or_init(host::images);
        (0..rows(table, ImageUse::STRIDE))
            .map(|index| ImageUse { document: self, row: row(table, ImageUse::STRIDE, index) })
    }

    fn stage_table(&self) -> &[u32] {
        self.model.stages.get_or_init(host::stages)
    }

    pub(crate) fn variable_table(&self) -> &[u32] {
        self.model.variables.get_or_init(host::variables)
    }

    pub(crate) fn step_table(&self) -> &[u32] {
        self.model.steps.get_or_init(host::steps)
    }

    fn string(&self, offset: u32, length: u32) -> &str {
        &self.model.strings.get_or_init(host::strings)[offset as usize..(offset + length) as usize]
    }

    /// The text of a word or flag of a step whose offset and length stand in a row from a column on.
    pub(crate) fn step_text(&self, row: &[u32], column: usize) -> Option<&str> {
        let (offset, length) = (row[column], row[column + 1]);
        let text =
            || &self.model.step_strings.get_or_init(host::step_strings)[offset as usize..(offset + length) as usize];
        (offset != NONE).then(text)
    }
}

/// What a stage is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage, by index.
    Stage(u32),
    /// An image.
    Image,
    /// A named build context.
    Context,
    /// Cannot be told: the name does not expand, or is no image's.
    Unresolvable,
}

/// The `--platform` of a FROM.
#[derive(Debug, Clone, Copy)]
pub enum PlatformFlag {
    /// Not given.
    Absent,
    /// Given, and its value is known.
    Resolved(Span),
    /// Given, but its variables have no value, or it is no platform.
    Unresolvable(Span),
}

/// One stage.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Stage<'d> {
    const STRIDE: u32 = 18;

    /// Its index, counted from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its FROM.
    pub fn from(&self) -> Instruction<'d> {
        self.document.instruction(self.row()[0])
    }

    /// What runs in it after FROM.
    pub fn steps(&self) -> impl Iterator<Item = Step<'d>> + use<'d> {
        let (document, first, count) = (self.document, self.row()[1], self.row()[2]);
        (first..first + count).map(move |index| Step { document, index })
    }

    /// Whether the target of the build needs it. Without a target, all are needed.
    pub fn is_needed(&self) -> bool {
        self.row()[17] & 1 != 0
    }

    /// What it is built on.
    pub fn base(&self) -> Base {
        match self.row()[3] {
            0 => Base::Scratch,
            1 => Base::Stage(self.row()[4]),
            2 => Base::Image,
            4 => Base::Context,
            _ => Base::Unresolvable,
        }
    }

    /// The stage whose FROM names the image or scratch that all is built on;
    /// this one unless it is built on another stage.
    pub fn root(&self) -> u32 {
        self.row()[5]
    }

    /// Where its name stands, if it has one.
    pub fn name_span(&self) -> Option<Span> {
        self.span_at(6)
    }

    /// Its name as written.
    pub fn name(&self) -> Option<Cow<'d, str>> {
        let span = self.name_span()?;
        Some(self.document.logical_text(span))
    }

    /// Where its `AS` stands, if it has a name.
    pub fn as_span(&self) -> Option<Span> {
        self.span_at(8)
    }

    /// Where its base is named.
    pub fn base_span(&self) -> Span {
        let row = self.row();
        Span { start: row[10], end: row[11] }
    }

    /// Its base as it reads after expansion.
    pub fn base_text(&self) -> &'d str {
        let row = self.row();
        self.document.string(row[15], row[16])
    }

    /// Whether its base is no valid name when every build argument has its default.
    pub fn has_invalid_default_base(&self) -> bool {
        self.row()[17] & 2 != 0
    }

    /// The platform that `--platform` names, in normal form; none without the
    /// flag, and where it cannot be told.
    pub fn flag_platform(&self) -> Option<String> {
        // Most have none, and the table knows that.
        if matches!(self.platform_flag(), PlatformFlag::Resolved(_)) {
            host::stage_platform_flag(self.index)
        } else {
            None
        }
    }

    /// Its `--platform`.
    pub fn platform_flag(&self) -> PlatformFlag {
        let Some(value) = self.span_at(13) else { return PlatformFlag::Absent };
        match self.row()[12] {
            0 => PlatformFlag::Absent,
            1 => PlatformFlag::Resolved(value),
            _ => PlatformFlag::Unresolvable(value),
        }
    }

    /// The platform its base image should have: `--platform` where that can be
    /// told, else the target platform.
    pub fn platform(&self) -> String {
        host::stage_platform(self.index)
    }

    fn span_at(&self, column: usize) -> Option<Span> {
        let row = self.row();
        (row[column] != NONE).then(|| Span { start: row[column], end: row[column + 1] })
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.stage_table(), Self::STRIDE, self.index)
    }
}

/// Whether a variable has a value where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has.
    Resolved,
    /// An ARG declares it without one.
    Declared,
    /// It has none.
    Unresolved,
    /// It has if the base image sets it.
    Unknown,
}

/// Which variables can be seen at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// In a stage: its own, those it inherits, and the base image's.
    Stage,
    /// In FROM: the ARGs before the first FROM and the platform arguments.
    From,
    /// In an ARG before the first FROM: those before it.
    Global,
}

/// One use of a variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable<'d> {
    pub(crate) document: &'d Document,
    pub(crate) index: u32,
}

impl<'d> Variable<'d> {
    pub(crate) const STRIDE: u32 = 11;

    /// Its name, without `$` and braces.
    pub fn name(&self) -> &'d str {
        let row = self.row();
        self.document.string(row[0], row[1])
    }

    /// Where it stands; for a trigger of the base image, in FROM.
    pub fn span(&self) -> Span {
        let row = self.row();
        Span { start: row[2], end: row[3] }
    }

    /// The step that uses it.
    pub fn step(&self) -> Step<'d> {
        Step { document: self.document, index: self.row()[4] }
    }

    /// A number that is equal for uses in one word.
    pub fn expansion(&self) -> u32 {
        self.row()[5]
    }

    /// The stage that uses it; none for an ARG before the first FROM.
    pub fn stage(&self) -> Option<u32> {
        let stage = self.row()[6];
        (stage != NONE).then_some(stage)
    }

    /// Whether it has a value.
    pub fn state(&self) -> State {
        match self.row()[7] {
            0 => State::Resolved,
            1 => State::Declared,
            2 => State::Unresolved,
            _ => State::Unknown,
        }
    }

    /// Which variables can be seen here.
    pub fn visibility(&self) -> Visibility {
        match self.row()[8] {
            0 => Visibility::Stage,
            1 => Visibility::From,
            _ => Visibility::Global,
        }
    }

    /// The value it has where it is used.
    pub fn value(&self) -> Option<String> {
        host::variable_value(self.index)
    }

    /// Whether it stands in the value of a flag, and in which row of the document's flags.
    pub fn flag(&self) -> Option<u32> {
        let row = self.row();
        (row[9] == 1 && row[10] != NONE).then_some(row[10])
    }

    /// The name in scope that its own may have been meant for.
    pub fn similar_name(&self) -> Option<String> {
        host::similar_name(self.index)
    }

    /// The names that are set where it is used.
    pub fn names_in_scope(&self) -> Vec<String> {
        host::names_in_scope(self.index)
    }

    fn row(&self) -> &'d [u32] {
        row(self.document.variable_table(), Self::STRIDE, self.index)
    }
}

/// Where an image is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageUseKind {
    /// In FROM.
    From,
    /// In `COPY --from`.
    CopyFrom,
    /// In `RUN --mount=…,from=`.
    MountFrom,
    /// Elsewhere.
    Other,
}

/// An image that the file names.
#[derive(Debug, Clone, Copy)]
pub struct ImageUse<'d> {
    document: &'d Document,
    row: &'d [u32],
}

impl<'d> ImageUse<'d> {
    const STRIDE: u32 = 8;

    /// The step that uses it.
    pub fn step(&self) -> Step<'d> {
        Step { document: self.document, index: self.row[0] }
    }

    /// Where it is named.
    pub fn kind(&self) -> ImageUseKind {
        match self.row[1] {
            0 => ImageUseKind::From,
            1 => ImageUseKind::CopyFrom,
            2 => ImageUseKind::MountFrom,
            _ => ImageUseKind::Other,
        }
    }

    /// Where its name stands; for a trigger of a base image, in FROM.
    pub fn span(&self) -> Span {
        Span { start: self.row[2], end: self.row[3] }
    }

    /// The normalised reference.
    pub fn reference(&self) -> &'d str {
        self.document.string(self.row[4], self.row[5])
    }

    /// The platform it is wanted for.
    pub fn platform(&self) -> &'d str {
        self.document.string(self.row[6], self.row[7])
    }
}
