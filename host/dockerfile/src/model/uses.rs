//! What stages copy from and mount, before any of them runs.
//!
//! `COPY --from` and `RUN --mount=from=` → the stages and images they use, the names that are none, and
//! stages that use each other in a circle.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::build::{At, Builder, NO_STEP, Phase, TARGET_PLATFORM};
use super::{Base, Kept, VariableScope};
use crate::expand::{Lexer, NoEnv};
use crate::limits::EXPANSION_WORK_MAX;
use crate::parse::options::{self, Field};
use crate::parse::stage_name;
use crate::span::offset;
use crate::tree::Keyword;

/// One stage that uses another, and the line of the instruction that does.
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub user: u32,
    pub used: u32,
    line: u32,
}

impl Builder<'_> {
    /// Notes what the stages copy from and mount. BuildKit does so for all before any of them runs.
    pub(super) fn uses(&mut self) {
        let tree = self.tree;
        for stage in 0..self.model.stages.len() {
            let range = self.model.stages[stage].instructions.clone();
            for index in range.start + 1..range.end {
                let instruction = &tree.instructions[index as usize];
                if instruction.parent.is_none() && !instruction.flags.is_empty() {
                    let at = self.at(NO_STEP, instruction, Some(offset(stage)), VariableScope::Stage);
                    self.uses_of(&at, Phase::Uses);
                }
            }
        }
    }

    pub(super) fn uses_of(&mut self, at: &At<'_>, phase: Phase) {
        match at.instruction.keyword {
            Keyword::Copy => {
                if let Some((name, _)) = at.copied_from() {
                    self.note_copied(at, &name, phase);
                }
            }
            Keyword::Run => {
                for (value, _) in at.flag_values("mount") {
                    let name = mounted_from(&at.read_flag(value).text);
                    self.note_mounted(at, name.as_deref().unwrap_or("scratch"));
                }
            }
            _ => {}
        }
    }

    fn note_copied(&mut self, at: &At<'_>, name: &str, phase: Phase) {
        match (self.plain_name(name), name.parse::<i64>()) {
            (Err(message), _) => self.problem_at(phase, at, message),
            (Ok(()), Ok(index)) => match usize::try_from(index).ok().filter(|index| *index < self.states()) {
                Some(index) if index < self.model.stages.len() => self.note_use(at, offset(index)),
                Some(_) => {}
                None => self.problem_at(phase, at, format!("invalid stage index {index}")),
            },
            (Ok(()), Err(_)) => self.note_mounted(at, name),
        }
    }

    /// A stage of that name in any case, or else an image that joins the numbered states.
    fn note_mounted(&mut self, at: &At<'_>, name: &str) {
        match self.stage_named(&stage_name(name)) {
            Some(stage) => self.note_use(at, stage),
            None => {
                let kept = Kept(self.model.scopes.keep(name));
                let (base, error) = self.meant(kept, TARGET_PLATFORM);
                if let Some(error) = error {
                    let message = format!("failed to parse stage name {name:?}: {error}");
                    self.problem_at(Phase::Resolve, at, message);
                }
                self.others.push(base);
            }
        }
    }

    fn note_use(&mut self, at: &At<'_>, used: u32) {
        if let Some(user) = at.stage {
            self.uses.push(Use { user, used, line: at.line });
        }
    }

    /// Variables cannot stand behind `--from=`, and quotes neither.
    fn plain_name(&self, name: &str) -> Result<(), String> {
        let lexer = Lexer::new(char::from(self.tree.escape));
        let mut work = EXPANSION_WORK_MAX;
        match lexer.value(name, &NoEnv, &mut work).value {
            Ok(expanded) if expanded == name => Ok(()),
            Ok(_) => Err(NO_VARIABLES_IN_FROM.to_owned()),
            Err(error) => Err(error.message),
        }
    }

    /// Stages, and images that other instructions than `FROM` name: `COPY --from=N` counts both.
    fn states(&self) -> usize {
        self.model.stages.len() + self.others.len()
    }

    /// What a name behind `--from=` means.
    pub(super) fn copy_source(&mut self, name: &str) -> Base {
        if self.plain_name(name).is_err() {
            return Base::Unresolvable(None);
        }
        let Ok(index) = name.parse::<i64>() else { return self.mount_source(name) };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        match index.checked_sub(self.model.stages.len()) {
            None => Base::Stage(offset(index)),
            Some(other) => match self.others.get(other) {
                Some(other) => *other,
                None => Base::Unresolvable(Some(Kept(self.model.scopes.keep(name)))),
            },
        }
    }

    /// What a name behind `from=` means: a stage in any case, or an image.
    pub(super) fn mount_source(&mut self, name: &str) -> Base {
        match self.stage_named(&stage_name(name)) {
            Some(stage) => Base::Stage(stage),
            None => {
                let name = Kept(self.model.scopes.keep(name));
                self.meant(name, TARGET_PLATFORM).0
            }
        }
    }

    /// Whether a stage has not run when another one wants it.
    pub(super) fn is_late(&self, user: u32, used: u32) -> bool {
        used > user && !self.model.stages[used as usize].replaced
    }

    /// Stages that copy from each other in a circle: the build stops before any of them runs.
    pub(super) fn find_cycles(&mut self) {
        if !self.uses.iter().all(|Use { user, used, .. }| used < user) {
            self.find_cycle();
        }
    }

    #[cold]
    fn find_cycle(&mut self) {
        let mut needs: Vec<Vec<Use>> = vec![Vec::new(); self.model.stages.len()];
        // Of the instructions that use the same stage the last is reported.
        let mut last: HashMap<(u32, u32), usize> = HashMap::new();
        for one in &self.uses {
            let needs = &mut needs[one.user as usize];
            match last.entry((one.user, one.used)) {
                Entry::Occupied(at) => needs[*at.get()] = *one,
                Entry::Vacant(at) => {
                    at.insert(needs.len());
                    needs.push(*one);
                }
            }
        }
        let mut mark = vec![Mark::New; needs.len()];
        for first in 0..needs.len() {
            // Each stage on the way, the next of its uses, and the line that led to it.
            let mut way: Vec<(usize, usize, u32)> = Vec::new();
            if mark[first] == Mark::New {
                mark[first] = Mark::Open;
                way.push((first, 0, u32::MAX));
            }
            while let Some((stage, next, _)) = way.last_mut() {
                let Some(Use { used, line, .. }) = needs[*stage].get(*next).copied() else {
                    mark[*stage] = Mark::Done;
                    way.pop();
                    continue;
                };
                *next += 1;
                match mark[used as usize] {
                    Mark::Done => {}
                    Mark::New => {
                        mark[used as usize] = Mark::Open;
                        way.push((used as usize, 0, line));
                    }
                    Mark::Open => {
                        let line = way.iter().map(|(.., line)| *line).fold(line, u32::min);
                        let stage = &self.model.stages[first];
                        let name = self.model.stage_name(stage);
                        let name = name.map_or_else(|| format!("stage-{first}"), str::to_owned);
                        let from = &self.tree.instructions[stage.from as usize];
                        let message = format!("circular dependency detected on stage: {name}");
                        return self.problem(Phase::Cycles, message, from.span, line);
                    }
                }
            }
        }
    }
}

/// The name behind `from=` in a mount, as written; nothing where there is none.
fn mounted_from(mount: &str) -> Option<String> {
    let source = |field: Field<'_>| {
        let (_, name) = field.pair().filter(|(key, _)| key.eq_ignore_ascii_case("from"))?;
        Some(name.to_owned())
    };
    options::fields(mount).ok()?.filter_map(source).last().filter(|name| !name.is_empty())
}

/// How far the search for circles is with a stage.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

const NO_VARIABLES_IN_FROM: &str = "variable expansion is not supported for --from, \
     define a new stage with FROM using ARG from global scope as a workaround";
