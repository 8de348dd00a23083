//! Links of a repository, which were written as files that hold where they lead.
//!
//! Invariant: once this is done, every link in the folder leads to something in it.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

/// Bytes of where a link leads, as on Linux.
#[cfg(unix)]
const LINK_BYTES_MAX: u64 = 4096;

/// Puts links in the place of such files, where they lead to something in the folder; what leads elsewhere, or
/// nowhere, stays the file that it is.
#[cfg(unix)]
pub(super) fn follow(root: &Path, links: &[PathBuf], until: Instant) {
    let mut made = Vec::new();
    for path in links.iter().map(|link| root.join(link)) {
        let is_file =
            path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LINK_BYTES_MAX);
        if !is_file {
            continue;
        }
        let Ok(target) = fs::read_to_string(&path) else { continue };
        let is_relative = Path::new(&target)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir | Component::ParentDir));
        if is_relative && fs::remove_file(&path).is_ok() {
            // It may lead out by way of another one: that shows once all are there.
            let _ = std::os::unix::fs::symlink(&target, &path);
            made.push((path, target));
        }
    }
    // Each is judged while all are there. Taking some away leaves those behind them leading nowhere, not out.
    // Looking takes long where links lead to links; in the end all that was not looked at is no link.
    let is_bad =
        |path: &Path| Instant::now() >= until || !fs::canonicalize(path).is_ok_and(|real| real.starts_with(root));
    loop {
        let (bad, good): (Vec<_>, Vec<_>) = made.into_iter().partition(|(path, _)| is_bad(path));
        if bad.is_empty() {
            return;
        }
        for (path, target) in &bad {
            // Without this the folder would hold a link that nobody looked at.
            if fs::remove_file(path).is_ok() {
                let _ = fs::write(path, target);
            }
        }
        made = good;
    }
}

/// Elsewhere they stay files.
#[cfg(not(unix))]
pub(super) fn follow(_root: &Path, _links: &[PathBuf], _until: Instant) {}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_link_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap().join("root");
        fs::create_dir_all(root.join("a/b/c")).unwrap();
        fs::create_dir_all(root.join("t")).unwrap();
        fs::write(root.join("t/file"), "x").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let cases = [
            ("good", "t/file", true),
            ("a/up", "../t/file", true),
            ("chain", "a/up", true),
            ("folder", "t", true),
            ("absolute", "/etc/passwd", false),
            ("out", "../secret", false),
            ("behind", "out", false),
            ("a/b/c/d", "../../../t", true),
            // By its words it stays inside; by way of the link before it does not.
            ("sly", "a/b/c/d/../../secret", false),
            ("loop", "loop", false),
            ("gone", "nothing", false),
        ];
        for (path, target, _) in cases {
            fs::write(root.join(path), target).unwrap();
        }
        follow(&root, &cases.map(|(path, ..)| PathBuf::from(path)), Instant::now() + Duration::from_secs(60));
        for (path, target, is_link) in cases {
            let path = root.join(path);
            assert_eq!(path.symlink_metadata().unwrap().is_symlink(), is_link, "{target}");
            if !is_link {
                assert_eq!(fs::read_to_string(&path).unwrap(), target);
            }
        }
    }
}
