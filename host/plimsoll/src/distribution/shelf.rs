//! What was pulled, on disk: content by its digest.
//!
//! `FOLDER/plugins-1/DIGITS.blob`, where DIGITS name the content: components, and the
//! manifests and configurations that they came with; and `DIGITS.KEY.proof`, signatures
//! of manifests, by the digits of the key. Invariant: bytes are given out only where
//! they have the digest they are asked for by, signatures only where they hold; whatever
//! else lies in the folder, the worst that comes of it is that something is pulled again.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Artifact;
use crate::config::Digest;
use crate::limits::{
    ARCHIVE_PROOFS_MAX, ARTIFACT_DOCUMENT_BYTES_MAX, COMPONENT_BYTES_MAX, PROOF_BYTES_MAX, SHELF_BYTES_MAX,
};
use crate::plugin::Component;
use crate::private::{self, Kept};
use crate::signature::{Key, Proof};

/// The version of the form, part of the folder's name.
const VERSION: u32 = 1;
const SUFFIX: &str = ".blob";
const PROOF_SUFFIX: &str = ".proof";

/// The content in a folder.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    /// Files.
    pub files: usize,
    /// Bytes of all of them, as disks count.
    pub bytes: u64,
}

impl Shelf {
    /// The shelf in a cache's folder, which need not exist.
    pub fn new(cache: &Path) -> Self {
        Self { folder: cache.join(format!("plugins-{VERSION}")) }
    }

    /// Its folder.
    pub fn place(&self) -> &Path {
        &self.folder
    }

    /// The component with this digest, if it is here.
    pub fn component(&self, digest: &Digest) -> Option<Component> {
        let path = self.path(digest);
        let component = Component::new(read(&path, COMPONENT_BYTES_MAX)?).ok();
        settled(&path, component.filter(|component| component.digest() == digest))
    }

    /// Other content with this digest, if it is here.
    pub fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let bytes = read(&path, COMPONENT_BYTES_MAX)?;
        let is_it = Digest::of(&bytes) == *digest;
        settled(&path, is_it.then_some(bytes))
    }

    /// A signature by the key of the manifest with this digest, if one is here that holds.
    pub fn proof(&self, key: &Key, digest: &Digest) -> Option<Proof> {
        let path = self.proof_path(key.id(), digest);
        let proof = Proof::read(&read(&path, PROOF_BYTES_MAX as u64)?);
        settled(&path, proof.filter(|proof| proof.verify(key, digest).is_ok()))
    }

    /// What should be signatures of the manifest with this digest, by whatever keys: those that were used last.
    pub fn proofs(&self, digest: &Digest) -> Vec<Proof> {
        let is_proof = |path: &Path| path.to_string_lossy().ends_with(PROOF_SUFFIX);
        let mut kept = self.entries();
        kept.retain(|entry| entry.digits == digest.digits() && is_proof(&entry.path));
        kept.sort_by_key(|entry| Reverse(entry.modified));
        let read = kept.iter().filter_map(|entry| Proof::read(&read(&entry.path, PROOF_BYTES_MAX as u64)?));
        let mut proofs: Vec<Proof> = read.take(ARCHIVE_PROOFS_MAX).collect();
        proofs.sort_by(|one, other| one.key().cmp(other.key()));
        proofs
    }

    /// Keeps a signature of the manifest with this digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_proof(&self, digest: &Digest, proof: &Proof) -> io::Result<()> {
        private::folders().recursive(true).create(&self.folder)?;
        write(&self.proof_path(proof.key(), digest), &proof.bytes())
    }

    /// Keeps a signature that nobody has verified, unless there is one by what it says is its key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn offer_proof(&self, digest: &Digest, proof: &Proof) -> io::Result<()> {
        if self.proof_path(proof.key(), digest).exists() { Ok(()) } else { self.put_proof(digest, proof) }
    }

    /// The manifests of plugins that are here, by their digests.
    pub fn artifacts(&self) -> Vec<(Digest, Artifact)> {
        let is_small = |entry: &Kept| !entry.is_temporary && entry.bytes <= ARTIFACT_DOCUMENT_BYTES_MAX as u64;
        let digests = self.entries().into_iter().filter(is_small);
        let digests = digests.filter_map(|entry| format!("sha256:{}", entry.digits).parse().ok());
        let digests: BTreeSet<Digest> = digests.collect();
        let read = |digest: Digest| Some((Artifact::read(&self.get(&digest)?).ok()?, digest));
        digests.into_iter().filter_map(read).map(|(artifact, digest)| (digest, artifact)).collect()
    }

    /// Whether something is here under this digest; whether it has it shows when it is read.
    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Keeps content, whole or not at all, and lets go of what was used longest ago where there is too much.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, contents: &[&[u8]]) -> io::Result<()> {
        private::folders().recursive(true).create(&self.folder)?;
        for bytes in contents {
            write(&self.path(&Digest::of(bytes)), bytes)?;
        }
        private::prune(self.entries(), SHELF_BYTES_MAX);
        Ok(())
    }

    /// Removes what is here under a digest, and what is signatures of it.
    pub fn remove(&self, digest: &Digest) {
        let under = self.entries().into_iter().filter(|entry| entry.digits == digest.digits());
        under.for_each(|entry| drop(fs::remove_file(&entry.path)));
    }

    /// How much there is.
    pub fn stock(&self) -> Stock {
        let kept = self.entries().into_iter().filter(|entry| !entry.is_temporary);
        kept.fold(Stock::default(), |stock, entry| Stock { files: stock.files + 1, bytes: stock.bytes + entry.bytes })
    }

    /// Removes all of it, nothing else, and says how much it was.
    pub fn clear(&self) -> Stock {
        let stock = self.stock();
        self.entries().iter().for_each(|entry| drop(fs::remove_file(&entry.path)));
        let _ = fs::remove_dir(&self.folder);
        stock
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}{SUFFIX}", digest.digits()))
    }

    fn proof_path(&self, key: &Digest, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.{}{PROOF_SUFFIX}", digest.digits(), key.digits()))
    }

    fn entries(&self) -> Vec<Kept> {
        let is_ours = |rest: &str| rest == SUFFIX || rest.starts_with('.') && rest.ends_with(PROOF_SUFFIX);
        private::kept(&self.folder, '.', is_ours).unwrap_or_default()
    }
}

