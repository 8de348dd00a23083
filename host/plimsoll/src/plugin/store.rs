//! Native code of components, kept for later runs.
//!
//! `FOLDER/native-VERSION/DIGITS-COMPATIBILITY-KEY.cwasm`, where DIGITS name the
//! component, and KEY a key, so that users of several share a folder. A file begins with a code that only who has the key can make,
//! over the name and all that follows; the key lies elsewhere, in a file that
//! only the user can read. Invariant: bytes are believed, and so run, only if this
//! user's program wrote them for this component and this engine; whatever else lies
//! in the folder, the worst that comes of it is that a component is compiled.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::config::Digest;
use crate::limits::{STORE_BYTES_MAX, STORE_ENTRY_BYTES_MAX};
use crate::private::{self, Kept, TEMPORARY_SUFFIX};

/// The version of the form, part of the folder's name.
const VERSION: u32 = 1;
const SUFFIX: &str = ".cwasm";
/// Bytes of a key and of a code.
const KEY_BYTES: usize = 32;

/// The native code in a folder.
pub struct Store {
    folder: PathBuf,
    key_path: PathBuf,
    key: OnceLock<Option<Key>>,
}

/// What codes are made with.
struct Key {
    code: hmac::Key,
    /// What tells it from other keys, and nothing more of it.
    name: String,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// Components, each for one engine.
    pub components: usize,
    /// Bytes of all of them, as disks count.
    pub bytes: u64,
}

impl Store {
    /// The store in a cache's folder, with the key in a file elsewhere. Neither need
    /// exist.
    pub fn new(cache: &Path, key_path: PathBuf) -> Self {
        Self { folder: cache.join(format!("native-{VERSION}")), key_path, key: OnceLock::new() }
    }

    /// The native code of a component for an engine, if it was made here.
    pub(super) fn load(&self, digest: &Digest, compatibility: u64) -> Option<Vec<u8>> {
        let key = self.key(false)?;
        let path = self.path(digest, compatibility, key);
        if !is_own_file(&path, 0o022) {
            return None;
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&path).ok()?;
        let length = usize::try_from(file.metadata().ok()?.len().min(STORE_ENTRY_BYTES_MAX)).ok()?;
        bytes.reserve_exact(length + 1);
        (&file).take(STORE_ENTRY_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
        let is_ours = |(code, native): (&[u8], &[u8])| {
            hmac::verify(&key.code, &signed(digest, compatibility, native), code).is_ok()
        };
        if !bytes.split_at_checked(KEY_BYTES).is_some_and(is_ours) {
            // Damaged, or not what its name says: nobody can use it.
            let _ = fs::remove_file(&path);
            return None;
        }
        // What is used stays.
        let _ = file.set_modified(SystemTime::now());
        bytes.drain(..KEY_BYTES);
        Some(bytes)
    }

    /// Keeps native code. Where that cannot be, a later run compiles.
    pub(super) fn keep(&self, digest: &Digest, compatibility: u64, native: &[u8]) {
        if native.len() as u64 + KEY_BYTES as u64 <= STORE_ENTRY_BYTES_MAX {
            let _ = self.write(digest, compatibility, native);
            // What was used longest ago goes first.
            private::prune(self.entries(), STORE_BYTES_MAX);
        }
    }

    /// Removes what is kept of a component, for whichever engine.
    pub fn remove(&self, digest: &Digest) {
        for entry in self.entries().into_iter().filter(|entry| entry.digits == digest.digits()) {
            let _ = fs::remove_file(entry.path);
        }
    }

    /// What is kept.
    pub fn stored(&self) -> Stored {
        let kept = self.entries().into_iter().filter(|entry| !entry.is_temporary);
        kept.fold(Stored::default(), |stored, entry| Stored {
            components: stored.components + 1,
            bytes: stored.bytes + entry.bytes,
        })
    }

    /// Removes all of it, nothing else, and says what was removed.
    pub fn clear(&self) -> Stored {
        let stored = self.stored();
        self.entries().iter().for_each(|entry| drop(fs::remove_file(&entry.path)));
        let _ = fs::remove_dir(&self.folder);
        stored
    }

    fn write(&self, digest: &Digest, compatibility: u64, native: &[u8]) -> io::Result<()> {
        private::folders().recursive(true).create(&self.folder)?;
        let key = self.key(true).ok_or(io::ErrorKind::Unsupported)?;
        let code = hmac::sign(&key.code, &signed(digest, compatibility, native));
        private::replace(&self.path(digest, compatibility, key), |file| {
            file.write_all(code.as_ref())?;
            file.write_all(native)
        })
    }

    fn path(&self, digest: &Digest, compatibility: u64, key: &Key) -> PathBuf {
        self.folder.join(format!("{}-{compatibility:016x}-{}{SUFFIX}", digest.digits(), key.name))
    }

    /// Why native code is not kept, where its key is the reason.
    pub(super) fn trouble(&self) -> Option<String> {
        let is_broken = self.key_path.exists() && self.key(false).is_none();
        let path = self.key_path.display();
        is_broken.then(|| format!("{path} is no key, or others can read it: remove it, and native code is kept again"))
    }

    /// The key; made if there is none and `make` says so.
    fn key(&self, make: bool) -> Option<&Key> {
        if let Some(known) = self.key.get() {
            return known.as_ref();
        }
        let found = read_key(&self.key_path).or_else(|| make.then(|| make_key(&self.key_path)).flatten());
        if found.is_none() && !make {
            return None;
        }
        self.key.get_or_init(|| found).as_ref()
    }

    fn entries(&self) -> Vec<Kept> {
        private::kept(&self.folder, '-', |rest| rest.starts_with('-') && rest.ends_with(SUFFIX)).unwrap_or_default()
    }
}

/// What a code is made over.
fn signed(digest: &Digest, compatibility: u64, native: &[u8]) -> Vec<u8> {
    let mut signed = Vec::with_capacity(native.len() + 128);
    signed.extend_from_slice(digest.as_str().as_bytes());
    signed.extend_from_slice(&compatibility.to_le_bytes());
    signed.extend_from_slice(native);
    signed
}

fn read_key(path: &Path) -> Option<Key> {
    let bytes = fs::read(path).ok().filter(|bytes| bytes.len() == KEY_BYTES && is_own_file(path, 0o077))?;
    let code = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let name = hmac::sign(&code, b"name").as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Key { code, name })
}

