//! COPY and ADD find nothing that the ignore file leaves out.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_sdk::context::{IgnoreFile, Ignored};
use plimsoll_sdk::prelude::*;

use crate::{place, text};

#[derive(Default)]
pub struct CopyIgnoredFile;

/// Paths that one question names, and the bytes of all of them: what the contract allows.
const PATHS_MAX: usize = 1_000;
const PATH_BYTES_MAX: usize = 64 << 10;

/// Stages that one image is asked for at a time: their numbers are the notes of the request.
const STAGES: usize = 200;

/// Patterns that leave everything out: only they concern the root of the context.
const EVERYTHING: [&str; 3] = ["*", "**", "**/*"];

impl Rule for CopyIgnoredFile {
    const NAME: &'static str = "CopyIgnoredFile";
    const SUMMARY: &'static str = "COPY and ADD should not name files that .dockerignore leaves out";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/");

    fn plan(&self, document: &Document, plan: &Plan) {
        let all: Vec<u32> = document.stages().filter(Stage::is_needed).map(|stage| stage.index()).collect();
        ask(document, plan, &all, &[]);
        // What the base image sets tells the other paths.
        let mut open: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for stage in all.into_iter().map(|stage| document.stage(stage)) {
            if sources(&stage).iter().any(|source| !source.is_exact) {
                open.entry(stage.root()).or_default().push(stage.index());
            }
        }
        for (root, stages) in open {
            let stage = document.stage(root);
            for stages in stages.chunks(STAGES).filter(|_| stage.base() == Base::Image) {
                let request = plan.about(Scope::Derived(root)).with_state(bytes(stages));
                if registry::plan_image(&request, stage.base_text(), &stage.platform()).is_err() {
                    // There are more questions than may be asked.
                    return;
                }
            }
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let notes: Vec<u32> = answered.state.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect();
        match (answered.scope, notes.as_slice()) {
            (Scope::File, [part, stages @ ..]) => {
                judge(answered, document, *part, stages, report);
                Outcome::Add
            }
            (_, stages) => {
                ask(document, &answered.follow_up(), stages, stages);
                Outcome::Keep
            }
        }
    }
}

/// A source of COPY or ADD in the build context.
struct Copied<'d> {
    step: Step<'d>,
    /// Its place among the words.
    word: usize,
    path: &'d str,
    is_exact: bool,
}

fn sources<'d>(stage: &Stage<'d>) -> Vec<Copied<'d>> {
    let mut sources = Vec::new();
    for step in stage.steps().filter(|step| matches!(step.keyword(), Keyword::Copy | Keyword::Add)) {
        let names_stage = |flag: StepFlag| flag.name() == "from" && flag.text().is_some_and(|from| !from.is_empty());
        if step.flags().any(names_stage) {
            continue;
        }
        for (word, source) in step.words().enumerate() {
            let is_local = source.source() == Some(Source::Local);
            if let Some(path) = source.value().filter(|path| is_local && path.len() <= PATH_BYTES_MAX) {
                sources.push(Copied { step, word, path, is_exact: source.is_exact() });
            }
        }
    }
    sources
}

/// The paths of these stages that are known, each once, as many at a time as one question may name.
fn parts(document: &Document, stages: &[u32]) -> Vec<Vec<String>> {
    let sources = stages.iter().flat_map(|stage| sources(&document.stage(*stage)));
    let paths: BTreeSet<&str> = sources.filter(|source| source.is_exact).map(|source| source.path).collect();
    let mut parts: Vec<(usize, Vec<String>)> = Vec::new();
    for path in paths {
        match parts.last_mut() {
            Some((bytes, part)) if part.len() < PATHS_MAX && *bytes + path.len() <= PATH_BYTES_MAX => {
                *bytes += path.len();
                part.push(path.to_owned());
            }
            _ => parts.push((path.len(), vec![path.to_owned()])),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// Asks for the paths of these stages. The notes say which part of them, and of which stages if not of all.
fn ask(document: &Document, plan: &Plan, stages: &[u32], noted: &[u32]) {
    for (number, part) in (0u32..).zip(parts(document, stages)) {
        let notes: Vec<u32> = [number].into_iter().chain(noted.iter().copied()).collect();
        let request = plan.about(Scope::File).with_state(bytes(&notes));
        if context::plan_ignored(&request, &part).is_err() {
            return;
        }
    }
}

/// Reports those of the paths asked for that the build would not find.
fn judge(answered: &Answered, document: &Document, part: u32, stages: &[u32], report: &mut Report) {
    let file = IgnoreFile::of(answered);
    // Where paths are taken back in, a folder may be left out and what is in it may not.
    if file.has_exceptions() {
        return;
    }
    let all = || document.stages().filter(Stage::is_needed).map(|stage| stage.index()).collect();
    let stages: Vec<u32> = if stages.is_empty() { all() } else { stages.to_vec() };
    let Some(asked) = parts(document, &stages).into_iter().nth(part as usize) else { return };
    let ignored: BTreeMap<String, Ignored> = asked.into_iter().zip(file.paths()).collect();
    for source in stages.iter().flat_map(|stage| sources(&document.stage(*stage))) {
        let Some(ignored) = ignored.get(source.path).filter(|_| source.is_exact) else { continue };
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

fn bytes(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
