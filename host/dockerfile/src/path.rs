//! Paths of images, which are no paths of this machine.
//!
//! A path and an operating system → the path in its shortest form, or BuildKit's words against it.

/// A path without `.`, `..` and doubled slashes, as far as they can go; `.` where nothing remains.
pub fn clean(path: &str) -> String {
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

/// Joins a path to the one it is relative to: absolute, with `/`, without a drive letter. `keep_slash`
/// keeps a slash at the end.
pub(crate) fn normal(parent: &str, path: &str, system: &str, keep_slash: bool) -> Result<String, String> {
    if system != WINDOWS && !keep_slash && path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let written = with_slashes(path, system);
    let drive = |path: &str| {
        without_drive(path, system, keep_slash).map_err(|message| format!("removing drive letter: {message}"))
    };
    let parent = if parent.is_empty() { "/".to_owned() } else { with_slashes(parent, system) };
    let mut parent = drive(&parent)?;
    if !is_absolute(&parent, system) {
        parent = clean(&format!("/{parent}"));
    }
    let mut path = drive(if written.is_empty() { &parent } else { &written })?;
    if !is_absolute(&path, system) {
        path = clean(&format!("{parent}/{path}"));
    }
    if keep_slash && written.ends_with('/') && !path.ends_with('/') {
        path.push('/');
    } else if keep_slash && written.ends_with("/.") {
        path.push_str(if path == "/" { "." } else { "/." });
    }
    Ok(with_slashes(&path, system))
}

/// What is wrong with a path to copy from or to: nothing, but on Windows.
pub(crate) fn check(path: &str, system: &str) -> Result<(), String> {
    if system != WINDOWS {
        return Ok(());
    }
    let path = without_drive(path, system, true).map_err(|message| format!("removing drive letter: {message}"))?;
    // Relative to which directory makes no difference to what is wrong.
    normal("/", &path, system, true).map(drop)
}

/// Whether a path is absolute; on Windows behind its drive letter.
pub(crate) fn is_absolute(path: &str, system: &str) -> bool {
    if system != WINDOWS {
        return path.starts_with('/');
    }
    without_drive(path, system, false).is_ok_and(|path| path.starts_with('/'))
}

/// A path of Windows without its drive letter, which must be `C:`; any other path as it is.
pub(crate) fn without_drive(path: &str, system: &str, keep_slash: bool) -> Result<String, String> {
    if system != WINDOWS {
        return Ok(path.to_owned());
    }
    if path.len() == 2 && path.ends_with(':') {
        return Err(format!("No relative path specified in {path:?}"));
    }
    let slashes = with_slashes(path, system);
    if slashes.starts_with("//") {
        return Err("UNC paths are not supported".to_owned());
    }
    let rest = match slashes.split_once(':') {
        Some((drive, rest)) if drive.eq_ignore_ascii_case("c") => rest,
        Some(_) => return Err("The specified path is not on the system drive (C:)".to_owned()),
        None => &slashes,
    };
    let mut cleaned = clean(rest);
    if keep_slash && cleaned.len() > 1 && rest.ends_with('/') {
        cleaned.push('/');
    }
    Ok(cleaned)
}

fn with_slashes(path: &str, system: &str) -> String {
    if system == WINDOWS { path.replace('\\', "/") } else { path.to_owned() }
}

const WINDOWS: &str = "windows";

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

    #[test]
    fn joined() {
        let check = |parent, path, system, expect: &str| {
            let got = normal(parent, path, system, true).unwrap_or_else(|message| format!("! {message}"));
            assert_eq!(got, expect, "{parent} {path}");
        };
        check("", "a/", "linux", "/a/");
        check("/x", "a/.", "linux", "/x/a/.");
        check("x", "", "linux", "/x");
        check("/x", "C:\\a\\..", "linux", "/x/C:\\a\\..");
        check("/x", "/a/../", "linux", "/a/../");
        check("\\x", "a\\", "windows", "/x/a/");
        check("/", "c:\\a\\..\\b", "windows", "/b");
        check("/", "c:b", "windows", "/b");
        check("/", "d:/b", "windows", "! removing drive letter: The specified path is not on the system drive (C:)");
        check("/", "c:", "windows", "! removing drive letter: No relative path specified in \"c:\"");
        check("/", "\\\\host\\b", "windows", "! removing drive letter: UNC paths are not supported");
    }
}
