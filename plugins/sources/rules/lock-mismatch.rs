//! Digests in the file that are not those of the lock.

use plimsoll_sdk::prelude::*;

use crate::image::{Name, familiar, short};

#[derive(Default)]
pub struct LockMismatch;

impl Rule for LockMismatch {
    const NAME: &'static str = "lock-mismatch";
    const SUMMARY: &'static str = "A digest in the file should be the one that the lock has for its tag";
    const FIXABLE: bool = true;

    fn check(&self, document: &Document, report: &mut Report) {
        for image in document.images().filter(|image| image.step().instruction().is_some()) {
            let name = Name::of(image.reference());
            // What has a digest and no tag is not what a tag means.
            let (Some(digest), Some(tag)) = (name.digest, name.tag) else { continue };
            let Some(entry) = lock::image(image.reference(), image.platform()) else { continue };
            if [entry.content(), &entry.value].contains(&digest) {
                continue;
            }
            let shown = format!("{}:{tag}", familiar(name.repository));
            let message = format!("'{shown}' is {} here and {} in the lock", short(digest), short(entry.content()));
            let finding = report.add(image.span(), message).entry(&entry);
            if let Some(place) = place_of(document, image.span(), digest) {
                finding.unsafe_fix("Take the digest of the lock", [Edit::replace(place, entry.content())]);
            }
        }
    }
}

/// Where a digest is written, if it is there as it is.
fn place_of(document: &Document, image: Span, digest: &str) -> Option<Span> {
    let before = document.text(image).find(digest)?;
    let start = image.start + u32::try_from(before).ok()?;
    Some(Span { start, end: start + u32::try_from(digest.len()).ok()? })
}
