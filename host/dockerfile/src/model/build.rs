//! Builds a model, in BuildKit's order: global `ARG`s, every `FROM`, then stage by stage.
//!
//! Tree and inputs → [`Model`]. Names and scopes flow forward only, so one pass suffices; what the
//! inputs do not know is marked unknown on the way.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::scope::{Assigned, Name, PLATFORM_ARGUMENTS, Scope, Scopes};
use super::scope::{BUILD_ARGUMENTS, TARGET_ARGUMENTS, TARGET_STAGE};
use super::uses::Use;
use super::{Base, BaseImage, Inputs, Model, ModelProblem, Origin, PlatformNumber, Shell, Site, Step};
use super::{VariableScope, context, stages};
use crate::expand::Buffers;
use crate::limits::MODEL_WORK_MAX;
use crate::span::{Span, offset};
use crate::tree::{DirectiveKind, Instruction, Keyword, Source, Text, Tree};

/// What the instructions of a tree mean. `source` must be what the tree was parsed from.
pub fn model<'s>(source: impl Into<Source<'s>>, tree: &'s Tree, inputs: &'s Inputs<'_>) -> Model {
    model_of_source(source.into(), tree, inputs)
}

fn model_of_source(source: Source<'_>, tree: &Tree, inputs: &Inputs<'_>) -> Model {
    let mut builder = Builder::new(source, tree, inputs);
    builder.check_options();
    builder.seed();
    builder.global_arguments();
    builder.epoch();
    builder.stages();
    builder.last_from = builder.last_step();
    builder.find_target();
    builder.uses();
    builder.find_cycles();
    let fired = builder.fire();
    let hands_on = builder.model.stages.iter().any(|stage| matches!(stage.base, Base::Stage(_)));
    for stage in 0..builder.model.stages.len() {
        builder.run_stage(offset(stage), &fired, hands_on);
    }
    builder.model.triggers = fired.triggers;
    builder.finish();
    builder.model
}

pub(super) struct Builder<'a> {
    pub source: Source<'a>,
    pub tree: &'a Tree,
    pub inputs: &'a Inputs<'a>,
    pub model: Model,
    pub build_args: FastMap<&'a str, &'a str>,
    /// The value of the build argument `SOURCE_DATE_EPOCH` once it is read.
    pub epoch: Option<Assigned>,
    /// Global `ARG`s and platform arguments.
    pub globals: Scope,
    /// The same with every `ARG` at its default; nothing when that failed.
    pub defaults: Option<Scope>,
    /// Stages by name in lower case, once there are more than a few; of equal names the last.
    pub names: FastMap<String, u32>,
    /// Base images that are known, by stage.
    pub images: FastMap<u32, &'a BaseImage>,
    /// What stages upon an image start with, by the address of the image: a file may name it often.
    pub image_states: FastMap<*const BaseImage, State>,
    /// Whether `# syntax` asks for a frontend with features that BuildKit's own does not have.
    pub experimental: bool,
    /// Named contexts by their normal names, as indices into those of the inputs.
    pub contexts: FastMap<String, usize>,
    /// What each stage that has run hands on to those that build upon it; nothing where no stage builds upon
    /// another.
    pub handed_on: Vec<State>,
    /// Uses of one stage by another, other than as base.
    pub uses: Vec<Use>,
    /// What instructions other than `FROM` use and is no stage, in BuildKit's order.
    pub others: Vec<Base>,
    pub problems: Vec<Noted>,
    /// What words are expanded into.
    pub buffers: Buffers,
    /// Expansions so far.
    pub expansions: u32,
    /// Bytes of values that the model keeps.
    pub value_bytes: usize,
    /// Bytes and steps that expansions may still take.
    pub work: usize,
    /// The step of the last `FROM`.
    last_from: Option<u32>,
    /// Triggers that fired so far, and their bytes.
    pub fired: (usize, usize),
    /// Whether a bound was hit.
    pub limited: bool,
    /// Problems that came with a suggestion.
    pub suggestions: usize,
}

/// A map with a hash that is fast on short keys and that a file cannot foresee.
pub(super) type FastMap<K, V> = HashMap<K, V, RandomState>;

/// A problem, when BuildKit would meet it, and in which stage.
pub(super) struct Noted {
    pub(super) phase: Phase,
    stage: Option<u32>,
    problem: ModelProblem,
}

