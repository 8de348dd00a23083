//! Operation `lint`: BuildKit's checks by the bundled pack, as the program runs them.
//!
//! BuildKit stops at the first error, and so do its warnings; Plimsoll tells the user of all there is.
//! What is left out here is what BuildKit would not have come to.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use plimsoll::config::Files;
use plimsoll::document::{Document, Meaning, Surroundings};
use plimsoll::finding::Finding;
use plimsoll::lint::{Ask, CheckOptions, Input, Job, Ruleset, SlowChecks, Source, run};
use plimsoll::plugin::{Host, Plugin};
use plimsoll::question::{Answer, Failure, Question, SkipReason};
use plimsoll::resolve::context::IgnoreFile;
use plimsoll::resolve::{Resolve, Resolving};
use plimsoll::schedule::Terms;
use plimsoll_dockerfile::model::{Origin, Site, Step};
use plimsoll_dockerfile::tree::{Keyword, ProblemKind};
use plimsoll_dockerfile::{BaseImage, Platform, Reference, ignore};
use plimsoll_registry::Image;
use serde_json::{Value, json};

use crate::{strings, text};

/// Checks that BuildKit makes while it parses instructions.
const WHILE_PARSING: [&str; 5] =
    ["NoEmptyContinuation", "StageNameCasing", "FromAsCasing", "MaintainerDeprecated", "InvalidDefinitionDescription"];

/// Checks of the whole file, before anything is resolved.
const OF_THE_FILE: [&str; 4] =
    ["ReservedStageName", "DuplicateStageName", "ConsistentInstructionCasing", "InvalidDefaultArgInFrom"];

/// Checks of what FROM names.
const OF_FROM: [&str; 3] = ["UndefinedArgInFrom", "RedundantTargetPlatform", "FromPlatformFlagConstDisallowed"];

/// The check of base images, after every FROM and before what runs.
const OF_IMAGES: &str = "InvalidBaseImagePlatform";

/// What images have in their environment where the request says nothing else.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub fn lint(request: &Value) -> Result<Value, String> {
    let attributes = request["frontend_attrs"].as_object().cloned().unwrap_or_default();
    let attribute = |name: &str| attributes.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    let pairs = |prefix: &str| -> Vec<(String, String)> {
        let named = attributes.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value.as_str()?)));
        named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    // Of several the first: checks run once.
    let platforms = attribute("platform").unwrap_or("linux/amd64");
    let target_platform = match platforms.split(',').map(Platform::parse).collect::<Result<Vec<_>, _>>() {
        Ok(mut platforms) => platforms.swap_remove(0),
        Err(error) => return Ok(json!({ "warnings": [], "error": { "text": error.to_string() } })),
    };
    let surroundings = Surroundings {
        build_args: pairs("build-arg:"),
        target_platform,
        target: attribute("target").map(str::to_owned),
        contexts: pairs("context:"),
    };
    let world = World {
        ignore_file: ["Dockerfile.dockerignore", ".dockerignore"]
            .iter()
            .find_map(|name| request["files"][*name].as_str())
            .map(str::to_owned),
        platforms: request["image_platforms"].clone(),
        images: request["images"].clone(),
    };
    let source = text(&request["files"], "Dockerfile").as_bytes().to_vec();
    let document = Arc::new(Document::new(0, "Dockerfile".to_owned(), source.clone()));
    let plugins = plugins();
    let job = Job {
        inputs: vec![Input {
            shown: "Dockerfile".to_owned(),
            source: Source::Bytes(source),
            ruleset: 0,
            context: Arc::default(),
        }],
        plugins: plugins.clone(),
        unusable: Vec::new(),
        rulesets: vec![Ruleset::new(&plugins, Files::default()).map_err(|error| error.to_string())?],
        surroundings: vec![surroundings.clone()],
        slow_checks: SlowChecks {
            ask: Ask::Everything,
            fail_fast: false,
            terms: Terms::within(Duration::from_secs(60)),
        },
        lock: None,
        resolver: Arc::new(world.clone()),
        now: std::time::SystemTime::UNIX_EPOCH,
        threads: 1,
    };
    let stop = Stop::of(&document, &surroundings, &world);
    let report = run(&job).files.remove(0);
    let reached = report.findings.iter().filter(|finding| stop.is_behind(finding));
    let warnings: Vec<Value> = reached.map(|finding| warning(&document, finding)).collect();
    let options = CheckOptions::of_file(&document, &surroundings.build_args).unwrap_or_default();
    let violated = (options.is_error && !warnings.is_empty()).then(|| json!({ "text": "lint violation found" }));
    let error = stop.error.map(|(text, line)| json!({ "text": text, "line": line }));
    Ok(json!({ "warnings": warnings, "error": error.or(violated) }))
}

