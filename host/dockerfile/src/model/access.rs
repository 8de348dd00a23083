//! Reading a model: texts, values, and the rows that belong to a step or stage.
//!
//! A model and rows of its tables → what they stand for. With rows of any other model the answers are
//! wrong, but nothing panics.

use super::{Base, Kept, Model, Origin, PlatformNumber, Port, Shell};
use super::{Stage, StageName, Step, Value, Variable, VariableScope};
use crate::platform::Platform;
use crate::reference::Reference;
use crate::tree::Tree;

impl Model {
    /// The name of a variable.
    pub fn name(&self, variable: &Variable) -> &str {
        self.scopes.name(variable.name)
    }

    /// The value that a variable has where it is used; nothing where it has none.
    pub fn value(&self, variable: &Variable) -> Option<&str> {
        variable.value.map(|value| self.scopes.value(value))
    }

    /// The names in scope at a variable, in the order in which BuildKit searches them for a
    /// suggestion. `variable` is an index; one that is not there sees nothing.
    pub fn visible_names(&self, variable: u32) -> Vec<&str> {
        match self.variables.get(variable as usize) {
            Some(variable) => self.scopes.visible(variable.environment, variable.scope != VariableScope::Stage),
            None => Vec::new(),
        }
    }

    /// The text of a value; nothing where expansion failed or a bound was hit.
    pub fn text(&self, value: &Value) -> Option<&str> {
        value.text.map(|span| self.scopes.text(span))
    }

    /// The values of a step.
    pub fn values_of(&self, step: &Step) -> &[Value] {
        self.values.get(step.values.start as usize..step.values.end as usize).unwrap_or_default()
    }

    /// The variables of a step.
    pub fn variables_of(&self, step: &Step) -> &[Variable] {
        self.variables.get(step.variables.start as usize..step.variables.end as usize).unwrap_or_default()
    }

    /// The ports of a step.
    pub fn ports_of(&self, step: &Step) -> &[Port] {
        self.ports.get(step.ports.start as usize..step.ports.end as usize).unwrap_or_default()
    }

    /// The text of a port specification, expanded.
    pub fn port(&self, port: &Port) -> &str {
        self.scopes.text(port.text)
    }

    /// The name of a stage, if it has a valid one, in lower case.
    pub fn stage_name(&self, stage: &Stage) -> Option<&str> {
        stage.name.map(|StageName { name: Kept(name), .. }| self.scopes.text(name))
    }

    /// The name of an image or a named context, or of what could not be resolved; other bases have none.
    pub fn base_name(&self, base: &Base) -> Option<&str> {
        match base {
            Base::Image(Kept(name)) | Base::Context(Kept(name)) | Base::Unresolvable(Some(Kept(name))) => {
                Some(self.scopes.text(*name))
            }
            Base::Scratch | Base::Stage(_) | Base::Unresolvable(None) => None,
        }
    }

    /// What the name of an image refers to; nothing for any other base. The parts of a name are copied here,
    /// where somebody asks for them; that they are valid is known before.
    pub fn reference(&self, base: &Base) -> Option<Reference> {
        let Base::Image(Kept(name)) = base else { return None };
        Reference::parse(self.scopes.text(*name)).ok()
    }

    /// The platform that a stage or an image is for.
    pub fn platform(&self, number: PlatformNumber) -> &Platform {
        let named = number.0.checked_sub(1).and_then(|named| self.platforms.get(named as usize));
        named.unwrap_or(&self.target_platform)
    }

    /// The steps of a stage without its `FROM`, triggers included.
    pub fn steps_of(&self, stage: &Stage) -> &[Step] {
        self.steps.get(stage.steps.start as usize..stage.steps.end as usize).unwrap_or_default()
    }

    /// The step that runs an instruction of the tree where it stands. The instruction inside an
    /// `ONBUILD` does not run there.
    pub fn step_of(&self, instruction: u32) -> Option<&Step> {
        // Global arguments and every `FROM` stand before the steps of the first stage, in the file's order.
        let first = self.stages.first().map_or(self.steps.len(), |stage| stage.steps.start as usize);
        let before = self.stages.partition_point(|stage| stage.instructions.start <= instruction);
        let steps = match self.stages[..before].last() {
            Some(stage) if stage.from != instruction => self.steps_of(stage),
            _ => self.steps.get(..first)?,
        };
        // Triggers run first.
        let own = &steps[steps.partition_point(|step| step.origin != Origin::Own)..];
        let found = own.binary_search_by_key(&instruction, |step| step.instruction).ok()?;
        own.get(found)
    }

    /// The tree and the source that a step's instruction, words and flags are indices into.
    pub fn tree_of<'a>(&'a self, step: &Step, source: &'a [u8], tree: &'a Tree) -> (&'a [u8], &'a Tree) {
        match step.origin {
            Origin::ImageTrigger(trigger) => match self.triggers.get(trigger as usize) {
                Some(trigger) => (trigger.source.as_bytes(), &trigger.tree),
                None => (source, tree),
            },
            Origin::Own | Origin::StageTrigger => (source, tree),
        }
    }

    /// The words of the shell in force; nothing for the default and where it is unknown.
    pub fn shell(&self, shell: Shell) -> Option<&[String]> {
        match shell {
            Shell::Set(shell) => self.shells.get(shell as usize).map(Vec::as_slice),
            Shell::Default | Shell::Unknown => None,
        }
    }
}