/// Makes a key, unless another process was faster: then that one's is taken.
fn make_key(path: &Path) -> Option<Key> {
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    private::folders().recursive(true).create(path.parent()?).ok()?;
    let temporary = path.with_extension(format!("{}{TEMPORARY_SUFFIX}", std::process::id()));
    private::file(&temporary).and_then(|mut file| file.write_all(&bytes)).ok()?;
    // A link appears whole, and never in place of another.
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => None,
        _ => read_key(path),
    }
}

/// Whether a file, no link, is this user's own, and others have none of these permissions.
fn is_own_file(path: &Path, barred: u32) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
        metadata.is_file() && is_own && metadata.mode() & barred == 0
    }
    #[cfg(not(unix))]
    {
        let _ = barred;
        metadata.is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(store: &Store, digest: &Digest) -> PathBuf {
        store.path(digest, 1, store.key(false).unwrap())
    }

    #[test]
    fn only_what_was_made_here_is_believed() {
        let scratch = tempfile::tempdir().unwrap();
        let (cache, key) = (scratch.path().join("cache"), scratch.path().join("state/key"));
        let store = || Store::new(&cache, key.clone());
        let digest = Digest::of(b"component");
        assert_eq!(store().load(&digest, 1), None, "there is nothing");
        assert!(!key.exists(), "who only looks makes no key");
        store().keep(&digest, 1, b"native");
        assert_eq!(store().load(&digest, 1).as_deref(), Some(b"native".as_slice()));
        assert_eq!(store().load(&digest, 2), None, "another engine");
        assert_eq!(store().load(&Digest::of(b"other"), 1), None, "another component");

        let path = path_of(&store(), &digest);
        let whole = fs::read(&path).unwrap();
        let check = |what: &str, bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            assert_eq!(store().load(&digest, 1), None, "{what}");
            assert!(!path.exists(), "{what}: it is gone");
            fs::write(&path, &whole).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            assert!(store().load(&digest, 1).is_some(), "{what}: it is whole again");
        };
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        check("a byte is another", &changed);
        check("it is cut", &whole[..whole.len() - 1]);
        check("it is empty", &[]);
        let elsewhere = Store::new(&scratch.path().join("elsewhere"), scratch.path().join("other/key"));
        elsewhere.keep(&digest, 1, b"native");
        check("it is of another key", &fs::read(path_of(&elsewhere, &digest)).unwrap());
        fs::rename(&path, path_of(&store(), &Digest::of(b"other"))).unwrap();
        assert_eq!(store().load(&Digest::of(b"other"), 1), None, "it is another's");
    }

    #[cfg(unix)]
    #[test]
    fn what_others_can_write_is_not_believed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let scratch = tempfile::tempdir().unwrap();
        let store = || Store::new(scratch.path(), scratch.path().join("key"));
        let digest = Digest::of(b"component");
        store().keep(&digest, 1, b"native");
        let path = path_of(&store(), &digest);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert_eq!(store().load(&digest, 1), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let moved = scratch.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert_eq!(store().load(&digest, 1), None, "a link");
        fs::remove_file(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
        assert!(store().load(&digest, 1).is_some());
        fs::set_permissions(scratch.path().join("key"), fs::Permissions::from_mode(0o604)).unwrap();
        assert_eq!(store().load(&digest, 1), None, "others know the key");
        assert!(store().trouble().is_some_and(|trouble| trouble.contains("others can read it")));
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let scratch = tempfile::tempdir().unwrap();
        let store = Store::new(scratch.path(), scratch.path().join("key"));
        let native = vec![0; usize::try_from(STORE_ENTRY_BYTES_MAX).unwrap() - KEY_BYTES];
        let digests: Vec<_> =
            (0..=STORE_BYTES_MAX / STORE_ENTRY_BYTES_MAX).map(|n| Digest::of(&n.to_le_bytes())).collect();
        for (age, digest) in digests.iter().rev().enumerate() {
            store.keep(digest, 1, &native);
            let old = SystemTime::now() - std::time::Duration::from_secs(1_000 - age as u64);
            fs::File::options().append(true).open(path_of(&store, digest)).map(|file| file.set_modified(old)).ok();
        }
        assert!(store.stored().bytes <= STORE_BYTES_MAX);
        assert_eq!(store.load(digests.last().unwrap(), 1), None);
        assert!(store.load(&digests[0], 1).is_some());
        store.remove(&digests[0]);
        assert!(store.load(&digests[0], 1).is_none());
        assert_eq!(store.clear().components, digests.len() - 2);
        assert_eq!(store.stored(), Stored::default());
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_no_failure() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        let store = Store::new(&file, scratch.path().join("key"));
        let digest = Digest::of(b"component");
        store.keep(&digest, 1, b"native");
        assert_eq!(store.load(&digest, 1), None);
        let keyless = Store::new(&scratch.path().join("cache"), file.join("key"));
        keyless.keep(&digest, 1, b"native");
        assert_eq!(keyless.load(&digest, 1), None);
    }
}
