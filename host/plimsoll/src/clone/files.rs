//! What a commit holds, as `git ls-tree -r -l -z` lists it: known before any of it is written.

use std::path::PathBuf;

/// What was listed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// How many files there are.
    pub(super) count: usize,
    /// What they come to.
    pub(super) bytes: u64,
    /// Those that are links.
    pub(super) links: Vec<PathBuf>,
    /// Repositories in the repository.
    pub(super) submodules: usize,
}

/// Reads lines of `MODE KIND OBJECT SIZE<tab>PATH`, each with a zero behind it.
pub(super) fn listed(list: &[u8]) -> Result<Listed, String> {
    let mut listed = Listed::default();
    for line in list.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let malformed = || "git lists what this program does not understand".to_owned();
        let tab = line.iter().position(|byte| *byte == b'\t').ok_or_else(malformed)?;
        let (head, path) = (String::from_utf8_lossy(&line[..tab]), &line[tab + 1..]);
        let [mode, kind, _, size] = head.split_ascii_whitespace().collect::<Vec<_>>()[..] else {
            return Err(malformed());
        };
        listed.count += 1;
        match (mode, kind) {
            ("160000", "commit") => listed.submodules += 1,
            ("120000", "blob") => listed.links.extend(path_of(path)),
            (_, "blob") => {}
            _ => return Err(malformed()),
        }
        if kind == "blob" {
            listed.bytes = listed.bytes.saturating_add(size.parse().map_err(|_| malformed())?);
        }
    }
    Ok(listed)
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(std::ffi::OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_summed_up() {
        let list =
            b"100644 blob aa       12\ta b\x00120000 blob bb 3\td/l\x00160000 commit cc -\ts\x00100755 blob dd 5\tx\ty\0";
        let links = vec![PathBuf::from("d/l")];
        assert_eq!(listed(list), Ok(Listed { count: 4, bytes: 20, links, submodules: 1 }));
        for odd in ["100644 blob aa 12 a\0", "100644 blob aa\ta\0", "100644 blob aa -\ta\0", "1 tree aa 1\ta\0"] {
            assert!(listed(odd.as_bytes()).is_err(), "{odd:?}");
        }
    }
}
