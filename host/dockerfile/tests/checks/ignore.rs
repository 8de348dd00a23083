//! `.dockerignore`: any content is read, matching keeps to its own rules, and a plain matcher agrees.
//!
//! A seed is the content, a line `---`, and paths, one on each line.

use plimsoll_dockerfile::ignore::{Matcher, clean, read};

/// Reads the content in the bytes and matches the paths in them.
pub fn check(bytes: &[u8]) {
    let cut = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    let (content, paths) = match cut {
        Some(at) => (&bytes[..at], &bytes[at + SEPARATOR.len()..]),
        None => (bytes, bytes),
    };
    let patterns = read(content);
    for pattern in &patterns {
        assert_eq!(clean(&clean(pattern)), clean(pattern), "cleaning twice changes nothing");
    }
    let paths = String::from_utf8_lossy(paths);
    let Ok(matcher) = Matcher::new(patterns.iter().map(String::as_str)) else { return };
    let again: Vec<String> =
        matcher.patterns().map(|(text, exclusion)| format!("{}{text}", if exclusion { "!" } else { "" })).collect();
    for path in paths.lines().take(PATHS_MAX) {
        let path = clean(path);
        assert_eq!(clean(&path), path);
        self::path(&matcher, &again, &path);
    }
}

fn path(matcher: &Matcher, patterns: &[String], path: &str) {
    let ignored = matcher.is_ignored(path);
    // What a directory says holds below it, where nothing is taken back. Above `/a` BuildKit sees `/`,
    // above `/a/b` it does not.
    let below = matcher.is_ignored(&format!("{path}/below"));
    assert!(
        matcher.has_exclusions() || !ignored || below || path.starts_with('/'),
        "{path:?} is ignored, but not what is below it"
    );
    assert!(!ignored || patterns.iter().any(|pattern| !pattern.starts_with('!')), "nothing ignores {path:?}");
    if path.starts_with('/')
        || path.len() > ORACLE_BYTES_MAX
        || patterns.iter().any(|pattern| pattern.len() > ORACLE_BYTES_MAX)
    {
        return;
    }
    let mut expect = Some(false);
    for pattern in patterns.iter().take(ORACLE_PATTERNS_MAX + 1) {
        let (exclusion, text) = pattern.strip_prefix('!').map_or((false, pattern.as_str()), |text| (true, text));
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]).filter(|parent| !parent.is_empty());
        let mut matched = Some(false);
        for candidate in parents.chain([path]) {
            matched = match (matched, oracle(text, candidate)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        expect = match (expect, matched) {
            (_, Some(true)) => Some(!exclusion),
            (expect, Some(false)) => expect,
            (expect, None) => expect.filter(|ignored| *ignored != exclusion),
        };
    }
    if let Some(expect) = expect.filter(|_| patterns.len() <= ORACLE_PATTERNS_MAX) {
        assert_eq!(ignored, expect, "{path:?} against {patterns:?}");
    }
}

/// A matcher that tries one choice after the other, as one would write it down; nothing where the
/// pattern is of a kind it does not know.
fn oracle(pattern: &str, path: &str) -> Option<bool> {
    if pattern.contains(['[', ']', '\\', '\n']) || path.contains('\n') {
        return None;
    }
    // Stars at the start and nothing else but characters: whatever ends so, even within a name.
    if let Some(end) = pattern.strip_prefix("**").filter(|end| !end.contains(['*', '?'])) {
        return Some(path.ends_with(end) || end.strip_prefix('/') == Some(path));
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    let mut steps = 0;
    tries(&pattern, &path, &mut steps)
}

fn tries(pattern: &[char], path: &[char], steps: &mut usize) -> Option<bool> {
    *steps += 1;
    if *steps > ORACLE_STEPS_MAX {
        return None;
    }
    let skip_any = |rest: &[char], steps: &mut usize, ends: &dyn Fn(usize) -> bool| {
        for taken in 0..=path.len() {
            if ends(taken) && tries(rest, &path[taken..], steps)? {
                return Some(true);
            }
        }
        Some(false)
    };
    match pattern {
        [] => Some(path.is_empty()),
        ['*', '*'] | ['*', '*', '/'] => Some(true),
        // Any number of directories, also none.
        ['*', '*', '/', rest @ ..] | ['*', '*', rest @ ..] => {
            skip_any(rest, steps, &|taken| taken == 0 || path[taken - 1] == '/')
        }
        ['*', rest @ ..] => skip_any(rest, steps, &|taken| !path[..taken].contains(&'/')),
        ['?', rest @ ..] => match path {
            [first, path @ ..] if *first != '/' => tries(rest, path, steps),
            _ => Some(false),
        },
        [one, rest @ ..] => match path {
            [first, path @ ..] if first == one => tries(rest, path, steps),
            _ => Some(false),
        },
    }
}

const SEPARATOR: &[u8] = b"\n---\n";

/// Paths that are matched in one run.
const PATHS_MAX: usize = 8;

/// Longer patterns and paths are not given to the plain matcher, which takes exponential time.
const ORACLE_BYTES_MAX: usize = 64;
const ORACLE_PATTERNS_MAX: usize = 16;
const ORACLE_STEPS_MAX: usize = 20_000;
