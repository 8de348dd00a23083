//! Builds a model, in BuildKit's order: global `ARG`s, every `FROM`, then stage by stage.
//!
//! Tree and inputs → [`Model`]. Names and scopes flow forward only, so one pass suffices; what the
//! inputs do not know is marked unknown on the way.

use std::collections::HashMap;

use super::scope::{Name, Scope, Scopes};
use super::{Base, BaseImage, Inputs, Model, ModelProblem, Origin, Shell, Site, Step, Trigger, VariableScope, stages};
use crate::limits::{MODEL_TRIGGERS_MAX, MODEL_WORK_MAX, TRIGGER_BYTES_MAX};
use crate::parse::{check_instruction, parse};
use crate::span::{Span, offset};
use crate::tree::{Instruction, Keyword, ProblemKind, Tree};

/// What the instructions of a tree mean. `source` must be what the tree was parsed from.
pub fn model(source: &[u8], tree: &Tree, inputs: &Inputs<'_>) -> Model {
    let mut builder = Builder::new(source, tree, inputs);
    builder.seed();
    builder.global_arguments();
    builder.stages();
    builder.last_from = offset(builder.model.steps.len().saturating_sub(1));
    builder.find_target();
    for stage in 0..builder.model.stages.len() {
        builder.run_stage(offset(stage));
    }
    builder.finish()
}

pub(super) struct Builder<'a> {
    pub source: &'a [u8],
    pub tree: &'a Tree,
    pub inputs: &'a Inputs<'a>,
    pub model: Model,
    pub build_args: HashMap<&'a str, &'a str>,
    /// Global `ARG`s and platform arguments.
    pub globals: Scope,
    /// The same with every `ARG` at its default; nothing when that failed.
    pub defaults: Option<Scope>,
    /// Stages by name in lower case; of equal names the last.
    pub names: HashMap<String, u32>,
    /// What each stage that has run hands on.
    handed_on: Vec<HandedOn>,
    /// Uses of one stage by another, other than as base.
    pub uses: Vec<(u32, u32)>,
    pub problems: Vec<(Phase, ModelProblem)>,
    /// Expansions so far.
    pub expansions: u32,
    /// Bytes and steps that expansions may still take.
    pub work: usize,
    /// The step of the last `FROM`.
    last_from: u32,
    triggers: usize,
}

/// What is in force at one point of a stage.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub scope: Scope,
    pub shell: Shell,
    pub workdir_set: bool,
    /// Whether the base image may set more than is known.
    pub unknown: bool,
    /// Names of the image's environment that an `ARG` of this stage hides.
    pub shadowed: Vec<Name>,
}

/// What a stage hands on to those that build upon it.
struct HandedOn {
    /// What they start with.
    state: State,
    /// The instructions inside its `ONBUILD`s.
    triggers: Vec<u32>,
}

/// When BuildKit would meet a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Arguments,
    From,
    Target,
    Uses,
    Cycles,
    Resolve,
    Run,
}

/// The instruction that runs, and where.
#[derive(Clone, Copy)]
pub(super) struct At<'t> {
    pub source: &'t [u8],
    pub tree: &'t Tree,
    pub instruction: &'t Instruction,
    pub step: u32,
    pub stage: Option<u32>,
    pub scope: VariableScope,
    /// For what does not stand in the source: where to report it.
    pub outside: Option<Span>,
    pub line: u32,
}

impl<'a> Builder<'a> {
    fn new(source: &'a [u8], tree: &'a Tree, inputs: &'a Inputs<'a>) -> Self {
        Self {
            source,
            tree,
            inputs,
            model: Model {
                stages: Vec::new(),
                steps: Vec::with_capacity(tree.instructions.len()),
                values: Vec::with_capacity(tree.words.len()),
                variables: Vec::new(),
                ports: Vec::new(),
                images: Vec::new(),
                shells: Vec::new(),
                triggers: Vec::new(),
                problems: Vec::new(),
                arena: String::with_capacity(source.len().min(ARENA_BYTES_FIRST)),
                scopes: Scopes::default(),
                step_of: vec![u32::MAX; tree.instructions.len()],
            },
            build_args: inputs.build_args.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            globals: Scope::EMPTY,
            defaults: None,
            names: HashMap::new(),
            handed_on: Vec::new(),
            uses: Vec::new(),
            problems: Vec::new(),
            expansions: 0,
            work: MODEL_WORK_MAX,
            last_from: 0,
            triggers: 0,
        }
    }

