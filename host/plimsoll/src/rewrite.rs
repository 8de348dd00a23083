//! Files of the user's, written anew: whole or not at all.
//!
//! Invariants: who writes holds the folder's advisory lock; a file that changed since
//! it was read, that may not be written or that lies outside of where it may is left as
//! it is; a process that is killed leaves the old file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

use crate::private::{self, TEMPORARY_SUFFIX};

/// Why a file was left as it is.
#[derive(Debug, Error)]
pub enum RewriteError {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// Somebody else wrote it meanwhile.
    #[error("{0}: it has changed since it was read, and stays as it is: run again")]
    Changed(PathBuf),
    /// A link on its way leads out of the folder.
    #[error("{path} stays as it is: a link leads out of {root} to {real}; name that file instead", path = .path.display(), root = .root.display(), real = .real.display())]
    Outside {
        /// As it was named.
        path: PathBuf,
        /// Where it lies.
        real: PathBuf,
        /// Where it may lie.
        root: PathBuf,
    },
    /// It is a device, a pipe or a folder.
    #[error("{0} stays as it is: it is no regular file")]
    NotRegular(PathBuf),
    /// It is larger than so many bytes.
    #[error("{0} stays as it is: it is larger than {1} bytes")]
    TooLarge(PathBuf, u64),
    /// Its folder's permissions keep a file from taking its place.
    #[error(
        "{0} stays as it is: files are replaced as a whole, and its folder {1} may not be written to; change that folder's permissions"
    )]
    Folder(PathBuf, PathBuf),
    /// Its permissions say that nobody writes it.
    #[error("{0} stays as it is: it is read-only; change its permissions to have it changed")]
    ReadOnly(PathBuf),
}

/// Puts other bytes into a file that is known to hold `before`. Permissions and, where the system
/// lets us, owner stay. Links are followed within `root` and never out of it.
///
/// # Errors
/// When the file stays as it is.
pub fn file(path: &Path, root: &Path, before: &[u8], after: &[u8]) -> Result<(), RewriteError> {
    if before == after {
        return Ok(());
    }
    let trouble = |error| RewriteError::Io(path.to_owned(), error);
    let real = within(path, root)?;
    if fs::metadata(&real).map_err(trouble)?.permissions().readonly() {
        return Err(RewriteError::ReadOnly(path.to_owned()));
    }
    let _held = hold(&real).map_err(trouble)?;
    if !holds(&real, before).map_err(trouble)? {
        return Err(RewriteError::Changed(path.to_owned()));
    }
    put(&real, after).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => RewriteError::Folder(path.to_owned(), folder(&real).to_owned()),
        _ => trouble(error),
    })
}

/// Where a file really is, to which links within `root` may lead.
///
/// # Errors
/// When they lead out of it, or to no regular file.
pub fn within(path: &Path, root: &Path) -> Result<PathBuf, RewriteError> {
    let trouble = |error| RewriteError::Io(path.to_owned(), error);
    let (real, root) = (fs::canonicalize(path).map_err(trouble)?, fs::canonicalize(root).map_err(trouble)?);
    if !real.starts_with(&root) {
        return Err(RewriteError::Outside { path: path.to_owned(), real, root });
    }
    match fs::metadata(&real).map_err(trouble)?.is_file() {
        true => Ok(real),
        false => Err(RewriteError::NotRegular(path.to_owned())),
    }
}

