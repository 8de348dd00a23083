//! What `plimsoll.lock` says. Nobody is asked for it.

pub use crate::bindings::plimsoll::rules::lock::Entry;
use crate::host;

/// The entry of an image by its name, whatever digest the reference has beside that: the one of this platform, else
/// one whose index holds for all.
pub fn image(reference: &str, platform: &str) -> Option<Entry> {
    host::locked_image(reference, platform)
}

/// The entry of what a URL holds, by the algorithm of its digest, such as `sha256`.
pub fn download(url: &str, algorithm: &str) -> Option<Entry> {
    host::locked_download(url, algorithm)
}

/// The entry of what a name means in a git repository; of its default branch where the name is empty.
pub fn commit(remote: &str, name: &str) -> Option<Entry> {
    host::locked_commit(remote, name)
}

/// All entries, in their order. For rules about the lock only: in any other the call ends with an error.
pub fn entries() -> Vec<Entry> {
    host::locked_entries()
}

impl Entry {
    /// What a build would take: the digest of the index where there is one, else the value.
    pub fn content(&self) -> &str {
        self.index_digest.as_deref().unwrap_or(&self.value)
    }
}