    /// The arguments that exist without being declared, visible in `FROM` and global `ARG`s.
    fn seed(&mut self) {
        let (target, build) = (&self.inputs.target_platform, &self.inputs.build_platform);
        let (target_text, build_text) = (target.to_string(), stages::without_version(build).to_string());
        let stage = match self.inputs.target {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => stages::last_name(self.source, self.tree).unwrap_or_else(|| "default".to_owned()),
        };
        let arguments = [
            ("BUILDPLATFORM", build_text.as_str()),
            ("BUILDOS", &build.os),
            ("BUILDOSVERSION", &build.os_version),
            ("BUILDARCH", &build.architecture),
            ("BUILDVARIANT", &build.variant),
            ("TARGETPLATFORM", &target_text),
            ("TARGETOS", &target.os),
            ("TARGETOSVERSION", &target.os_version),
            ("TARGETARCH", &target.architecture),
            ("TARGETVARIANT", &target.variant),
            ("TARGETSTAGE", &stage),
        ];
        for (name, value) in arguments {
            let value = self.build_args.get(name).copied().unwrap_or(value);
            let name = self.model.scopes.intern(name);
            let value = self.model.scopes.assigned(value, true);
            self.globals = self.model.scopes.set(self.globals, name, value);
        }
        self.defaults = Some(self.globals);
    }

    fn global_arguments(&mut self) {
        let tree = self.tree;
        let until = tree.instructions.iter().position(|i| i.keyword == Keyword::From && i.parent.is_none());
        let before = &tree.instructions[..until.unwrap_or(tree.instructions.len())];
        let arguments = before.iter().enumerate().filter(|(_, i)| i.keyword == Keyword::Arg && i.parent.is_none());
        for (index, instruction) in arguments {
            let mut state = State::new(self.globals);
            let step = self.begin(Origin::Own, offset(index), None, instruction.lines, &state);
            let at = self.at(step, instruction, None, VariableScope::Global);
            self.arguments(&at, &mut state);
            self.globals = state.scope;
            self.end();
            self.default_argument(instruction);
        }
    }

    /// The steps of one stage: triggers of what it builds upon, then its own instructions.
    fn run_stage(&mut self, stage: u32) {
        let first = offset(self.model.steps.len());
        let tree = self.tree;
        let own = &self.model.stages[stage as usize];
        let (range, from, base) = (own.instructions.clone(), &tree.instructions[own.from as usize], own.base.clone());
        let image = self.base_image(stage);
        let mut state = self.inherited(stage, &base, image);
        match base {
            Base::Stage(parent) => self.stage_triggers(stage, parent, from, &mut state),
            _ => {
                for trigger in image.map_or(&[][..], |image| &image.onbuild) {
                    self.image_trigger(stage, trigger, from, &mut state);
                }
            }
        }
        let mut triggers = Vec::new();
        for index in range.start + 1..range.end {
            let instruction = &tree.instructions[index as usize];
            if let Some(onbuild) = instruction.parent {
                if tree.instructions[onbuild as usize].parent.is_none() {
                    triggers.push(index);
                }
                continue;
            }
            let step = self.begin(Origin::Own, index, Some(stage), instruction.lines, &state);
            let at = self.at(step, instruction, Some(stage), VariableScope::Stage);
            self.run(&at, &mut state);
            self.end();
        }
        self.model.stages[stage as usize].steps = first..offset(self.model.steps.len());
        let scope = self.model.scopes.inherit(state.scope, &state.shadowed);
        self.handed_on.push(HandedOn { state: State { scope, shadowed: Vec::new(), ..state }, triggers });
    }

    /// What a stage starts with.
    fn inherited(&mut self, stage: u32, base: &Base, image: Option<&BaseImage>) -> State {
        if let Base::Stage(parent) = base {
            let parent = self.handed_on.get(*parent as usize);
            return parent.map_or_else(|| State::new(Scope::EMPTY), |parent| parent.state.clone());
        }
        let mut state = State::new(Scope::EMPTY);
        state.unknown = image.is_none() && *base != Base::Scratch;
        let scopes = &mut self.model.scopes;
        for (name, value) in image.map_or(&[][..], |image| &image.environment) {
            let name = scopes.intern(name);
            let value = scopes.assigned(value, true);
            state.scope = scopes.set_image(state.scope, name, value);
        }
        let path = scopes.intern("PATH");
        let windows = self.model.stages[stage as usize].platform.os == "windows";
        // Windows sets its own.
        if !windows && scopes.entry(state.scope, path).value.is_none() {
            let value = scopes.assigned(DEFAULT_PATH, !state.unknown);
            state.scope = scopes.set_image(state.scope, path, value);
        }
        match image {
            Some(image) if !image.shell.is_empty() => state.shell = self.shell(image.shell.clone()),
            _ if state.unknown => state.shell = Shell::Unknown,
            _ => {}
        }
        state
    }

    fn stage_triggers(&mut self, stage: u32, parent: u32, from: &'a Instruction, state: &mut State) {
        let tree = self.tree;
        let triggers = self.handed_on.get_mut(parent as usize).map(|parent| std::mem::take(&mut parent.triggers));
        let triggers = triggers.unwrap_or_default();
        for index in triggers.iter().copied().take(MODEL_TRIGGERS_MAX - self.triggers) {
            let inner = &tree.instructions[index as usize];
            self.triggers += 1;
            if let Err(message) = check_instruction(self.source, tree, index) {
                self.problem(Phase::Resolve, message, from.span, from.lines.0);
                continue;
            }
            let step = self.begin(Origin::StageTrigger, index, Some(stage), from.lines, state);
            let at = At { line: from.lines.0, ..self.at(step, inner, Some(stage), VariableScope::Stage) };
            self.run(&at, state);
            self.end();
        }
        if let Some(parent) = self.handed_on.get_mut(parent as usize) {
            parent.triggers = triggers;
        }
    }