/// What is in force at one point of a stage.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub scope: Scope,
    pub shell: Shell,
    pub workdir_set: bool,
    /// The working directory; nothing where it is not known.
    pub directory: Option<String>,
    /// Whether the base image may set more than is known.
    pub unknown: bool,
    /// Names of the image's environment that an `ARG` of this stage hides.
    pub shadowed: Vec<Name>,
}

/// When BuildKit would meet a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Options,
    Arguments,
    Epoch,
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
    pub source: Source<'t>,
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
    fn new(source: Source<'a>, tree: &'a Tree, inputs: &'a Inputs<'a>) -> Self {
        let froms = tree.instructions.iter().filter(|i| i.keyword == Keyword::From);
        let stages = froms.count();
        // Most files need no map at all: one seed is enough for all of them.
        let hasher = RandomState::default();
        let mut build_args = FastMap::with_hasher(hasher.clone());
        build_args.extend(inputs.build_args.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        // Of several for one stage the first counts.
        let mut images = FastMap::with_hasher(hasher.clone());
        images.extend(inputs.base_images.iter().rev().copied());
        Self {
            source,
            tree,
            inputs,
            model: Model {
                stages: Vec::with_capacity(stages),
                steps: Vec::with_capacity(tree.instructions.len()),
                values: Vec::with_capacity(tree.words.len()),
                variables: Vec::with_capacity(tree.words.len() / WORDS_OF_VARIABLE),
                ports: Vec::new(),
                images: Vec::with_capacity(stages + IMAGES_MORE),
                shells: Vec::new(),
                triggers: Vec::new(),
                problems: Vec::new(),
                scopes: Scopes::new(tree.instructions.len(), source.bytes.len(), hasher.clone()),
                target_platform: inputs.target_platform.clone(),
                platforms: Vec::new(),
            },
            build_args,
            epoch: None,
            globals: Scope::EMPTY,
            defaults: None,
            names: FastMap::with_hasher(hasher.clone()),
            images,
            image_states: FastMap::with_hasher(hasher.clone()),
            experimental: asks_for_experimental(source, tree),
            contexts: context::by_name(inputs.contexts, hasher.clone()),
            handed_on: Vec::new(),
            uses: Vec::new(),
            others: Vec::new(),
            problems: Vec::new(),
            buffers: Buffers::default(),
            expansions: 0,
            value_bytes: 0,
            work: MODEL_WORK_MAX,
            last_from: None,
            fired: (0, 0),
            limited: false,
            suggestions: 0,
        }
    }

    /// The arguments that exist without being declared, visible in `FROM` and global `ARG`s.
    fn seed(&mut self) {
        let Inputs { target_platform: target, build_platform: build, .. } = self.inputs;
        let scopes = &mut self.model.scopes;
        scopes.seed_platform(BUILD_ARGUMENTS, build, false);
        scopes.seed_platform(TARGET_ARGUMENTS, target, true);
        match self.inputs.target.filter(|target| !target.is_empty()) {
            Some(stage) => scopes.seed(TARGET_STAGE, stage),
            None => {
                let last = stages::last_name(self.source, self.tree);
                scopes.seed(TARGET_STAGE, last.as_deref().unwrap_or("default"));
            }
        }
        let given = |name: &str| self.build_args.get(name).copied();
        let arguments = if self.build_args.is_empty() { &[][..] } else { &PLATFORM_ARGUMENTS };
        for (number, value) in arguments.iter().enumerate().filter_map(|(n, name)| Some((n, given(name)?))) {
            scopes.seed(number, value);
        }
        self.globals = Scope::SEEDED;
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

    /// The name of the stage to build, if one is given.
    pub(super) fn target(&self) -> Option<&'a str> {
        self.inputs.target.filter(|target| !target.is_empty())
    }

    /// The step that was begun last.
    fn last_step(&self) -> Option<u32> {
        self.model.steps.len().checked_sub(1).map(offset)
    }

    /// A problem outside of any stage, or one that stops even where its stage is not needed.
    pub(super) fn problem(&mut self, phase: Phase, message: String, span: Span, line: u32) {
        self.note(phase, None, message, span, line, None);
    }

    /// A problem at the instruction that runs; it stops the build there.
    pub(super) fn problem_at(&mut self, phase: Phase, at: &At<'_>, message: String) {
        self.note(phase, at.stage, message, at.span(), at.line, None);
    }

    /// A problem at a word or flag of the instruction that runs: what stands behind is not looked at.
    pub(super) fn problem_in(&mut self, phase: Phase, at: &At<'_>, site: Site, message: String) {
        let span = match site {
            Site::Word(word) => at.tree.words.get(word as usize).map(|word| word.span),
            Site::Flag(flag) => at.tree.flags.get(flag as usize).map(|flag| flag.span),
            Site::Heredoc(heredoc) => at.tree.heredocs.get(heredoc as usize).map(|heredoc| heredoc.body),
        };
        let span = at.outside.or(span).unwrap_or(at.instruction.span);
        self.note(phase, at.stage, message, span, at.line, Some(site));
    }

    pub(super) fn note(
        &mut self,
        phase: Phase,
        stage: Option<u32>,
        message: String,
        span: Span,
        line: u32,
        site: Option<Site>,
    ) {
        let last_step = self.last_step();
        self.problems.push(Noted { phase, stage, problem: ModelProblem { message, span, line, last_step, site } });
    }

    fn finish(&mut self) {
        self.problems.sort_by_key(|noted| noted.phase);
        // What is found between the stages and their first instruction stops behind every `FROM`.
        let between = self.problems.iter_mut().filter(|noted| (Phase::Target..=Phase::Resolve).contains(&noted.phase));
        between.for_each(|noted| noted.problem.last_step = self.last_from);
        let stages = &self.model.stages;
        // Stages that the target does not need do not run.
        let runs = |noted: &Noted| {
            let stage = noted.stage.and_then(|stage| stages.get(stage as usize));
            noted.phase != Phase::Run || stage.is_none_or(|stage| stage.reachable)
        };
        self.model.problems = self.problems.drain(..).filter(runs).map(|noted| noted.problem).collect();
    }
}

