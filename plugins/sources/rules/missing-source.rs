//! Sources of ADD and COPY that the build context does not have.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_sdk::prelude::*;

use crate::place;

#[derive(Default)]
pub struct MissingSource;

/// Patterns that one question names, and the bytes of all of them: what the contract allows.
const PATTERNS_MAX: usize = 1_000;
const PATTERN_BYTES_MAX: usize = 64 << 10;

impl Rule for MissingSource {
    const NAME: &'static str = "missing-source";
    const SUMMARY: &'static str = "ADD and COPY should name files that the build context has";
    const SEVERITY: Severity = Severity::Info;

    fn plan(&self, document: &Document, plan: &Plan) {
        for (number, part) in (0u32..).zip(parts(&copied(document))) {
            let request = plan.about(Scope::File).with_state(number.to_le_bytes());
            if context::plan_files(&request, &part).is_err() {
                return;
            }
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let copied = copied(document);
        let part = answered.state.first_chunk().map_or(0, |number| u32::from_le_bytes(*number));
        let Some(asked) = parts(&copied).into_iter().nth(part as usize) else { return Outcome::Keep };
        let found = context::files(answered).into_iter().map(|matches| !matches.paths.is_empty());
        let known: BTreeMap<String, bool> = asked.into_iter().zip(found).collect();
        // Where nothing at all is there, this is the context of another build.
        if !known.values().any(|is_there| *is_there) {
            return Outcome::Keep;
        }
        for copied in &copied {
            let is_missing = |source: &&Copied| known.get(source.path) == Some(&false);
            for source in copied.iter().filter(is_missing) {
                let is_last_hope = copied.iter().all(|other| other.is_pattern && known.get(other.path) == Some(&false));
                let message = match source.is_pattern {
                    false => format!("'{}' is not in the build context", source.path),
                    true if is_last_hope => format!("'{}' matches nothing in the build context", source.path),
                    // A pattern that need not match is how optional files are copied.
                    true => continue,
                };
                report.add(source.place, message);
            }
        }
        Outcome::Add
    }
}

/// A source in the build context.
struct Copied<'d> {
    place: Span,
    path: &'d str,
    is_pattern: bool,
}

/// The sources of each step that are known and name something below the root.
fn copied(document: &Document) -> Vec<Vec<Copied<'_>>> {
    let steps = document.steps().filter(|step| matches!(step.keyword(), Keyword::Copy | Keyword::Add));
    let mut all = Vec::new();
    for step in steps.filter(Step::is_needed) {
        let is_elsewhere = |flag: StepFlag| flag.name() == "from" && flag.text().is_some_and(|from| !from.is_empty());
        if step.flags().any(is_elsewhere) {
            continue;
        }
        let has_parents = step.flags().any(|flag| flag.name() == "parents");
        let sources = step.words().enumerate().filter_map(|(number, word)| {
            let is_known = word.source() == Some(Source::Local) && word.is_exact();
            let path = word.value().filter(|path| is_known && path.len() <= PATTERN_BYTES_MAX)?;
            let is_pattern = path.contains(['*', '?', '[']);
            // With --parents, `**` means any folders.
            let is_clear = !(has_parents && path.contains("**"));
            let is_root = path.split('/').all(|name| matches!(name, "" | "." | ".."));
            (is_clear && !is_root).then(|| Copied { place: place::of_word(&step, number), path, is_pattern })
        });
        all.push(sources.collect());
    }
    all
}

/// All paths, each once, as many at a time as one question may name.
fn parts(copied: &[Vec<Copied>]) -> Vec<Vec<String>> {
    let paths: BTreeSet<&str> = copied.iter().flatten().map(|source| source.path).collect();
    let mut parts: Vec<(usize, Vec<String>)> = Vec::new();
    for path in paths {
        match parts.last_mut() {
            Some((bytes, part)) if part.len() < PATTERNS_MAX && *bytes + path.len() <= PATTERN_BYTES_MAX => {
                *bytes += path.len();
                part.push(path.to_owned());
            }
            _ => parts.push((path.len(), vec![path.to_owned()])),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}
