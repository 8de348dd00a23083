//! Paths of images, which are no paths of this machine.
//!
//! A path and an operating system → the path in its shortest form, or BuildKit's words against it.

/// A path without `.`, `..` and doubled slashes, as far as they can go; `.` where nothing remains.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest() {
        let check = |path, expect| assert_eq!(clean(path), expect, "{path}");
        check("", ".");
        check("/", "/");
        check("//a/./b/../c/", "/a/c");
        check("../../a/..", "../..");
        check("/../a", "/a");
        check("a/..", ".");
    }
}