impl State {
    pub(super) fn new(scope: Scope) -> Self {
        Self { scope, shell: Shell::Default, workdir_set: false, directory: None, unknown: false, shadowed: Vec::new() }
    }
}

impl<'t> At<'t> {
    /// A word by its number in the instruction, as a site.
    pub(super) fn word(&self, number: usize) -> Site {
        Site::Word(self.instruction.words.start + offset(number))
    }

    /// A flag by its number in the instruction, as a site.
    pub(super) fn flag(&self, number: usize) -> Site {
        Site::Flag(self.instruction.flags.start + offset(number))
    }

    /// The values of the flags of one name, with the numbers of the flags.
    pub(super) fn flag_values(&self, name: &'static str) -> impl Iterator<Item = (Text, usize)> + use<'t> {
        let (tree, source) = (self.tree, self.source);
        let flags = tree.flags_of(self.instruction).iter().enumerate();
        let named = flags.filter(move |(_, flag)| tree.is_named(source, flag, name));
        named.filter_map(|(number, flag)| Some((flag.value?, number)))
    }

    /// The value of `--from` as BuildKit reads it, and the same in the tree.
    pub(super) fn copied_from(&self) -> Option<(Cow<'t, str>, Text)> {
        let (value, _) = self.flag_values("from").find(|(value, _)| !value.is_empty())?;
        Some((self.read_flag(value).text, value))
    }

    /// Where problems with the whole instruction are reported.
    pub(super) fn span(&self) -> Span {
        self.outside.unwrap_or(self.instruction.span)
    }
}

/// The platform to build for.
pub(super) const TARGET_PLATFORM: PlatformNumber = PlatformNumber(0);

/// The step of what does not run yet.
pub(super) const NO_STEP: u32 = u32::MAX;

/// Whether the frontend that the file names is one of the channel `labs`.
fn asks_for_experimental(source: Source<'_>, tree: &Tree) -> bool {
    let mut syntax = tree.directives.iter().filter(|directive| directive.kind == DirectiveKind::Syntax);
    syntax.any(|directive| directive.value.of(source.bytes).ends_with(b"labs"))
}

/// Images that are used other than by `FROM`, in a usual file.
const IMAGES_MORE: usize = 2;

/// How many words of a usual file there are to one variable.
const WORDS_OF_VARIABLE: usize = 4;
