//! What a document means: the model of the build, and its tables.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};

use plimsoll_dockerfile::model::{
    Base, ImageUseKind, Origin, PlatformFlag, Shell, Site, Stage, Step, VariableScope, VariableState,
};
use plimsoll_dockerfile::shell::Told;
use plimsoll_dockerfile::suggest::nearest;
use plimsoll_dockerfile::{BaseImage, Inputs, Model, Platform, Span, model};

use super::steps::StepTables;
use super::{Document, NONE, ShellTables, keyword_number, put};

/// What a document means under given inputs.
pub struct Meaning {
    pub(super) document: Arc<Document>,
    pub(super) model: Model,
    target_platform: Platform,
    tables: OnceLock<Tables>,
    pub(super) step_tables: OnceLock<StepTables>,
    pub(super) shell: OnceLock<ShellTables>,
    pub(super) shell_readings: AtomicU32,
    /// Who reads scripts, as comments say.
    pub(super) told: OnceLock<Told>,
}

/// The tables of the model, which share one arena of strings.
#[derive(Default)]
struct Tables {
    strings: String,
    stages: Vec<u32>,
    steps: Vec<u32>,
    variables: Vec<u32>,
    images: Vec<u32>,
}

/// What a build would be told from outside.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Build arguments.
    pub build_args: Vec<(String, String)>,
    /// The platform to build for.
    pub target_platform: Platform,
    /// The stage to build, if not the last.
    pub target: Option<String>,
    /// Named contexts, which take the place of images and stages.
    pub contexts: Vec<(String, String)>,
}

impl Surroundings {
    /// Nothing but a platform to build for.
    pub fn of_platform(target_platform: Platform) -> Self {
        Self { build_args: Vec::new(), target_platform, target: None, contexts: Vec::new() }
    }
}

impl Meaning {
    /// The meaning of a document when these base images are known, by stage.
    pub fn new(document: Arc<Document>, surroundings: &Surroundings, base_images: &[(u32, &BaseImage)]) -> Self {
        let inputs = Inputs {
            build_args: &surroundings.build_args,
            target_platform: surroundings.target_platform.clone(),
            build_platform: Platform::host(),
            target: surroundings.target.as_deref(),
            contexts: &surroundings.contexts,
            base_images,
        };
        let model = model(document.source(), &document.tree, &inputs);
        let target_platform = surroundings.target_platform.clone();
        Self {
            document,
            model,
            target_platform,
            tables: OnceLock::new(),
            step_tables: OnceLock::new(),
            shell: OnceLock::new(),
            shell_readings: AtomicU32::new(0),
            told: OnceLock::new(),
        }
    }

    /// The model itself.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How many stages there are.
    pub fn stage_count(&self) -> u32 {
        u32::try_from(self.model.stages.len()).unwrap_or(u32::MAX)
    }

    /// Where an instruction begins.
    pub fn instruction_start(&self, instruction: u32) -> u32 {
        self.document.tree.instructions.get(instruction as usize).map_or(NONE, |instruction| instruction.span.start)
    }

    /// `model.target-platform`.
    pub fn target_platform(&self) -> String {
        self.target_platform.to_string()
    }

    /// `model.strings`.
    pub fn strings(&self) -> &str {
        &self.tables().strings
    }

    /// `model.stages`.
    pub fn stages(&self) -> &[u32] {
        &self.tables().stages
    }

    /// `model.stage-platform`.
    pub fn stage_platform(&self, stage: u32) -> Option<String> {
        self.model.stages.get(stage as usize).map(|stage| self.model.platform(stage.platform).to_string())
    }

    /// `model.stage-platform-flag`; nothing for a stage that is not there.
    pub fn stage_platform_flag(&self, stage: u32) -> Option<Option<String>> {
        self.model.stages.get(stage as usize).map(|stage| match stage.platform_flag {
            PlatformFlag::Resolved(platform) => Some(self.model.platform(platform).to_string()),
            PlatformFlag::None | PlatformFlag::Unresolvable => None,
        })
    }

    /// `model.steps`.
    pub fn steps(&self) -> &[u32] {
        &self.tables().steps
    }

    /// `model.variables`.
    pub fn variables(&self) -> &[u32] {
        &self.tables().variables
    }

    /// `model.names-in-scope`.
    pub fn names_in_scope(&self, variable: u32) -> Option<Vec<String>> {
        self.model.variables.get(variable as usize)?;
        Some(self.model.visible_names(variable).into_iter().map(str::to_owned).collect())
    }

    /// `model.similar-name`; nothing for a variable that is not there.
    pub fn similar_name(&self, variable: u32) -> Option<Option<&str>> {
        let name = self.model.name(self.model.variables.get(variable as usize)?);
        let names = self.model.visible_names(variable);
        // Where the nearest is the name without characters, there is nothing to say.
        Some(nearest(name, names).filter(|similar| !similar.is_empty()))
    }

    /// `model.variable-value`; nothing for a variable that is not there.
    pub fn variable_value(&self, variable: u32) -> Option<Option<&str>> {
        self.model.variables.get(variable as usize).map(|variable| self.model.value(variable))
    }

    /// `model.images`.
    pub fn images(&self) -> &[u32] {
        &self.tables().images
    }

    fn tables(&self) -> &Tables {
        self.tables.get_or_init(|| Tables::new(&self.model, &self.document))
    }
}