    fn image_trigger(&mut self, stage: u32, trigger: &str, from: &'a Instruction, state: &mut State) {
        if self.triggers == MODEL_TRIGGERS_MAX || trigger.len() > TRIGGER_BYTES_MAX {
            return;
        }
        self.triggers += 1;
        let tree = parse(trigger.as_bytes());
        let syntax = tree.problems.iter().find(|p| p.kind == ProblemKind::Syntax).map(|p| p.message.clone());
        let single = tree.instructions.iter().filter(|i| i.parent.is_none()).count() == 1;
        let error = syntax
            .or_else(|| (!single).then(|| "onbuild trigger should be a single expression".to_owned()))
            .or_else(|| check_instruction(trigger.as_bytes(), &tree, 0).err());
        if let Some(message) = error {
            return self.problem(Phase::Resolve, message, from.span, from.lines.0);
        }
        let number = offset(self.model.triggers.len());
        let step = self.begin(Origin::ImageTrigger(number), 0, Some(stage), from.lines, state);
        let at = At {
            source: trigger.as_bytes(),
            tree: &tree,
            instruction: &tree.instructions[0],
            step,
            stage: Some(stage),
            scope: VariableScope::Stage,
            outside: Some(self.model.stages[stage as usize].base_span),
            line: from.lines.0,
        };
        self.run(&at, state);
        self.end();
        self.model.triggers.push(Trigger { stage, source: trigger.to_owned(), tree });
    }

    pub(super) fn at(
        &self,
        step: u32,
        instruction: &'a Instruction,
        stage: Option<u32>,
        scope: VariableScope,
    ) -> At<'a> {
        let (source, tree, line) = (self.source, self.tree, instruction.lines.0);
        At { source, tree, instruction, step, stage, scope, outside: None, line }
    }

    pub(super) fn begin(
        &mut self,
        origin: Origin,
        instruction: u32,
        stage: Option<u32>,
        lines: (u32, u32),
        state: &State,
    ) -> u32 {
        let step = offset(self.model.steps.len());
        let (values, variables) = (offset(self.model.values.len()), offset(self.model.variables.len()));
        let ports = offset(self.model.ports.len());
        self.model.steps.push(Step {
            origin,
            instruction,
            stage,
            lines,
            shell: state.shell,
            workdir_set: state.workdir_set,
            values: values..values,
            variables: variables..variables,
            ports: ports..ports,
        });
        if origin == Origin::Own {
            self.model.step_of[instruction as usize] = step;
        }
        step
    }

    pub(super) fn end(&mut self) {
        let (values, variables) = (offset(self.model.values.len()), offset(self.model.variables.len()));
        let ports = offset(self.model.ports.len());
        if let Some(step) = self.model.steps.last_mut() {
            step.values.end = values;
            step.variables.end = variables;
            step.ports.end = ports;
        }
    }

    pub(super) fn shell(&mut self, words: Vec<String>) -> Shell {
        self.model.shells.push(words);
        Shell::Set(offset(self.model.shells.len() - 1))
    }

    pub(super) fn problem(&mut self, phase: Phase, message: String, span: Span, line: u32) {
        let last_step = offset(self.model.steps.len().saturating_sub(1));
        self.problems.push((phase, ModelProblem { message, span, line, last_step }));
    }

    /// A problem at the instruction that runs; it stops the build there.
    pub(super) fn problem_at(&mut self, phase: Phase, at: &At<'_>, message: String) {
        let span = at.outside.unwrap_or(at.instruction.span);
        self.problem(phase, message, span, at.line);
    }

    /// The base image of a stage that names one, if the inputs know it.
    fn base_image(&self, stage: u32) -> Option<&'a BaseImage> {
        let known = self.inputs.base_images.iter().find(|(index, _)| *index == stage)?;
        matches!(self.model.stages[stage as usize].base, Base::Image { .. }).then_some(known.1)
    }

    fn finish(mut self) -> Model {
        self.find_cycles();
        self.mark_reachable();
        self.problems.sort_by_key(|(phase, _)| *phase);
        for (phase, mut problem) in std::mem::take(&mut self.problems) {
            // What is found between the stages and their first instruction stops behind every `FROM`.
            if (Phase::Target..=Phase::Resolve).contains(&phase) {
                problem.last_step = self.last_from;
            }
            self.model.problems.push(problem);
        }
        self.model
    }
}

impl State {
    pub(super) fn new(scope: Scope) -> Self {
        Self { scope, shell: Shell::Default, workdir_set: false, unknown: false, shadowed: Vec::new() }
    }
}

impl At<'_> {
    /// The index of a word or flag in the tables of the tree, as a site.
    pub(super) fn word(&self, number: usize) -> Site {
        Site::Word(self.instruction.words.start + offset(number))
    }
}

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Room for values to begin with; more is added as it is needed.
const ARENA_BYTES_FIRST: usize = 64 * 1024;
