//! Runs a stage: what it starts with, the triggers that fire in it, its own instructions.
//!
//! A stage and what its base hands on → its steps, and the [`State`] it hands on itself.

use super::build::{At, Builder, Phase, State};
use super::reach::{Fire, Fired};
use super::scope::Scope;
use super::{Base, BaseImage, Origin, Shell, VariableScope};
use crate::limits::DIRECTORY_BYTES_MAX;
use crate::path;
use crate::span::offset;

impl<'a> Builder<'a> {
    /// The steps of one stage: triggers of what it builds upon, then its own instructions.
    /// `hands_on` is whether any stage builds upon another.
    pub(super) fn run_stage(&mut self, stage: u32, fired: &Fired, hands_on: bool) {
        let first = offset(self.model.steps.len());
        let tree = self.tree;
        let mut state = self.inherited(stage);
        let own = &self.model.stages[stage as usize];
        // A named context takes the place of a stage; what stands in it is only looked at where all
        // stages are.
        let runs = !own.replaced || self.target().is_none();
        let range = own.instructions.clone();
        if runs && !fired.stages.is_empty() {
            self.triggers(stage, fired, &mut state);
        }
        for index in (range.start + 1..range.end).filter(|_| runs) {
            let instruction = &tree.instructions[index as usize];
            if instruction.parent.is_none() {
                let step = self.begin(Origin::Own, index, Some(stage), instruction.lines, &state);
                let at = self.at(step, instruction, Some(stage), VariableScope::Stage);
                self.run(&at, &mut state);
                self.end();
            }
        }
        self.model.stages[stage as usize].steps = first..offset(self.model.steps.len());
        if hands_on {
            let scope = self.model.scopes.inherit(state.scope, &state.shadowed);
            self.handed_on.push(State { scope, shadowed: Vec::new(), ..state });
        }
    }

    #[cold]
    fn triggers(&mut self, stage: u32, fired: &Fired, state: &mut State) {
        let tree = self.tree;
        let from = &tree.instructions[self.model.stages[stage as usize].from as usize];
        for fire in fired.stages.get(stage as usize).into_iter().flatten() {
            match *fire {
                Fire::Stage(index) => {
                    let step = self.begin(Origin::StageTrigger, index, Some(stage), from.lines, state);
                    let at = self.at(step, &tree.instructions[index as usize], Some(stage), VariableScope::Stage);
                    self.run(&At { line: from.lines.0, ..at }, state);
                }
                Fire::Image(number) => {
                    let step = self.begin(Origin::ImageTrigger(number), 0, Some(stage), from.lines, state);
                    let at = self.at_trigger(&fired.triggers[number as usize], step, from);
                    self.run(&at, state);
                }
            }
            self.end();
        }
    }

    /// What a stage starts with.
    fn inherited(&mut self, stage: u32) -> State {
        let own = &self.model.stages[stage as usize];
        if let Base::Stage(parent) = own.base {
            let parent = self.handed_on.get(parent as usize);
            return parent.cloned().unwrap_or_else(|| State::new(Scope::EMPTY));
        }
        let image = self.base_image(stage);
        let mut state = image.map_or_else(|| State::new(Scope::EMPTY), |image| self.image_state(image));
        let own = &self.model.stages[stage as usize];
        state.unknown = match own.base {
            Base::Scratch => false,
            Base::Context(name) => self.is_opaque(name),
            _ => image.is_none(),
        };
        let windows = self.model.platform(own.platform).os == "windows";
        let scopes = &mut self.model.scopes;
        let path = scopes.intern("PATH");
        // Windows sets its own.
        if !windows && scopes.entry(state.scope, path).value.is_none() {
            let value = scopes.assigned(DEFAULT_PATH, !state.unknown);
            state.scope = scopes.set_image(state.scope, path, value);
        }
        if image.is_none_or(|image| image.shell.is_empty()) && state.unknown {
            state.shell = Shell::Unknown;
        }
        let directory = image.map_or("", |image| &image.working_dir);
        state.directory = if state.unknown { None } else { self.start_directory(stage, directory) };
        state
    }

    /// What the configuration of an image sets.
    #[cold]
    fn image_state(&mut self, image: &'a BaseImage) -> State {
        let address = std::ptr::from_ref(image);
        if let Some(state) = self.image_states.get(&address) {
            return state.clone();
        }
        let mut state = State::new(Scope::EMPTY);
        let scopes = &mut self.model.scopes;
        for (name, value) in &image.environment {
            let name = scopes.intern(name);
            let value = scopes.assigned(value, true);
            state.scope = scopes.set_image(state.scope, name, value);
        }
        if !image.shell.is_empty() {
            state.shell = self.shell(image.shell.clone());
        }
        self.image_states.insert(address, state.clone());
        state
    }

    #[cold]
    fn start_directory(&mut self, stage: u32, directory: &str) -> Option<String> {
        let own = &self.model.stages[stage as usize];
        let from = &self.tree.instructions[own.from as usize];
        match path::normal("/", directory, &self.model.platform(own.platform).os, false) {
            Ok(directory) => Some(directory).filter(|directory| directory.len() <= DIRECTORY_BYTES_MAX),
            Err(error) => {
                let message = format!("normalizing workdir: normalizing working directory: {error}");
                self.note(Phase::Run, Some(stage), message, from.span, from.lines.0, None);
                None
            }
        }
    }

    /// The base image of a stage that names one, if the inputs know it.
    pub(super) fn base_image(&self, stage: u32) -> Option<&'a BaseImage> {
        let known = self.images.get(&stage).copied()?;
        matches!(self.model.stages[stage as usize].base, Base::Image(_)).then_some(known)
    }
}

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