impl Tables {
    fn new(model: &Model, document: &Document) -> Self {
        let mut tables = Self::default();
        for stage in &model.stages {
            let row = tables.stage_row(model, stage, document);
            tables.stages.extend(row);
        }
        let (mut words, mut flags) = (0, 0);
        for step in &model.steps {
            let row = step_row(model, document, step, &mut words, &mut flags);
            tables.steps.extend(row);
        }
        for variable in &model.variables {
            let [name, length] = put(&mut tables.strings, model.name(variable));
            let visibility = match variable.scope {
                VariableScope::Stage => 0,
                VariableScope::From => 1,
                VariableScope::Global => 2,
            };
            let state = match variable.state {
                VariableState::Resolved => 0,
                VariableState::Declared => 1,
                VariableState::Unresolved => 2,
                VariableState::Unknown => 3,
            };
            let (Span { start, end }, stage) = (variable.span, variable.stage.unwrap_or(NONE));
            let (kind, site) = match variable.site {
                Site::Word(word) => (0, word),
                Site::Flag(flag) => (1, flag),
                Site::Heredoc(heredoc) => (2, heredoc),
            };
            let is_elsewhere = model
                .steps
                .get(variable.step as usize)
                .is_some_and(|step| matches!(step.origin, Origin::ImageTrigger(_)));
            let site = if is_elsewhere { NONE } else { site };
            let row =
                [name, length, start, end, variable.step, variable.expansion, stage, state, visibility, kind, site];
            tables.variables.extend(row);
        }
        for image in &model.images {
            let Some(reference) = model.reference(&image.source) else { continue };
            let kind = match image.kind {
                ImageUseKind::From => 0,
                ImageUseKind::CopyFrom => 1,
                ImageUseKind::MountFrom => 2,
            };
            let [reference, length] = put(&mut tables.strings, &reference.canonical());
            let [platform, platform_length] = put(&mut tables.strings, &model.platform(image.platform).to_string());
            let (Span { start, end }, step) = (image.span, image.step);
            tables.images.extend([step, kind, start, end, reference, length, platform, platform_length]);
        }
        tables
    }

    fn stage_row(&mut self, model: &Model, stage: &Stage, document: &Document) -> [u32; 18] {
        let (kind, base) = match stage.base {
            Base::Scratch => (0, NONE),
            Base::Stage(base) => (1, base),
            Base::Image(_) => (2, NONE),
            Base::Unresolvable(_) => (3, NONE),
            Base::Context(_) => (4, NONE),
        };
        let [text, length] = put(&mut self.strings, model.base_name(&stage.base).unwrap_or_default());
        let flag = match stage.platform_flag {
            PlatformFlag::None => 0,
            PlatformFlag::Resolved(_) => 1,
            PlatformFlag::Unresolvable => 2,
        };
        let name = bounds(stage.name.map(|name| name.span));
        let (as_span, base_span) = (bounds(stage.as_span), bounds(Some(stage.base_span)));
        let value = bounds(platform_value(stage, document));
        [
            stage.from,
            stage.steps.start,
            stage.steps.end - stage.steps.start,
            kind,
            base,
            stage.root,
            name[0],
            name[1],
            as_span[0],
            as_span[1],
            base_span[0],
            base_span[1],
            flag,
            value[0],
            value[1],
            text,
            length,
            u32::from(stage.reachable) | u32::from(stage.invalid_default_base) << 1,
        ]
    }
}

/// `words` and `flags` are how many the steps before it have.
fn step_row(model: &Model, document: &Document, step: &Step, words: &mut u32, flags: &mut u32) -> [u32; 14] {
    let (_, tree) = model.tree_of(step, document.source(), &document.tree);
    let instruction = &tree.instructions[step.instruction as usize];
    let stage = step.stage.and_then(|stage| model.stages.get(stage as usize));
    let from = stage.and_then(|stage| document.tree.instructions.get(stage.from as usize));
    let (origin, row, place) = match step.origin {
        Origin::Own => (0, step.instruction, instruction.span),
        Origin::StageTrigger => (1, step.instruction, from.map_or(instruction.span, |from| from.span)),
        Origin::ImageTrigger(_) => (2, NONE, from.map_or(Span::new(0, 0), |from| from.span)),
    };
    let shell = match step.shell {
        Shell::Default => 0,
        Shell::Set(_) => 1,
        Shell::Unknown => 2,
    };
    let system = match stage.map_or("linux", |stage| &*model.platform(stage.platform).os) {
        "linux" => 0,
        "windows" => 1,
        _ => 2,
    };
    let keyword = keyword_number(instruction.keyword);
    let (stage, bits) = (step.stage.unwrap_or(NONE), u32::from(instruction.json));
    let (first_word, first_flag) = (*words, *flags);
    let [own_words, own_flags] = [&instruction.words, &instruction.flags].map(|rows| rows.end - rows.start);
    *words += own_words;
    *flags += own_flags;
    [
        origin,
        row,
        stage,
        keyword,
        bits,
        shell,
        u32::from(step.workdir_set),
        system,
        place.start,
        place.end,
        first_word,
        own_words,
        first_flag,
        own_flags,
    ]
}

/// Where the value of `--platform` stands.
fn platform_value(stage: &Stage, document: &Document) -> Option<Span> {
    let from = document.tree.instructions.get(stage.from as usize)?;
    let flags = document.tree.flags_of(from);
    let flag = flags.iter().rfind(|flag| document.tree.text(document.source(), flag.name) == "platform")?;
    flag.value.map(|value| document.place(value))
}

fn bounds(span: Option<Span>) -> [u32; 2] {
    span.map_or([NONE, NONE], |span| [span.start, span.end])
}
