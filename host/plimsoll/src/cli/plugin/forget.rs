//! What is kept of components that the user let run, and lets run no more.
//!
//! Input: components. Output: gone are their native code, what was pulled of them, and signatures. Invariant: what
//! else is kept, or runs, lacks nothing.

use super::super::store;
use super::around::Around;
use crate::config::{self, Digest, File, Reach, Texts};
use crate::distribution::Shelf;

/// Lets go of components that the user's own file, as it is by now, lets run no more.
///
/// # Errors
/// When that file cannot be read.
pub(super) fn forget(around: &Around, components: &[&Digest]) -> anyhow::Result<()> {
    let user = config::read_all(&around.user_path, Reach::Anywhere, &Texts::new())?;
    let names = |file: &File, digest: &Digest| {
        file.trust.contains_key(digest) || file.plugins.values().any(|table| table.digest.as_ref() == Some(digest))
    };
    let is_gone = |digest: &&&Digest| !user.layers().any(|file| names(file, digest));
    let gone: Vec<&Digest> = components.iter().filter(is_gone).copied().collect();
    let store = store(around.config.cache_dir.as_deref(), &around.variables);
    store.iter().for_each(|store| gone.iter().for_each(|digest| store.remove(digest)));
    around.supply.shelf().into_iter().for_each(|shelf| clear(shelf, &gone));
    Ok(())
}

/// Removes components with the manifests that name them, and configurations that no other manifest names.
fn clear(shelf: &Shelf, components: &[&Digest]) {
    let (gone, left): (Vec<_>, Vec<_>) =
        shelf.artifacts().into_iter().partition(|(_, artifact)| components.contains(&&artifact.layer.digest));
    let is_shared = |config: &Digest| left.iter().any(|(_, artifact)| artifact.config.digest == *config);
    let configs = gone.iter().map(|(_, artifact)| &artifact.config.digest).filter(|config| !is_shared(config));
    let manifests = gone.iter().map(|(digest, _)| digest);
    components.iter().copied().chain(manifests).chain(configs).for_each(|digest| shelf.remove(digest));
}
