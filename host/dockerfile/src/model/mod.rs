//! What the instructions mean: stages, scopes, values, variables and images.
//!
//! [`Tree`] and [`Inputs`] → [`model()`] → [`Model`]. Total like the tree: what would stop a build is
//! a [`ModelProblem`], and the model goes on behind it. Where a base image is not known, what depends
//! on it is said to be unknown; with its [`BaseImage`] among the inputs the model is built again.

mod access;
mod build;
mod context;
mod copy;
mod epoch;
mod expansion;
mod expose;
mod flag;
mod instruction;
mod mount;
mod reach;
mod run;
mod scope;
mod stages;
#[cfg(test)]
mod tests;
mod uses;

use std::ops::Range;

use crate::expand::ReferenceForm;
use crate::platform::Platform;
use crate::span::Span;
use crate::tree::Tree;
pub use build::model;
use scope::{Assigned, Name, Scope, Scopes};

/// What a model depends on besides the file.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// Build arguments, as `--build-arg` gives them. Of equal names the last counts.
    pub build_args: &'a [(String, String)],
    /// The platform to build for.
    pub target_platform: Platform,
    /// The platform that builds.
    pub build_platform: Platform,
    /// The stage to build; nothing means the last, and that every stage is of interest. Triggers of
    /// `ONBUILD` fire only in stages that it needs.
    pub target: Option<&'a str>,
    /// Named contexts as `--build-context` gives them: names and values. Of equal names the last counts.
    pub contexts: &'a [(String, String)],
    /// Base images that are known, by the index of the stage whose `FROM` names them.
    pub base_images: &'a [(u32, &'a BaseImage)],
}

/// What a registry knows about a base image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseImage {
    /// `ENV`: names and values in order.
    pub environment: Vec<(String, String)>,
    /// `WORKDIR`; empty where none is set.
    pub working_dir: String,
    /// `USER`; empty where none is set.
    pub user: String,
    /// `SHELL`; empty where none is set.
    pub shell: Vec<String>,
    /// The triggers of `ONBUILD`, which run in the stage that is based on the image.
    pub onbuild: Vec<String>,
    /// The platform its configuration names.
    pub platform: Option<Platform>,
}

/// The meaning of one Dockerfile.
#[derive(Clone, Debug)]
pub struct Model {
    /// Stages in order, one for each `FROM`.
    pub stages: Vec<Stage>,
    /// Instructions in the order they run: global `ARG`s, every `FROM`, then stage by stage, triggers
    /// of `ONBUILD` first.
    pub steps: Vec<Step>,
    /// Expanded words and flags, grouped by step.
    pub values: Vec<Value>,
    /// Every reference to a variable in what BuildKit expands, grouped by step.
    pub variables: Vec<Variable>,
    /// Port specifications of `EXPOSE`, grouped by step.
    pub ports: Vec<Port>,
    /// Images and stages that instructions use.
    pub images: Vec<ImageUse>,
    /// Shells that [`Shell::Set`] names.
    pub shells: Vec<Vec<String>>,
    /// Triggers of base images, parsed.
    pub triggers: Vec<Trigger>,
    /// What would stop a build, in the order BuildKit would meet it.
    pub problems: Vec<ModelProblem>,
    scopes: Scopes,
    target_platform: Platform,
    /// Those that flags name.
    platforms: Vec<Platform>,
}

/// Characters that a model keeps. Its methods read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept(Span);

/// A platform that stages and images are for: [`Model::platform`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformNumber(u32);

/// One stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its `FROM`, as index into the instructions of the tree.
    pub from: u32,
    /// Its name, if it has a valid one.
    pub name: Option<StageName>,
    /// What it builds upon.
    pub base: Base,
    /// The word that names the base.
    pub base_span: Span,
    /// `AS`, if it is there.
    pub as_span: Option<Span>,
    /// The `--platform` flag.
    pub platform_flag: PlatformFlag,
    /// The platform its base is expected to have.
    pub platform: PlatformNumber,
    /// The stage at the end of the chain of bases: the one whose `FROM` names an image or `scratch`.
    pub root: u32,
    /// Whether a named context of its own name takes its place: then that is its base, and its
    /// instructions run only where no target is given.
    pub replaced: bool,
    /// Its instructions in the tree, `FROM` included.
    pub instructions: Range<u32>,
    /// Its steps without `FROM`, triggers of `ONBUILD` included.
    pub steps: Range<u32>,
    /// Whether the target needs it. Always, where no target is given.
    pub reachable: bool,
    /// Whether the base name is no valid reference when all build arguments keep their defaults.
    pub invalid_default_base: bool,
}

/// The name of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageName {
    /// In lower case, as BuildKit compares it.
    pub name: Kept,
    /// Where it is written.
    pub span: Span,
}

/// What a stage builds upon. [`Model::base_name`] has the characters of its name, and [`Model::reference`]
/// what an image's name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage.
    Stage(u32),
    /// An image, by its name after expansion, which is a valid reference.
    Image(Kept),
    /// A named context, by its name among [`Inputs::contexts`].
    Context(Kept),
    /// Nothing that could be resolved: expansion failed, or gave nothing or no valid reference. The name after
    /// expansion, if it came to that.
    Unresolvable(Option<Kept>),
}

