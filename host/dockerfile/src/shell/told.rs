//! Who reads scripts where comments say so: `# plimsoll shell=bash`.
//!
//! Source, tree and model → [`Told`], by instruction. What stands before the first FROM holds for every
//! stage, what stands above another instruction from there on: to the next such comment, to SHELL, or
//! to the end of the stage. Where a SHELL of this file is in force, that is who reads.

use std::collections::HashMap;

use super::interpreter::Program;
use crate::model::{Base, Model, Origin, Step};
use crate::tree::{Comment, Keyword, Tree};

/// What comments say of who reads scripts. Empty where none says anything.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// By instruction of the file.
    instructions: HashMap<u32, Reader>,
    /// By stage, what holds at its start.
    stages: Vec<Option<Reader>>,
}

/// A reader that a comment names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Known(Program),
    /// No shell that is known here, such as PowerShell.
    Other,
}

impl Told {
    /// Reads the comments. `source` must be what the tree was parsed from.
    pub fn new(source: &[u8], tree: &Tree, model: &Model) -> Self {
        let said: Vec<(u32, Reader)> =
            tree.comments.iter().filter_map(|comment| Some((comment.span.start, named(source, comment)?))).collect();
        if said.is_empty() {
            return Self::default();
        }
        let mut told = Self::default();
        let mut said = said.into_iter().peekable();
        // Whether a SHELL is in force at the end, by stage.
        let mut is_set: Vec<bool> = Vec::with_capacity(model.stages.len());
        let mut file = None;
        let mut above = |start: u32, mut state: Option<Reader>| {
            while let Some((_, reader)) = said.next_if(|(at, _)| *at < start) {
                state = Some(reader);
            }
            state
        };
        for (index, stage) in model.stages.iter().enumerate() {
            let Some(from) = tree.instructions.get(stage.from as usize) else { break };
            let mut set = matches!(stage.base, Base::Stage(base) if is_set.get(base as usize) == Some(&true));
            let mut state = above(from.span.start, if set { None } else { file });
            if index == 0 {
                file = state;
            }
            told.stages.push(state);
            for number in stage.from + 1..stage.instructions.end {
                let Some(instruction) = tree.instructions.get(number as usize) else { break };
                state = above(instruction.span.start, state);
                if instruction.keyword == Keyword::Shell && instruction.parent.is_none() {
                    (state, set) = (None, true);
                }
                told.instructions.extend(state.map(|reader| (number, reader)));
            }
            is_set.push(set);
        }
        told
    }

    /// Who reads the script of a step, if a comment says so.
    pub(super) fn at(&self, step: &Step) -> Option<Reader> {
        match step.origin {
            Origin::Own => self.instructions.get(&step.instruction).copied(),
            Origin::StageTrigger | Origin::ImageTrigger(_) => *self.stages.get(step.stage? as usize)?,
        }
    }
}

/// The reader that a comment names. What stands between the lines of an instruction says nothing.
fn named(source: &[u8], comment: &Comment) -> Option<Reader> {
    let text = comment.text.of(source);
    if comment.inside || text.len() > COMMENT_BYTES_MAX {
        return None;
    }
    let text = str::from_utf8(text).ok()?.trim_start_matches('#').trim_start();
    let name = text.strip_prefix("plimsoll")?.trim_start().strip_prefix("shell")?.trim_start().strip_prefix('=')?;
    let name = name.split_whitespace().next()?;
    let name = if name == "busybox" { "ash" } else { name };
    Some(Program::named(name).map_or(Reader::Other, Reader::Known))
}

/// Bytes of a comment that is looked at.
const COMMENT_BYTES_MAX: usize = 1 << 10;
