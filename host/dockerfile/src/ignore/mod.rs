//! `.dockerignore`: which files of the context a build does not see.
//!
//! The content of the file → cleaned patterns → [`Matcher`] → whether a path is ignored. Paths are
//! relative, with `/`. The last pattern that matches a path or one of its parents decides.

mod pattern;

use std::fmt;

pub use crate::path::clean;
use crate::span::BYTE_ORDER_MARK;
use pattern::Pattern;

/// The patterns of a `.dockerignore`, ready to match.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    patterns: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    text: String,
    /// Whether it takes back what earlier patterns ignored (`!`).
    exclusion: bool,
    pattern: Pattern,
}

/// A pattern that is not well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
}

/// The patterns in the content of a `.dockerignore`, cleaned: comments and empty lines dropped, paths
/// shortened, leading `/` removed.
pub fn read(content: &[u8]) -> Vec<String> {
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    let content = String::from_utf8_lossy(content);
    content.lines().filter(|line| !line.starts_with('#')).filter_map(read_line).collect()
}

impl Matcher {
    /// Prepares patterns, as [`read`] gives them.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, PatternError> {
        let rules = patterns.into_iter().map(str::trim).filter(|pattern| !pattern.is_empty());
        Ok(Self { patterns: rules.map(Rule::new).collect::<Result<_, _>>()? })
    }

    /// Whether a path, or a directory above it, is ignored.
    pub fn is_ignored(&self, path: &str) -> bool {
        let mut ignored = false;
        for rule in &self.patterns {
            // A rule that would not change the answer need not be asked.
            if rule.exclusion == ignored && rule.matches(path) {
                ignored = !rule.exclusion;
            }
        }
        ignored
    }

    /// The patterns that leave a path, or a directory above it, out; none when it stays.
    pub fn ignored_by<'m>(&'m self, path: &'m str) -> impl Iterator<Item = &'m str> {
        let rules = if self.is_ignored(path) { self.patterns.as_slice() } else { &[] };
        rules.iter().filter(move |rule| !rule.exclusion && rule.matches(path)).map(|rule| rule.text.as_str())
    }

    /// Whether any pattern begins with `!`.
    pub fn has_exclusions(&self) -> bool {
        self.patterns.iter().any(|rule| rule.exclusion)
    }

    /// The cleaned patterns without `!`, each with whether it had one.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, bool)> {
        self.patterns.iter().map(|rule| (rule.text.as_str(), rule.exclusion))
    }
}

impl Rule {
    fn new(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError { pattern: text.to_owned() };
        let cleaned = clean(text);
        let (exclusion, text) = match cleaned.strip_prefix('!') {
            Some("") => return Err(error()),
            Some(rest) => (true, rest),
            None => (false, cleaned.as_str()),
        };
        let pattern = Pattern::parse(text).ok_or_else(error)?;
        Ok(Self { text: text.to_owned(), exclusion, pattern })
    }

    fn matches(&self, path: &str) -> bool {
        // Above `/a` are the empty path and `/`, above `/a/b` the empty path and `/a`.
        let rooted = || self.pattern.matches("") || path.rfind('/') == Some(0) && self.pattern.matches("/");
        self.pattern.matches(path) || path.starts_with('/') && rooted()
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pattern.as_str() {
            "!" => f.write_str("illegal exclusion pattern: \"!\""),
            _ => f.write_str("syntax error in pattern"),
        }
    }
}

impl std::error::Error for PatternError {}

fn read_line(line: &str) -> Option<String> {
    let line = line.trim();
    let (mark, pattern) = match line.strip_prefix('!') {
        Some(rest) => ("!", rest.trim()),
        None => ("", line),
    };
    if line.is_empty() {
        return None;
    }
    let cleaned = if pattern.is_empty() { String::new() } else { clean(pattern) };
    let relative = if cleaned.len() > 1 { cleaned.strip_prefix('/').unwrap_or(&cleaned) } else { &cleaned };
    Some(format!("{mark}{relative}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str, path: &str, expect: bool) {
        let patterns = read(content.as_bytes());
        let matcher = Matcher::new(patterns.iter().map(String::as_str)).unwrap();
        assert_eq!(matcher.is_ignored(path), expect, "{content:?} {path}");
    }

    #[test]
    fn patterns() {
        check("*.md\n!README.md", "a.md", true);
        check("*.md\n!README.md", "README.md", false);
        check("*.md", "docs/a.md", false);
        check("**/*.md", "docs/x/a.md", true);
        check("docs", "docs/x/a.md", true);
        check("docs", "docsx/a.md", false);
        check("d*s", "docs/x/a.md", true);
        check("*/x", "docs/x/a.md", true);
        check("**/x", "docs/x/a.md", true);
        check("**/a*", "docs/a/b", true);
        check("/docs/", "docs/a", true);
        check("# docs", "# docs", false);
        check("a[0-9]?", "a1b", true);
        check("a[^0-9]", "a1", false);
        check("a/**/b", "a/b", true);
        check("a/**", "a", false);
        check("a\\*b", "a*b", true);
        check("**", "x", true);
        assert!(Matcher::new(["[a"]).is_err());
        assert!(Matcher::new(["!"]).is_err());
    }

    #[test]
    fn cleaning() {
        let check = |path, expect| assert_eq!(clean(path), expect, "{path}");
        check("", ".");
        check("a//b/./c/..", "a/b");
        check("../a", "../a");
        check("/../a", "/a");
        check("a/..", ".");
    }
}
