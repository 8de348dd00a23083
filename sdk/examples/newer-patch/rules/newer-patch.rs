//! Base images should have the newest patch of their version.

use plimsoll_sdk::prelude::*;

use crate::version::Version;

#[derive(Default)]
pub struct NewerPatch;

impl Rule for NewerPatch {
    const NAME: &'static str = "newer-patch";
    const SUMMARY: &'static str = "Images should have the newest patch of their version";
    const FIXABLE: bool = true;

    /// First question: which tags are there?
    fn plan(&self, document: &Document, plan: &Plan) {
        for image in document.images().filter(|image| version(image).is_some()) {
            let request = plan.about(Scope::File).with_state(Notes { start: image.span().start, newest: "" }.write());
            registry::plan_tags(&request, image.reference()).expect("an image has a repository");
        }
    }

    /// The notes say which question this answers: with a tag in them, the second one.
    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let Some(notes) = Notes::read(&answered.state) else { return Outcome::Keep };
        let Some(image) = document.images().find(|image| image.span().start == notes.start) else {
            return Outcome::Keep;
        };
        if notes.newest.is_empty() {
            follow_up(&image, answered, notes);
            return Outcome::Keep;
        }
        let answer = registry::Image::of(answered);
        // A patch that was not made for this platform is none to take.
        let registry::Selection::Image(selected) = answer.selection() else { return Outcome::Keep };
        let digest = selected.index_digest.unwrap_or(selected.digest);
        let made = answer.created().map(|created| format!(", made {created}")).unwrap_or_default();
        let (tag, newest) = (split(image.reference()).1.unwrap_or_default(), notes.newest);
        let finding = report.add(image.span(), format!("There is a newer patch of {tag}: {newest}{made} ({digest})"));
        if let Some(name) = renamed(&document.text(image.span()), tag, newest, &digest) {
            finding.unsafe_fix(format!("Take {newest}"), [Edit::replace(image.span(), name)]);
        }
        Outcome::Add
    }
}

/// Second question: what is the newest one?
fn follow_up(image: &ImageUse, answered: &Answered, notes: Notes) {
    let tags = registry::tags(answered);
    let Some(newest) = version(image).and_then(|version| version.newest(&tags)) else { return };
    let (repository, _) = split(image.reference());
    let request = answered.follow_up().about(answered.scope).with_state(Notes { newest, ..notes }.write());
    registry::plan_image(&request, &format!("{repository}:{newest}"), image.platform()).expect("a tag was changed");
}

/// What travels with a question: where the image is named, and the tag that the
/// second question is about.
#[derive(Clone, Copy)]
struct Notes<'n> {
    start: u32,
    newest: &'n str,
}

impl<'n> Notes<'n> {
    fn write(self) -> String {
        format!("{} {}", self.start, self.newest)
    }

    fn read(state: &'n [u8]) -> Option<Self> {
        let (start, newest) = std::str::from_utf8(state).ok()?.split_once(' ')?;
        Some(Self { start: start.parse().ok()?, newest })
    }
}

/// The name with the newer tag, where the tag stands in it as such; a digest
/// behind it goes along.
fn renamed(name: &str, tag: &str, newest: &str, digest: &str) -> Option<String> {
    let (name, is_pinned) = name.split_once('@').map_or((name, false), |(name, _)| (name, true));
    let repository = name.strip_suffix(tag)?.strip_suffix(':')?;
    Some(if is_pinned { format!("{repository}:{newest}@{digest}") } else { format!("{repository}:{newest}") })
}

fn version<'d>(image: &ImageUse<'d>) -> Option<Version<'d>> {
    split(image.reference()).1.and_then(Version::of)
}

/// Repository and tag; the colon may be that of a port.
fn split(reference: &str) -> (&str, Option<&str>) {
    let name = reference.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    }
}
