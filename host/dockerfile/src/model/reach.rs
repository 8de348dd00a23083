//! Which stages a build comes to, and where triggers of `ONBUILD` fire.
//!
//! Stages and what they copy from and mount → the closure of the target, and the triggers in it. As in
//! BuildKit triggers fire only there, even where all stages are looked at; what they copy from joins
//! the closure.

use super::build::{At, Builder, NO_STEP, Phase};
use super::uses::Use;
use super::{Base, Stage, Trigger, VariableScope};
use crate::limits::{MODEL_TRIGGER_BYTES_MAX, MODEL_TRIGGERS_MAX, TRIGGER_BYTES_MAX};
use crate::parse::{check_instruction, parse, stage_name};
use crate::span::offset;
use crate::tree::{Instruction, Keyword, ProblemKind};

/// The triggers that fire.
#[derive(Default)]
pub(super) struct Fired {
    /// Those of each stage, in order; nothing where none fires at all.
    pub stages: Vec<Vec<Fire>>,
    /// Those of images, parsed.
    pub triggers: Vec<Trigger>,
}

/// A trigger that fires.
#[derive(Clone, Copy)]
pub(super) enum Fire {
    /// The instruction inside an `ONBUILD` of this file.
    Stage(u32),
    /// The trigger of an image.
    Image(u32),
}

impl<'a> Builder<'a> {
    /// Finds the closure of the target and fires the triggers in it.
    pub(super) fn fire(&mut self) -> Fired {
        let count = self.model.stages.len();
        let may_fire = |instruction: &Instruction| instruction.keyword == Keyword::Onbuild;
        if self.target().is_none() && self.images.is_empty() && !self.tree.instructions.iter().any(may_fire) {
            return Fired::default();
        }
        self.fire_from_target(count)
    }

    #[cold]
    fn fire_from_target(&mut self, count: usize) -> Fired {
        let mut fired = Fired { stages: vec![Vec::new(); count], triggers: Vec::new() };
        let target = self.target();
        let last = count.checked_sub(1).map(offset);
        let start = target.map_or(last, |name| self.stage_named(&stage_name(name)));
        let own_triggers = self.own_triggers();
        let mut needs = self.needs();
        let mut open = Vec::from_iter(start);
        let mut reached = vec![false; count];
        while let Some(stage) = open.pop() {
            if std::mem::replace(&mut reached[stage as usize], true) {
                continue;
            }
            let uses = self.uses.len();
            self.fire_in(stage, &own_triggers, &mut fired);
            needs[stage as usize].extend(self.uses[uses..].iter().map(|used| used.used));
            open.append(&mut needs[stage as usize]);
        }
        if target.is_some() && start.is_some() {
            for (stage, reached) in self.model.stages.iter_mut().zip(reached) {
                stage.reachable = reached;
            }
        }
        fired
    }

    /// The instructions inside the `ONBUILD`s of each stage.
    fn own_triggers(&self) -> Vec<Vec<u32>> {
        let instructions = &self.tree.instructions;
        let is_trigger = |index: &u32| {
            let parent = instructions[*index as usize].parent.and_then(|parent| instructions.get(parent as usize));
            parent.is_some_and(|parent| parent.parent.is_none())
        };
        let stages = self.model.stages.iter();
        stages.map(|stage| stage.instructions.clone().filter(is_trigger).collect()).collect()
    }

    fn fire_in(&mut self, stage: u32, own_triggers: &[Vec<u32>], fired: &mut Fired) {
        let tree = self.tree;
        let own = &self.model.stages[stage as usize];
        let from = &tree.instructions[own.from as usize];
        match own.base {
            Base::Stage(parent) => {
                for index in own_triggers.get(parent as usize).into_iter().flatten().copied() {
                    let instruction = &tree.instructions[index as usize];
                    if !self.may_fire(instruction.span.len() as usize, usize::MAX, from) {
                        return;
                    }
                    if let Err(message) = self.check_trigger(index) {
                        self.problem(Phase::Resolve, message, from.span, from.lines.0);
                        continue;
                    }
                    let at = self.at(NO_STEP, instruction, Some(stage), VariableScope::Stage);
                    self.uses_of(&At { line: from.lines.0, ..at }, Phase::Resolve);
                    fired.stages[stage as usize].push(Fire::Stage(index));
                }
            }
            _ => {
                let triggers = self.base_image(stage).map_or(&[][..], |image| &image.onbuild);
                for trigger in triggers {
                    self.fire_image(stage, trigger, from, fired);
                }
            }
        }
    }

