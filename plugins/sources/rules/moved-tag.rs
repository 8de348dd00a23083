//! Tags that no longer mean what they meant when they were locked.

use plimsoll_sdk::prelude::*;

use crate::image::{Name, familiar, short};

#[derive(Default)]
pub struct MovedTag;

impl Rule for MovedTag {
    const NAME: &'static str = "moved-tag";
    const SUMMARY: &'static str = "Tags should mean what the lock says they meant";
    const SEVERITY: Severity = Severity::Info;
    const FIXABLE: bool = true;

    fn plan(&self, document: &Document, plan: &Plan) {
        for image in locked(document) {
            let Some(stage) = image.step().stage() else { continue };
            let request = plan.about(Scope::Stage(stage.index())).with_state(image.span().start.to_le_bytes());
            if registry::plan_image(&request, image.reference(), image.platform()).is_err() {
                // There are more questions than may be asked.
                return;
            }
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let is_it = |image: &ImageUse| answered.state == image.span().start.to_le_bytes();
        let Some(image) = locked(document).find(is_it) else { return Outcome::Keep };
        let Some(entry) = lock::image(image.reference(), image.platform()) else { return Outcome::Keep };
        let registry::Selection::Image(now) = registry::Image::of(answered).selection() else { return Outcome::Keep };
        // An entry of another platform speaks for its index alone, as one that was taken over from elsewhere may.
        let is_same = [Some(&now.digest), now.index_digest.as_ref()]
            .into_iter()
            .flatten()
            .any(|digest| digest == entry.content());
        if is_same {
            return Outcome::Keep;
        }
        let shown = familiar(image.reference());
        let now = now.index_digest.as_ref().unwrap_or(&now.digest);
        let message =
            format!("Tag '{shown}' has moved since it was locked, from {} to {}", short(entry.content()), short(now));
        report
            .add(image.span(), message)
            .entry(&entry)
            .renew_entry(format!("Take over into the lock what '{shown}' means now"));
        Outcome::Add
    }
}

/// Images by tag that the lock knows and leaves free to move.
fn locked(document: &Document) -> impl Iterator<Item = ImageUse<'_>> {
    let is_own = |image: &ImageUse| image.step().is_needed() && image.step().instruction().is_some();
    document.images().filter(is_own).filter(|image| {
        let is_by_tag = Name::of(image.reference()).digest.is_none();
        is_by_tag && lock::image(image.reference(), image.platform()).is_some_and(|entry| !entry.pinned)
    })
}
