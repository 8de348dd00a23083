//! Dockerfiles with digests behind their images.
//!
//! Input: a Dockerfile's text. Output: a digest for each `name:tag@sha256:…`, for the platforms that its stage is
//! built for. Invariant: a digest without a tag is told, for nothing says what it was the meaning of.

use plimsoll_dockerfile::{Inputs, parse};

use super::Found;
use crate::lock::apply::images;

pub(super) fn read(text: &str, found: &mut Found<'_>) -> Result<(), String> {
    let tree = parse(text.as_bytes());
    if let Some(problem) = tree.first_error() {
        return Err(format!("line {}: {}: correct it, as no build gets beyond it", problem.line, problem.message));
    }
    // What runs where the build runs may run on any of them.
    let inputs = found.platforms.iter().map(|platform| Inputs {
        target_platform: platform.clone(),
        build_platform: platform.clone(),
        ..Inputs::default()
    });
    for place in images(text.as_bytes(), &tree, &inputs.collect::<Vec<_>>()) {
        let line = format!("line {}", place.line);
        let Some(reference) = &place.reference else {
            if place.written.contains('@') {
                found.leave(&line, &format!("{} is no image without build arguments", place.written));
            }
            continue;
        };
        match (&reference.digest, &reference.tag) {
            (None, _) => {}
            (Some(_), None) => {
                let written = &place.written;
                found.leave(&line, &format!("{written} has no tag: nothing says what its digest was the meaning of"));
            }
            (Some(digest), Some(_)) => {
                place.platforms.iter().try_for_each(|platform| found.add_for(&line, reference, digest, platform))?;
            }
        }
    }
    Ok(())
}