fn read(path: &Path, bytes_max: u64) -> Option<Vec<u8>> {
    // A pipe or a device would be waited for.
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    let file = File::open(path).ok()?;
    let mut bytes = Vec::new();
    bytes.reserve_exact(usize::try_from(metadata.len().min(bytes_max)).ok()? + 1);
    (&file).take(bytes_max + 1).read_to_end(&mut bytes).ok()?;
    // What is used stays.
    let _ = file.set_modified(SystemTime::now());
    Some(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    private::replace(path, |file| {
        file.write_all(bytes)?;
        file.sync_all()
    })
}

/// What was read; what is damaged goes.
fn settled<T>(path: &Path, read: Option<T>) -> Option<T> {
    if read.is_none() {
        let _ = fs::remove_file(path);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_digest_is_given_out() {
        let scratch = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(scratch.path());
        let digest = Digest::of(b"content");
        assert_eq!(shelf.get(&digest), None);
        shelf.put(&[b"content", b"other"]).unwrap();
        assert_eq!(shelf.get(&digest).as_deref(), Some(b"content".as_slice()));
        assert_eq!(shelf.stock().files, 2);
        for damage in [b"Content".as_slice(), b"conten", b""] {
            fs::write(shelf.path(&digest), damage).unwrap();
            assert_eq!(shelf.get(&digest), None);
            assert!(!shelf.has(&digest), "what is damaged goes");
            shelf.put(&[b"content"]).unwrap();
        }
        assert!(shelf.component(&digest).is_none(), "it is no component");
        fs::write(scratch.path().join("plugins-1/mine.txt"), "").unwrap();
        shelf.clear();
        assert!(scratch.path().join("plugins-1/mine.txt").exists(), "what others put there stays");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(scratch.path());
        shelf.put(&[b"content"]).unwrap();
        let (path, digest) = (shelf.path(&Digest::of(b"content")), Digest::of(b"content"));
        fs::rename(&path, scratch.path().join("moved")).unwrap();
        std::os::unix::fs::symlink(scratch.path().join("moved"), &path).unwrap();
        assert_eq!(shelf.get(&digest), None);
    }
}