/// The `--platform` flag of a `FROM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformFlag {
    /// Not given.
    None,
    /// Given and valid.
    Resolved(PlatformNumber),
    /// Given, but expansion failed, or gave no platform.
    Unresolvable,
}

/// One run of one instruction.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where the instruction comes from.
    pub origin: Origin,
    /// The instruction: an index into the tree, or into that of the trigger of an image.
    pub instruction: u32,
    /// The stage it runs in; nothing for a global `ARG`.
    pub stage: Option<u32>,
    /// First and last line as BuildKit reports them: those of `FROM` for a trigger.
    pub lines: (u32, u32),
    /// The shell in force before it.
    pub shell: Shell,
    /// Whether a `WORKDIR` has run before it in this stage or those it builds upon.
    pub workdir_set: bool,
    /// What its words and flags expand to.
    pub values: Range<u32>,
    /// The variables it refers to.
    pub variables: Range<u32>,
    /// The ports it exposes.
    pub ports: Range<u32>,
}

/// Where the instruction of a step comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The stage itself.
    Own,
    /// An `ONBUILD` of the stage it builds upon.
    StageTrigger,
    /// An `ONBUILD` of the base image: the trigger of this index.
    ImageTrigger(u32),
}

/// The `SHELL` in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// The platform's default.
    Default,
    /// A `SHELL`, or that of the base image: an index into [`Model::shells`].
    Set(u32),
    /// The base image may have set one.
    Unknown,
}

/// What a word or flag expands to.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// What was expanded.
    pub site: Site,
    /// Whether it depends on nothing that is unknown. Otherwise the text takes unknown variables for unset.
    pub exact: bool,
    text: Option<Span>,
}

/// A place in the tree of a step that BuildKit expands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// A word. For `ARG`, the text behind `=`.
    Word(u32),
    /// The value of a flag. For `--mount`, one of the values in it.
    Flag(u32),
    /// The body of a heredoc.
    Heredoc(u32),
}

/// One reference to a variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Where it stands in the source, from `$` on. For triggers of images, the base name of `FROM`.
    pub span: Span,
    /// The step that expands it.
    pub step: u32,
    /// The word or flag it stands in.
    pub site: Site,
    /// The number of the expansion: BuildKit reports a name once for each.
    pub expansion: u32,
    /// The stage; nothing for a global `ARG`.
    pub stage: Option<u32>,
    /// Which variables are visible.
    pub scope: VariableScope,
    /// Whether there is a value.
    pub state: VariableState,
    /// What is done with the value.
    pub form: ReferenceForm,
    /// The line where BuildKit reports it: the first of the instruction, for a trigger that of `FROM`.
    pub line: u32,
    name: Name,
    value: Option<Assigned>,
    environment: Scope,
}

/// Which variables are visible at a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableScope {
    /// In `FROM`: global `ARG`s and the platform arguments.
    From,
    /// In a global `ARG`: those before it and the platform arguments.
    Global,
    /// In a stage: its `ENV` and `ARG`, those it inherits, and the environment of the base image.
    Stage,
}

/// Whether a variable has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableState {
    /// It is set.
    Resolved,
    /// An `ARG` declares it without a value: empty, but not undefined.
    Declared,
    /// Nothing sets it.
    Unresolved,
    /// Nothing in the file sets it, but the base image may.
    Unknown,
}

/// A port specification as `EXPOSE` reads it: one for each word that its words expand to, in the order
/// in which BuildKit looks at them. One that is not valid ends them.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// The step that exposes it.
    pub step: u32,
    /// The word it comes from: an index into the words of the step's tree.
    pub word: u32,
    /// Whether it depends on nothing that is unknown.
    pub exact: bool,
    text: Span,
}

/// A use of an image, a stage or `scratch`.
#[derive(Clone, Copy, Debug)]
pub struct ImageUse {
    /// Where it is used.
    pub kind: ImageUseKind,
    /// The step that uses it.
    pub step: u32,
    /// The stage that uses it.
    pub stage: u32,
    /// The name in the source; for triggers of images, the base name of `FROM`.
    pub span: Span,
    /// What is used.
    pub source: Base,
    /// The platform the image is wanted for.
    pub platform: PlatformNumber,
}

/// Where an image is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageUseKind {
    /// `FROM`.
    From,
    /// `COPY --from`.
    CopyFrom,
    /// `RUN --mount=…,from=`.
    MountFrom,
}

/// A trigger of a base image.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The stage it runs in.
    pub stage: u32,
    /// Its text.
    pub source: String,
    /// Its tree.
    pub tree: Tree,
}

/// Something that would stop a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelProblem {
    /// In BuildKit's words, where it has words for it.
    pub message: String,
    /// The place.
    pub span: Span,
    /// The line where BuildKit reports it.
    pub line: u32,
    /// The last step that BuildKit comes to, and its checks with it; nothing where it comes to none.
    pub last_step: Option<u32>,
    /// The word, flag or heredoc of that step at which BuildKit stops, where it is one of them: it does
    /// not look at those behind it.
    pub site: Option<Site>,
}

impl Default for Inputs<'_> {
    /// No build arguments, and the host's platform on both sides.
    fn default() -> Self {
        let host = Platform::host();
        Self {
            build_args: &[],
            target_platform: host.clone(),
            build_platform: host,
            target: None,
            contexts: &[],
            base_images: &[],
        }
    }
}
