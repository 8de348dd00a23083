//! Base images that are numbered should be the newest.

use plimsoll_sdk::prelude::*;

#[derive(Default)]
pub struct NewestTag;

impl Rule for NewestTag {
    const NAME: &'static str = "newest-tag";
    const SUMMARY: &'static str = "Base images whose tag is a number should have the highest there is";
    const OPT_IN: bool = true;

    fn plan(&self, document: &Document, plan: &Plan) {
        for image in numbered(document) {
            let request = plan.about(Scope::File).with_state(image.span().start.to_le_bytes());
            registry::plan_tags(&request, image.reference()).expect("an image has a repository");
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let newest = registry::tags(answered).iter().filter_map(|tag| tag.parse::<u64>().ok()).max();
        for image in numbered(document).filter(|image| answered.state == image.span().start.to_le_bytes()) {
            if let Some(newest) = newest.filter(|newest| Some(*newest) > number(&image)) {
                report.add(image.span(), format!("There is a newer one: {newest}"));
            }
        }
        Outcome::Add
    }
}

fn numbered(document: &Document) -> impl Iterator<Item = ImageUse<'_>> {
    document.images().filter(|image| image.kind() == ImageUseKind::From && number(image).is_some())
}

fn number(image: &ImageUse) -> Option<u64> {
    image.reference().rsplit_once(':')?.1.parse().ok()
}
