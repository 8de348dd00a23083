//! ADD of a git repository without saying which commit.

use plimsoll_sdk::prelude::*;

use crate::repository::Repository;
use crate::{address, place};

#[derive(Default)]
pub struct UnpinnedRepository;

impl Rule for UnpinnedRepository {
    const NAME: &'static str = "unpinned-repository";
    const SUMMARY: &'static str = "ADD of a git repository should name a commit, not a branch or tag that can move";
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for added in added(document) {
            added.report(report);
        }
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        for added in added(document).filter(|added| added.is_exact) {
            let Some(stage) = added.step.stage() else { continue };
            let request = plan.about(Scope::Stage(stage.index())).with_state(added.notes());
            let repository = Repository::of(added.source);
            // What cannot be asked, such as a repository behind SSH, stays unknown.
            let _ = git::plan_resolve(&request, repository.remote, &repository.name);
        }
    }

    /// Says the same again, with what is to be written.
    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let commit = git::commit(answered);
        let Some(added) = added(document).find(|added| answered.state == added.notes()) else { return Outcome::Keep };
        let repository = Repository::of(added.source);
        let edit = if repository.has_query {
            place::insert_checksum(&added.step, &commit).filter(|_| added.is_alone)
        } else {
            let is_editable = place::is_literal(document, added.place, added.source);
            is_editable.then(|| Edit::replace(added.place, repository.at(&commit)))
        };
        if let Some(edit) = edit {
            added.report(report).fix("Name the commit that it is at today", [edit]);
        }
        Outcome::Add
    }
}

/// A repository that an ADD takes, not bound to a commit.
struct Added<'d> {
    step: Step<'d>,
    word: u32,
    place: Span,
    source: &'d str,
    is_exact: bool,
    is_alone: bool,
}

impl Added<'_> {
    fn report<'r>(&self, report: &'r mut Report) -> &'r mut plimsoll_sdk::Finding {
        let repository = Repository::of(self.source);
        let what = match repository.name.as_str() {
            "" => "its default branch".to_owned(),
            name => format!("'{name}'"),
        };
        report.add(
            self.place,
            format!("Repository '{}' is taken at {what}, which can move", address::shown(repository.remote)),
        )
    }

    fn notes(&self) -> Vec<u8> {
        place::notes(&self.step, self.word)
    }
}

fn added(document: &Document) -> impl Iterator<Item = Added<'_>> {
    let is_add = |step: &Step| step.keyword() == Keyword::Add && step.is_needed();
    let has_checksum =
        |step: &Step| step.flags().any(|flag| flag.name() == "checksum" && !flag.value().is_some_and(str::is_empty));
    document.steps().filter(is_add).filter(move |step| !has_checksum(step)).flat_map(|step| {
        let is_alone = step.words().filter(|word| word.source().is_some()).count() == 1;
        let repositories = (0u32..).zip(step.words()).filter(|(_, word)| word.source() == Some(Source::Git));
        repositories.filter_map(move |(number, word)| {
            let place = place::of_word(&step, number as usize);
            let source = word.value().filter(|source| !Repository::of(source).is_pinned())?;
            Some(Added { step, word: number, place, source, is_exact: word.is_exact(), is_alone })
        })
    })
}
