//! Images that go by `latest`, or by no tag, which means the same.

use plimsoll_sdk::prelude::*;

use crate::image::{Name, familiar};

#[derive(Default)]
pub struct LatestTag;

impl Rule for LatestTag {
    const NAME: &'static str = "latest-tag";
    const SUMMARY: &'static str = "Images should be named with a version, not with latest or nothing";

    fn check(&self, document: &Document, report: &mut Report) {
        for image in document.images().filter(|image| image.step().is_needed()) {
            let name = Name::of(image.reference());
            let shown = familiar(image.reference());
            match name.tag {
                _ if name.digest.is_some() => continue,
                None => report.add(image.span(), format!("Image '{shown}' has no tag, which means latest")),
                Some("latest") => report.add(image.span(), format!("Image '{shown}' is whatever was pushed last")),
                Some(_) => continue,
            };
        }
    }
}
