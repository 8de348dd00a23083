//! COPY and ADD find nothing that the ignore file leaves out.

use std::collections::BTreeMap;

use plimsoll_sdk::context::IgnoreFile;
use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct CopyIgnoredFile;

/// Paths that one question names.
const PATHS: usize = 200;

/// Bytes of a path that can exist.
const PATH_BYTES_MAX: usize = 4096;

/// Patterns that leave everything out: only they concern the root of the context.
const EVERYTHING: [&str; 3] = ["*", "**", "**/*"];

impl Rule for CopyIgnoredFile {
    const NAME: &'static str = "CopyIgnoredFile";
    const SUMMARY: &'static str = "COPY and ADD should not name files that .dockerignore leaves out";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/");

    fn plan(&self, document: &Document, plan: &Plan) {
        let mut open: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for stage in document.stages().filter(Stage::is_needed) {
            let sources = sources(&stage);
            ask(plan, &stage, &sources);
            if sources.iter().any(|source| !source.is_exact) {
                let stages = open.entry(stage.root()).or_default();
                stages.extend(stage.index().to_le_bytes());
            }
        }
        // What the base image sets tells the other paths.
        for (root, stages) in open {
            let stage = document.stage(root);
            if stage.base() == Base::Image {
                let request = plan.about(Scope::Derived(root)).with_state(stages);
                registry::plan_image(&request, stage.base_text(), &stage.platform()).expect("the base is an image");
            }
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        if let Scope::Stage(stage) = answered.scope {
            judge(answered, document, &document.stage(stage), report);
            return Outcome::Add;
        }
        for stage in answered.state.as_chunks().0 {
            let stage = document.stage(u32::from_le_bytes(*stage));
            ask(&answered.follow_up(), &stage, &sources(&stage));
        }
        Outcome::Keep
    }
}

/// A source of COPY or ADD in the build context.
struct Source<'d> {
    step: Step<'d>,
    /// Its place among the words.
    word: usize,
    path: String,
    is_exact: bool,
}

fn sources<'d>(stage: &Stage<'d>) -> Vec<Source<'d>> {
    let mut sources = Vec::new();
    for step in stage.steps().filter(|step| matches!(step.keyword(), Keyword::Copy | Keyword::Add)) {
        let names_stage =
            |flag: &StepFlag| flag.name == "from" && flag.text.as_deref().is_some_and(|from| !from.is_empty());
        if step.flags().iter().any(names_stage) {
            continue;
        }
        for (word, source) in step.words().into_iter().enumerate() {
            let Some(path) = source.value.filter(|path| path.len() <= PATH_BYTES_MAX) else { continue };
            if source.role == WordRole::LocalSource {
                sources.push(Source { step, word, path, is_exact: source.exact });
            }
        }
    }
    sources
}

/// Asks for the paths that are known, some at a time.
fn ask(plan: &Plan, stage: &Stage, sources: &[Source]) {
    let known: Vec<&Source> = sources.iter().filter(|source| source.is_exact).collect();
    for (number, part) in (0u32..).zip(known.chunks(PATHS)) {
        let request = plan.about(Scope::Stage(stage.index())).with_state(number.to_le_bytes());
        let paths: Vec<String> = part.iter().map(|source| source.path.clone()).collect();
        context::plan_ignored(&request, &paths).expect("the paths are few and short");
    }
}

/// Reports those of the paths asked for that the build would not find.
fn judge(answered: &Answered, document: &Document, stage: &Stage, report: &mut Report) {
    let file = IgnoreFile::of(answered);
    // Where paths are taken back in, a folder may be left out and what is in it may not.
    if file.has_exceptions() {
        return;
    }
    let number = answered.state.first_chunk().map_or(0, |number| u32::from_le_bytes(*number));
    let sources = sources(stage);
    let known = sources.iter().filter(|source| source.is_exact).skip(number as usize * PATHS);
    for (source, ignored) in known.zip(file.paths()) {
        let is_root = matches!(ignored.path.as_str(), "." | "/");
        let counts = |pattern: &String| !is_root || EVERYTHING.contains(&pattern.as_str());
        if ignored.patterns.iter().any(counts) {
            let verb = if source.step.keyword() == Keyword::Copy { "Copy" } else { "Add" };
            let path = text::quoted(&ignored.path);
            let message = format!("Attempting to {verb} file {path} that is excluded by .dockerignore");
            report.add(place::of_word(document, &source.step, source.word), message);
        }
    }
}