/// Reads a file that may be rewritten, of so many bytes at most.
///
/// # Errors
/// When it cannot be read, or is no regular file, or larger.
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, RewriteError> {
    let trouble = |error| RewriteError::Io(path.to_owned(), error);
    if !fs::metadata(path).map_err(trouble)?.is_file() {
        return Err(RewriteError::NotRegular(path.to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(trouble)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(trouble)?;
    match bytes.len() as u64 > bytes_max {
        true => Err(RewriteError::TooLarge(path.to_owned(), bytes_max)),
        false => Ok(bytes),
    }
}

/// What links of a file that was reached by this path may not lead out of: the working directory where
/// the path says that it lies there, else its own folder.
pub fn root(path: &Path, here: &Path) -> PathBuf {
    let is_plain = !path.components().any(|part| part == Component::ParentDir);
    if is_plain && here.join(path).starts_with(here) {
        return here.to_owned();
    }
    let whole = here.join(path);
    whole.parent().map_or(whole.clone(), Path::to_owned)
}

/// Writes a file that the user named to be written: whole or not at all. Links are followed; what is there and is no
/// file, such as a pipe, is written to. `create` makes one where there was none.
///
/// # Errors
/// When it cannot be written, or is read-only; then what was there still is.
pub fn output(
    path: &Path,
    create: impl FnOnce(&Path) -> io::Result<File>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    // A link leads to what is meant.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(there) if !there.is_file() => write(&mut OpenOptions::new().write(true).open(&path)?),
        Ok(there) if there.permissions().readonly() => {
            Err(io::Error::other("it is read-only: change its permissions, or name another"))
        }
        Ok(there) => private::exchange(&path, create, |file| {
            file.set_permissions(there.permissions())?;
            write(file)
        }),
        Err(_) if fs::symlink_metadata(&path).is_ok() => {
            Err(io::Error::other("it is a link that leads nowhere: name another"))
        }
        Err(_) => private::exchange(&path, create, write),
    }
}

/// Puts a file in the place of what is there, with its permissions. For who holds the folder's lock.
///
/// # Errors
/// When it cannot be written; then what was there still is.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Whoever left such a file is gone: all who write hold the folder's lock.
    remove_left_behind(path);
    let mut name = temporary_prefix(path);
    name.push(format!("{}{TEMPORARY_SUFFIX}", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = match fs::metadata(path) {
        Ok(metadata) => private::file(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            keep_owner(&file, &metadata);
            file.set_permissions(metadata.permissions())?;
            file.sync_all()
        }),
        Err(_) => OpenOptions::new().write(true).create_new(true).open(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        }),
    };
    let replaced = written.and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// Removes what a process that was killed left of a file. For who holds the folder's lock.
pub fn remove_left_behind(path: &Path) {
    let prefix = temporary_prefix(path);
    let prefix = prefix.to_string_lossy();
    for entry in fs::read_dir(folder(path)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let process = name.strip_prefix(&*prefix).and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX));
        if process.is_some_and(|process| process.parse::<u32>().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Holds the advisory lock of a file's folder until it is let go.
///
/// # Errors
/// When there is no such folder, or the system knows no locks for it.
#[cfg(unix)]
pub fn hold(path: &Path) -> io::Result<File> {
    let folder = File::open(folder(path))?;
    folder.lock()?;
    Ok(folder)
}

/// Holds the advisory lock of a file's folder. Folders cannot be locked here: a file among the temporary ones
/// stands for it.
///
/// # Errors
/// When there is no such folder, or the system knows no locks.
#[cfg(not(unix))]
pub fn hold(path: &Path) -> io::Result<File> {
    let name = crate::config::Digest::of(fs::canonicalize(folder(path))?.as_os_str().as_encoded_bytes());
    let path = std::env::temp_dir().join(format!("plimsoll-{}.lock", name.digits()));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Whether a file still holds these bytes.
fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut found = Vec::with_capacity(bytes.len() + 1);
    File::open(path)?.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
    Ok(found == bytes)
}

/// Who runs this may write the file of another: it stays theirs where the system lets us.
#[cfg(unix)]
fn keep_owner(file: &File, before: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let is_other = file.metadata().is_ok_and(|new| (new.uid(), new.gid()) != (before.uid(), before.gid()));
    if is_other && fchown(file, Some(before.uid()), Some(before.gid())).is_err() {
        let _ = fchown(file, None, Some(before.gid()));
    }
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _before: &fs::Metadata) {}

/// How files begin that are not whole yet; none of them is taken for a Dockerfile.
fn temporary_prefix(path: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of `Dockerfile`, which holds `old`, where `prepare` has been at work.
    fn check(prepare: impl FnOnce(&Path), expect: Result<(), &str>) {
        let scratch = tempfile::tempdir().unwrap();
        let here = fs::canonicalize(scratch.path()).unwrap().join("here");
        fs::create_dir(&here).unwrap();
        let path = here.join("Dockerfile");
        fs::write(&path, "old").unwrap();
        prepare(&here);
        let before = fs::read(&path).ok();
        let result = file(&path, &here, b"old", b"new");
        let expect = expect.map_err(|words| {
            let above = here.parent().unwrap().display().to_string();
            words.replace("HERE", &here.display().to_string()).replace("ABOVE", &above)
        });
        assert_eq!(result.map_err(|error| error.to_string()), expect);
        let after = if expect.is_ok() { Some(b"new".to_vec()) } else { before };
        assert_eq!(fs::read(&path).ok(), after);
        let names = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names(&here).all(|name| !name.to_string_lossy().ends_with(TEMPORARY_SUFFIX)), "nothing is left behind");
    }

    #[test]
    fn a_file_is_replaced_as_it_was_read() {
        check(|_| (), Ok(()));
        check(
            |here| fs::write(here.join("Dockerfile"), "old\n").unwrap(),
            Err("HERE/Dockerfile: it has changed since it was read, and stays as it is: run again"),
        );
        check(
            |here| {
                let path = here.join("Dockerfile");
                let mut permissions = fs::metadata(&path).unwrap().permissions();
                permissions.set_readonly(true);
                fs::set_permissions(&path, permissions).unwrap();
            },
            Err("HERE/Dockerfile stays as it is: it is read-only; change its permissions to have it changed"),
        );
        // What a killed process left is cleared away, what only looks alike stays.
        check(|here| fs::write(here.join(".Dockerfile.4711.tmp"), "half").unwrap(), Ok(()));
        check(|here| fs::write(here.join(format!(".Dockerfile.{}.tmp", std::process::id())), "half").unwrap(), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_and_never_out() {
        use std::os::unix::fs::symlink;
        let moved = |here: &Path, to: &str| {
            let to = here.join(to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::rename(here.join("Dockerfile"), &to).unwrap();
            symlink(&to, here.join("Dockerfile")).unwrap();
        };
        check(|here| moved(here, "sub/real"), Ok(()));
        check(
            |here| moved(here, "../out/real"),
            Err("HERE/Dockerfile stays as it is: a link leads out of HERE to ABOVE/out/real; name that file instead"),
        );
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("Dockerfile");
        for mode in [0o600, 0o751, 0o666] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            file(&path, scratch.path(), b"old", b"new").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn who_names_a_file_elsewhere_means_its_folder() {
        let check = |path: &str, expect: &str| {
            assert_eq!(root(Path::new(path), Path::new("/work/here")), Path::new(expect), "{path}")
        };
        check("Dockerfile", "/work/here");
        check("./linked/Dockerfile", "/work/here");
        check("/work/here/linked/Dockerfile", "/work/here");
        check("../other/Dockerfile", "/work/here/../other");
        check("/srv/Dockerfile", "/srv");
    }
}