fn warning(document: &Document, finding: &Finding) -> Value {
    let line = document.lines().line_of(finding.span.start);
    // BuildKit does not know where a mount names its image.
    let is_mount = name(finding) == OF_IMAGES && instruction_at(document, finding.span.start) == Some(Keyword::Run);
    json!({
        "rule": name(finding),
        "detail": finding.message,
        "url": finding.url.as_deref().unwrap_or_default(),
        "line": if is_mount { 0 } else { line },
    })
}

fn instruction_at(document: &Document, start: u32) -> Option<Keyword> {
    let mut instructions = document.tree().instructions.iter();
    instructions.rfind(|i| i.parent.is_none() && i.span.contains(start)).map(|instruction| instruction.keyword)
}

fn name(finding: &Finding) -> &str {
    finding.rule.rsplit('/').next().unwrap_or_default()
}

/// How far BuildKit comes.
struct Stop {
    /// The error that it ends with: text and line.
    error: Option<(String, u32)>,
    reach: Reach,
    meaning: Arc<Meaning>,
    document: Arc<Document>,
}

/// What it has checked by then.
enum Reach {
    Nothing,
    /// Instructions up to this line, while parsing.
    Line(u32),
    /// Everything up to this step, and of that only what stands before this site.
    Step(Option<u32>, Option<Site>),
    Everything,
}

impl Stop {
    fn of(document: &Arc<Document>, surroundings: &Surroundings, world: &World) -> Self {
        let unknown = Meaning::new(document.clone(), surroundings, &[]);
        let model = unknown.model();
        let images: Vec<(u32, BaseImage)> = (0..)
            .zip(&model.stages)
            .filter_map(|(index, stage)| {
                let reference = model.reference(&stage.base)?;
                Some((index, world.base_image(&reference, model.platform(stage.platform))))
            })
            .collect();
        let known: Vec<(u32, &BaseImage)> = images.iter().map(|(index, image)| (*index, image)).collect();
        let meaning = Arc::new(Meaning::new(document.clone(), surroundings, &known));
        let (error, reach) = first_error(document, &meaning, surroundings, world);
        Self { error, reach, meaning, document: document.clone() }
    }

    fn is_behind(&self, finding: &Finding) -> bool {
        if !finding.rule.starts_with("buildkit/") {
            return false;
        }
        let line = self.document.lines().line_of(finding.span.start);
        let rule = name(finding);
        match self.reach {
            Reach::Nothing => false,
            Reach::Everything => true,
            _ if rule == "NoEmptyContinuation" => true,
            // Descriptions are looked at once the instruction is found to be good.
            Reach::Line(last) if rule == "InvalidDefinitionDescription" => line < last || last == u32::MAX,
            Reach::Line(last) => WHILE_PARSING.contains(&rule) && line <= last,
            Reach::Step(..) if WHILE_PARSING.contains(&rule) || OF_THE_FILE.contains(&rule) => true,
            Reach::Step(None, _) => false,
            Reach::Step(Some(last), _) if rule == OF_IMAGES => last > self.last_from(),
            Reach::Step(Some(last), site) => match self.step_of(finding, rule) {
                Some(step) if step == last && rule == "CopyIgnoredFile" => {
                    !self.fails_to_expand(last) && self.is_before(finding, site)
                }
                Some(step) if step == last && rule == "UndefinedArgInFrom" => true,
                // The platform is looked at behind the base.
                Some(step) if step == last && OF_FROM.contains(&rule) => !matches!(site, Some(Site::Word(_))),
                Some(step) if step == last => rule == "UndefinedVar" || !self.fails_to_expand(last),
                step => step.is_none_or(|step| step < last),
            },
        }
    }

    /// The step that a finding is about. One of what runs in a stage that points at a FROM is about a
    /// trigger: the first of the stage stands for all.
    fn step_of(&self, finding: &Finding, rule: &str) -> Option<u32> {
        let (tree, model) = (self.document.tree(), self.meaning.model());
        let at = finding.related.first().filter(|_| rule == "MultipleInstructionsDisallowed");
        let start = at.map_or(finding.span.start, |(second, _)| second.start);
        let instruction = tree.instructions.iter().rposition(|i| i.parent.is_none() && i.span.contains(start))?;
        let instruction = u32::try_from(instruction).ok()?;
        let is_from = tree.instructions[instruction as usize].keyword == Keyword::From;
        if is_from && !OF_FROM.contains(&rule) {
            return model.stages.iter().find(|stage| stage.from == instruction).map(|stage| stage.steps.start);
        }
        let own = |step: &Step| step.origin == Origin::Own && step.instruction == instruction;
        model.steps.iter().position(own).and_then(|step| u32::try_from(step).ok())
    }

    /// Whether a source of COPY stands before the one that BuildKit stops at.
    fn is_before(&self, finding: &Finding, site: Option<Site>) -> bool {
        match site {
            Some(Site::Word(word)) => finding.span.start < self.document.tree().words[word as usize].span.start,
            _ => false,
        }
    }