    /// Whether one more trigger of so many bytes may run; the first that may not is a problem.
    fn may_fire(&mut self, bytes: usize, bytes_max: usize, from: &Instruction) -> bool {
        let (count, sum) = (self.fired.0 + 1, self.fired.1 + bytes);
        let may = count <= MODEL_TRIGGERS_MAX && sum <= MODEL_TRIGGER_BYTES_MAX && bytes <= bytes_max;
        if may {
            self.fired = (count, sum);
        } else if !std::mem::replace(&mut self.limited, true) {
            let message = "there are too many triggers of ONBUILD, or too long ones, to run them".to_owned();
            self.problem(Phase::Resolve, message, from.span, from.lines.0);
        }
        may
    }

    /// BuildKit reads what stands behind `ONBUILD` again, and there `--` is no end of flags.
    fn check_trigger(&self, index: u32) -> Result<(), String> {
        let onbuild = self.tree.instructions[index as usize].parent;
        let onbuild = onbuild.and_then(|onbuild| self.tree.instructions.get(onbuild as usize));
        let text = onbuild.map_or("", |onbuild| self.tree.characters(self.source, onbuild.text));
        let inner = text.get(Keyword::Onbuild.as_str().len()..).unwrap_or_default();
        if inner.trim_start().starts_with("--") {
            return Err("unknown instruction: --".to_owned());
        }
        check_instruction(self.source, self.tree, index)
    }

    fn fire_image(&mut self, stage: u32, trigger: &str, from: &'a Instruction, fired: &mut Fired) {
        if !self.may_fire(trigger.len(), TRIGGER_BYTES_MAX, from) {
            return;
        }
        let tree = parse(trigger);
        let syntax = tree.problems.iter().find(|p| p.kind == ProblemKind::Syntax).map(|p| p.message.clone());
        let single = tree.instructions.iter().filter(|i| i.parent.is_none()).count() == 1;
        let error = syntax
            .or_else(|| (!single).then(|| "onbuild trigger should be a single expression".to_owned()))
            .or_else(|| check_instruction(trigger.into(), &tree, 0).err())
            .or_else(|| {
                let from = tree.instructions.first().is_some_and(|i| i.keyword == Keyword::From);
                from.then(|| "*instructions.Stage is not a command type".to_owned())
            });
        if let Some(message) = error {
            return self.problem(Phase::Resolve, message, from.span, from.lines.0);
        }
        let trigger = Trigger { stage, source: trigger.to_owned(), tree };
        let at = self.at_trigger(&trigger, NO_STEP, from);
        self.uses_of(&at, Phase::Resolve);
        fired.stages[stage as usize].push(Fire::Image(offset(fired.triggers.len())));
        fired.triggers.push(trigger);
    }

    /// The place of the trigger of an image.
    pub(super) fn at_trigger<'t>(&self, trigger: &'t Trigger, step: u32, from: &Instruction) -> At<'t> {
        At {
            source: trigger.source.as_str().into(),
            tree: &trigger.tree,
            instruction: &trigger.tree.instructions[0],
            step,
            stage: Some(trigger.stage),
            scope: VariableScope::Stage,
            outside: Some(self.model.stages[trigger.stage as usize].base_span),
            line: from.lines.0,
        }
    }

    /// For each stage those it uses, its base included.
    fn needs(&self) -> Vec<Vec<u32>> {
        let base = |stage: &Stage| match stage.base {
            Base::Stage(base) => vec![base],
            _ => Vec::new(),
        };
        let mut needs: Vec<Vec<u32>> = self.model.stages.iter().map(base).collect();
        for Use { user, used, .. } in &self.uses {
            needs[*user as usize].push(*used);
        }
        needs
    }
}
