//! Objects of git: what they hold, and whether some content is one.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::git::Git;
use super::{ChangesError, list, unreadable};
use crate::limits::{CHANGES_BYTES_MAX, CHANGES_BYTES_TOGETHER, CHANGES_LIST_BYTES_MAX};

/// The content of these objects, in their order; nothing of those that are larger than `size_max`.
pub(super) fn contents(git: &Git, objects: &[&str], size_max: usize) -> Result<Vec<Option<Vec<u8>>>, ChangesError> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let lines = |objects: &[&str]| objects.iter().flat_map(|object| [object, "\n"]).collect::<String>().into_bytes();
    let sizes = git.ask(&["cat-file", "--batch-check=%(objectsize)"], &lines(objects), CHANGES_LIST_BYTES_MAX)?;
    let sizes: Vec<usize> = String::from_utf8_lossy(&sizes).lines().filter_map(|line| line.parse().ok()).collect();
    if sizes.len() != objects.len() {
        return Err(ChangesError("git does not have all that is staged: see `git fsck`".to_owned()));
    }
    if sizes.iter().filter(|size| **size <= size_max).sum::<usize>() > CHANGES_BYTES_MAX {
        return Err(ChangesError(format!("more than {CHANGES_BYTES_MAX} bytes are staged: name some of the files")));
    }
    let mut contents = Vec::new();
    let mut rest = objects.iter().copied().zip(sizes).peekable();
    while rest.peek().is_some() {
        // As many as fit, and one in any case.
        let (mut together, mut bytes) = (Vec::new(), 0);
        while let Some((object, size)) = rest.next_if(|_| bytes < CHANGES_BYTES_TOGETHER) {
            let is_wanted = size <= size_max;
            bytes += if is_wanted { size } else { 0 };
            together.push(is_wanted.then_some(object));
        }
        let wanted: Vec<&str> = together.iter().flatten().copied().collect();
        let output_max = CHANGES_BYTES_TOGETHER + size_max + CHANGES_LIST_BYTES_MAX;
        let output = git.ask(&["cat-file", "--batch"], &lines(&wanted), output_max)?;
        let mut given = list::contents(&output).ok_or_else(unreadable)?.into_iter();
        for object in together {
            contents.push(object.map(|_| given.next().ok_or_else(unreadable)).transpose()?);
        }
    }
    Ok(contents)
}

/// Whether some content is what git keeps as this object.
pub(super) fn is_blob(content: &[u8], object: &str) -> bool {
    let algorithm = if object.len() == 64 { &SHA256 } else { &SHA1_FOR_LEGACY_USE_ONLY };
    let mut digest = Context::new(algorithm);
    digest.update(format!("blob {}\0", content.len()).as_bytes());
    digest.update(content);
    let digest: String = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    digest == object
}
