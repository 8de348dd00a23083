//! What became of a file, as a patch that `patch` and `git apply -p0` take.

use similar::TextDiff;

use crate::limits::DIFF_TIME_MAX;

/// The difference of two versions of a file, in the unified format; nothing where there is none. Bytes that are no
/// text are replaced.
pub fn patch(path: &str, before: &[u8], after: &[u8]) -> String {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    if before == after {
        return String::new();
    }
    let diff = TextDiff::configure().timeout(DIFF_TIME_MAX).diff_lines(&*before, &*after);
    diff.unified_diff().header(path, path).to_string()
}
