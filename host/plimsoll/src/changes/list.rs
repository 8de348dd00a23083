//! What git prints, byte for byte.

use std::path::{Path, PathBuf};

/// What the index says of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) object: String,
}

/// What there is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    /// A commit of another repository.
    Module,
}

/// Of `ls-files --stage -z`: `MODE OBJECT STAGE`, a tabulator, and the path. What is no side of a conflict.
pub(super) fn of_index(output: &[u8]) -> Option<Vec<(PathBuf, Entry)>> {
    listed(output, |[mode, object, stage]| {
        let kind = match mode {
            "120000" => Kind::Link,
            "160000" => Kind::Module,
            _ if mode.starts_with("100") => Kind::File,
            _ => return None,
        };
        (stage == "0").then(|| Entry { kind, object: object.to_owned() })
    })
}

/// Of `ls-tree -r -z`: `MODE KIND OBJECT`, a tabulator, and the path. The objects of files and links.
pub(super) fn of_tree(output: &[u8]) -> Option<Vec<(PathBuf, String)>> {
    listed(output, |[_, kind, object]| (kind == "blob").then(|| object.to_owned()))
}

fn listed<T>(output: &[u8], of: fn([&str; 3]) -> Option<T>) -> Option<Vec<(PathBuf, T)>> {
    let mut files = Vec::new();
    for part in output.split(|byte| *byte == 0).filter(|part| !part.is_empty()) {
        let tabulator = part.iter().position(|byte| *byte == b'\t')?;
        let about = std::str::from_utf8(&part[..tabulator]).ok()?;
        let about: [&str; 3] = about.split(' ').collect::<Vec<_>>().try_into().ok()?;
        files.extend(of(about).map(|entry| (path(&part[tabulator + 1..]), entry)));
    }
    Some(files)
}

/// Of `cat-file --batch`: `OBJECT KIND SIZE`, a line feed, so many bytes, and a line feed.
pub(super) fn contents(mut output: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut contents = Vec::new();
    while !output.is_empty() {
        let end = output.iter().position(|byte| *byte == b'\n')?;
        let size: usize = std::str::from_utf8(&output[..end]).ok()?.rsplit(' ').next()?.parse().ok()?;
        let rest = &output[end + 1..];
        contents.push(rest.get(..size)?.to_owned());
        output = rest.get(size + 1..)?;
    }
    Some(contents)
}

/// A path as git writes it.
#[cfg(unix)]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// A path as git writes it.
#[cfg(not(unix))]
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// A path as git keeps where a link leads.
#[cfg(unix)]
pub(super) fn bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}

/// A path as git keeps where a link leads.
#[cfg(not(unix))]
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_byte_for_byte() {
        let index =
            of_index(b"100644 aa 0\tx\ty\n\x00120000 bb 0\tlink\x00100644 cc 2\tour\x00160000 dd 0\tmodule\0").unwrap();
        let entry = |path: &str, kind, object: &str| (path.into(), Entry { kind, object: object.to_owned() });
        assert_eq!(
            index,
            [entry("x\ty\n", Kind::File, "aa"), entry("link", Kind::Link, "bb"), entry("module", Kind::Module, "dd")]
        );
        let tree = of_tree(b"100755 blob aa\ta\xffb\x00160000 commit bb\tmodule\x00120000 blob cc\tlink\0").unwrap();
        assert_eq!(tree, [(path(b"a\xffb"), "aa".to_owned()), ("link".into(), "cc".to_owned())]);
        assert_eq!(contents(b"aa blob 3\na\nb\nbb blob 0\n\n").unwrap(), [b"a\nb".to_vec(), Vec::new()]);
    }

    #[test]
    fn what_is_something_else_is_not_guessed_at() {
        for odd in ["x\0", "100644 aa 0 x\0", "100644 aa\tx\0", "1 2 3 4\tx\0"] {
            assert_eq!((of_index(odd.as_bytes()), of_tree(odd.as_bytes())), (None, None), "{odd}");
        }
        for odd in ["aa missing\n", "aa blob 9\nb\n", "aa blob 1\nb", "aa blob x\n\n"] {
            assert_eq!(contents(odd.as_bytes()), None, "{odd}");
        }
    }
}
