//! The first WORKDIR should be absolute.

use plimsoll_sdk::prelude::*;

use crate::{base_image, place, text};

#[derive(Default)]
pub struct WorkdirRelativePath;

impl Rule for WorkdirRelativePath {
    const NAME: &'static str = "WorkdirRelativePath";
    const SUMMARY: &'static str = "The first WORKDIR should be absolute, so that the base image has no say in it";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/");

    /// Passes over paths with variables that the base image may set.
    fn check(&self, document: &Document, report: &mut Report) {
        first_workdirs(document).filter(|step| !is_open(step)).for_each(|step| check(document, report, &step));
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        base_image::ask(document, plan, first_workdirs(document).filter(is_open).filter_map(|step| step.stage()));
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        base_image::learn(answered, |root| {
            let known = first_workdirs(document).filter(|step| step.stage().is_some_and(|stage| stage.root() == root));
            known.for_each(|step| check(document, report, &step));
        })
    }
}

fn first_workdirs(document: &Document) -> impl Iterator<Item = Step<'_>> {
    document.steps().filter(|step| step.keyword() == Keyword::Workdir && !step.has_workdir() && step.is_needed())
}

fn is_open(step: &Step) -> bool {
    step.variables().any(|variable| variable.state() == State::Unknown)
}

fn check(document: &Document, report: &mut Report, step: &Step) {
    let Some(path) = step.words().next().and_then(|word| word.value()) else { return };
    if !is_absolute(path, step.operating_system()) {
        let message =
            format!("Relative workdir {} can have unexpected results if the base image changes", text::quoted(path));
        report.add(place::of_arguments(document, step), message);
    }
}

/// On Windows a path may name the drive `C:`, and no other; `//server` and a
/// drive alone are none.
fn is_absolute(path: &str, system: OperatingSystem) -> bool {
    if system != OperatingSystem::Windows {
        return path.starts_with('/');
    }
    let path = path.replace('\\', "/");
    let inner = match path.split_once(':') {
        Some((drive, rest)) if drive.eq_ignore_ascii_case("c") => rest,
        Some(_) => return false,
        None => &path,
    };
    inner.starts_with('/') && !path.starts_with("//")
}