    /// Whether a step ends before BuildKit looks at more than its variables.
    fn fails_to_expand(&self, step: u32) -> bool {
        let model = self.meaning.model();
        model.steps.get(step as usize).is_some_and(|step| {
            let (_, tree) = model.tree_of(step, self.document.source(), self.document.tree());
            let keyword = tree.instructions.get(step.instruction as usize).map(|instruction| instruction.keyword);
            keyword != Some(Keyword::Arg) && model.values_of(step).iter().any(|value| model.text(value).is_none())
        })
    }

    fn last_from(&self) -> u32 {
        let froms = self.meaning.model().stages.iter().map(|stage| stage.steps.start);
        froms.min().unwrap_or_default().saturating_sub(1)
    }
}

fn first_error(
    document: &Document,
    meaning: &Meaning,
    surroundings: &Surroundings,
    world: &World,
) -> (Option<(String, u32)>, Reach) {
    if let Err(problem) = CheckOptions::of_file(document, &surroundings.build_args) {
        return (Some((problem.message, problem.line.unwrap_or_default())), Reach::Nothing);
    }
    if let Some(problem) = document.tree().first_error() {
        let reach = match (problem.kind, problem.instruction) {
            (ProblemKind::Syntax, _) => Reach::Nothing,
            (_, Some(_)) => Reach::Line(problem.line),
            // The file as a whole is looked at when all is parsed.
            (_, None) => Reach::Line(u32::MAX),
        };
        return (Some((problem.message.clone(), problem.line)), reach);
    }
    let model = meaning.model();
    let first_run = model.stages.iter().map(|stage| stage.steps.start).min().unwrap_or_default();
    let problem = model.problems.first();
    let patterns = ignore::read(world.ignore_file.as_deref().unwrap_or_default().as_bytes());
    if let Err(error) = ignore::Matcher::new(patterns.iter().map(String::as_str)) {
        // The ignore file is read when all is resolved.
        if problem.is_none_or(|problem| problem.last_step.is_some_and(|step| step >= first_run)) {
            return (Some((error.to_string(), 0)), Reach::Step(first_run.checked_sub(1), None));
        }
    }
    match problem {
        Some(problem) => (Some((problem.message.clone(), problem.line)), Reach::Step(problem.last_step, problem.site)),
        None => (None, Reach::Everything),
    }
}

/// The world as a request describes it: images have the wanted platform and only PATH in their
/// environment, unless it says otherwise.
#[derive(Clone)]
struct World {
    ignore_file: Option<String>,
    platforms: Value,
    images: Value,
}

impl World {
    fn image(&self, reference: &Reference, platform: &Platform) -> Image {
        let wanted = reference.with_default_tag();
        let named = |value: &Value| {
            let is_it = |name: &str| Reference::parse(name).is_ok_and(|name| name.with_default_tag() == wanted);
            value.as_object()?.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value.clone())
        };
        let other = named(&self.platforms).and_then(|platform| Platform::parse(platform.as_str()?).ok());
        let told = named(&self.images).unwrap_or_default();
        let variable = |variable: String| {
            let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
            (name.to_owned(), value.to_owned())
        };
        let mut environment: Vec<(String, String)> = strings(&told["env"]).into_iter().map(variable).collect();
        if told["env"].is_null() {
            environment.push(("PATH".to_owned(), DEFAULT_PATH.to_owned()));
        }
        Image {
            digest: String::new(),
            index_digest: None,
            platform: other.unwrap_or_else(|| platform.clone()),
            environment,
            working_dir: text(&told, "workdir").to_owned(),
            user: text(&told, "user").to_owned(),
            shell: strings(&told["shell"]),
            labels: BTreeMap::new(),
            onbuild: strings(&told["onbuild"]),
            entrypoint: Vec::new(),
            cmd: Vec::new(),
            created: None,
        }
    }

    fn base_image(&self, reference: &Reference, platform: &Platform) -> BaseImage {
        let image = self.image(reference, platform);
        BaseImage {
            environment: image.environment,
            working_dir: image.working_dir,
            user: image.user,
            shell: image.shell,
            onbuild: image.onbuild,
            platform: Some(image.platform),
        }
    }
}

impl Resolve for World {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            match question {
                Question::Image { reference, platform } => {
                    let image = Box::new(self.image(reference, platform));
                    Ok(Answer::Image(plimsoll_registry::Answer::Image(image)))
                }
                Question::Ignored { paths, .. } => {
                    let file = self.ignore_file.as_deref();
                    let file = file.map(|content| IgnoreFile::new(".dockerignore", content.as_bytes()));
                    file.unwrap_or_else(IgnoreFile::none).ignored(paths, deadline).map(Answer::Ignored)
                }
                _ => Err(Failure {
                    reason: SkipReason::ResolverError,
                    detail: format!("nothing is known of {question}"),
                }),
            }
        })
    }
}

fn plugins() -> Arc<[Plugin]> {
    static PLUGINS: OnceLock<Arc<[Plugin]>> = OnceLock::new();
    let load = || {
        let host = Host::new().expect("the engine starts");
        Plugin::bundled(&host).expect("the bundle loads").into()
    };
    PLUGINS.get_or_init(load).clone()
}
