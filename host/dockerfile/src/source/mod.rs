//! Sources of `ADD` and `COPY`: local paths, URLs and git repositories.
//!
//! An expanded source → its [`SourceKind`], and for a repository what its URL asks for or why BuildKit
//! refuses it. Nothing is fetched.

mod url;

use std::collections::BTreeMap;

use crate::path;
use url::Url;

/// How `ADD` and `COPY` read a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A path in the build context, or in the stage or image of `--from`.
    Local,
    /// A file behind `http://` or `https://`.
    Url,
    /// A git repository, even if BuildKit refuses its query.
    Git,
}

/// How an expanded source is read. `github.com/owner/name` is a local path here.
pub fn kind(text: &str) -> SourceKind {
    match repository(text) {
        Ok(Some(repository)) if repository.like_local => SourceKind::Local,
        Ok(Some(_)) | Err(_) => SourceKind::Git,
        Ok(None) if is_web(text) => SourceKind::Url,
        Ok(None) => SourceKind::Local,
    }
}

/// What the URL of a repository says beyond its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repository {
    /// Written without a scheme, as a local path could be: `github.com/owner/name`.
    pub like_local: bool,
    /// Whether `.git` is kept, if the URL says so.
    pub keep_git_dir: Option<bool>,
    /// The commit it must be at.
    pub checksum: Option<String>,
}

/// Reads a source as a git repository: nothing if it is none, BuildKit's words if its query is wrong.
pub(crate) fn repository(text: &str) -> Result<Option<Repository>, String> {
    if text.starts_with("./") || text.starts_with("../") {
        return Ok(None);
    }
    let like_local = text.starts_with("github.com/");
    // Every other address has a colon.
    if !like_local && !text.as_bytes().contains(&b':') {
        return Ok(None);
    }
    let address = if like_local { Url::parse(text) } else { address(text) };
    match address {
        Some(address) => options(address, like_local).map(Some),
        None => Ok(None),
    }
}

/// Whether a source counts as a repository or a URL where `--checksum` asks.
pub(crate) fn takes_checksum(text: &str) -> bool {
    matches!(repository(text), Ok(Some(_))) || is_web(text)
}

/// Whether a source is a URL where it is no repository.
pub(crate) fn is_web(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// The address of a repository: a URL of a known scheme, or `user@host:path`.
fn address(text: &str) -> Option<Url> {
    let scheme = text.find("://").map(|end| &text[..end]);
    let Some(scheme) = scheme.filter(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric())) else {
        return Url::parse_secure_copy(text);
    };
    if !SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let url = Url::parse(text)?;
    let web = url.scheme.starts_with("http");
    (!web || url.path.ends_with(".git")).then_some(url)
}

fn options(address: Url, like_local: bool) -> Result<Repository, String> {
    let mut repository = Repository { like_local, ..Repository::default() };
    let (fragment, folder) = address.fragment.split_once(':').unwrap_or((&address.fragment, ""));
    let mut reference = fragment.to_owned();
    let folder = path::clean(&format!("/{folder}"))[1..].to_owned();
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in &address.query {
        values.entry(key).or_default().push(value);
    }
    let (mut tag, mut branch) = ("", "");
    for (key, value) in values {
        let value = match value[..] {
            [value] => value,
            _ => return Err(format!("query {key:?} has multiple values")),
        };
        let switch = SWITCHES.contains(&key);
        if value.is_empty() && !switch {
            return Err(format!("query {key:?} has no value"));
        }
        let truth = || match value {
            "" => Ok(true),
            value => parse_bool(value).ok_or_else(|| format!("invalid {key} value: {value:?}")),
        };
        match key {
            "ref" => agree("ref", &mut reference, value)?,
            "tag" => tag = value,
            "branch" => branch = value,
            "subdir" => agree("subdir", &mut folder.clone(), value)?,
            "checksum" | "commit" => repository.checksum = Some(value.to_owned()),
            "keep-git-dir" => repository.keep_git_dir = Some(truth()?),
            "submodules" | "fetch-by-commit" => drop(truth()?),
            "mtime" if ["checkout", "commit"].contains(&value) => {}
            "mtime" => return Err(format!("invalid mtime value: {value:?} (must be \"checkout\" or \"commit\")")),
            _ => return Err(format!("unexpected query {key:?}")),
        }
    }
    if !tag.is_empty() {
        agree("ref", &mut reference, &prefixed("refs/tags/", tag))?;
    }
    if !branch.is_empty() {
        if !tag.is_empty() {
            return Err("branch conflicts with tag".to_owned());
        }
        agree("ref", &mut reference, &prefixed("refs/heads/", branch))?;
    }
    Ok(repository)
}

/// Fragment and query may both name something, if they name the same.
fn agree(what: &str, known: &mut String, value: &str) -> Result<(), String> {
    if !known.is_empty() && known != value {
        return Err(format!("{what} conflicts: {known:?} vs {value:?}"));
    }
    value.clone_into(known);
    Ok(())
}

fn prefixed(prefix: &str, name: &str) -> String {
    if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

/// The spellings of true and false that flags and queries take.
pub fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// The schemes of repositories.
const SCHEMES: [&str; 4] = ["http", "https", "ssh", "git"];

/// Keys of a query that need no value.
const SWITCHES: [&str; 3] = ["submodules", "keep-git-dir", "fetch-by-commit"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: SourceKind) {
        assert_eq!(kind(text), expect, "{text}");
    }

    #[track_caller]
    fn refused(text: &str, expect: &str) {
        assert_eq!(repository(text), Err(expect.to_owned()), "{text}");
        check(text, SourceKind::Git);
    }

    #[test]
    fn kinds() {
        for text in ["a", "./x.git", "../git@h:p", ".git", "github.com/moby/buildkit", "github.com/a/b?tag=v1", "C:\\a"]
        {
            check(text, SourceKind::Local);
        }
        for text in ["custom.xyz/a/b.git", "ftp://a/b.git", "git@:x", "HTTPS://a.b/c", "a b@c:d", "http:/a"] {
            check(text, SourceKind::Local);
        }
        for text in
            ["https://a.b/", "http://a.b/c.git/", "https://a.b/c.git.d", "https://a b/c.git", "https://a:b/c.git"]
        {
            check(text, SourceKind::Url);
        }
        for text in ["https://[::1/c.git", "http://a.b/c%zz.git", "https://a.b/x%2egi", "https://a:1:2/x.git"] {
            check(text, SourceKind::Url);
        }
        for text in
            ["git://a/b", "ssh://git@a.b:22/c", "git@github.com:a/b", "u_1-@h.x:p?ref=1#2", "https://a.b/c.git#d:e"]
        {
            match text {
                "u_1-@h.x:p?ref=1#2" => refused(text, "ref conflicts: \"2\" vs \"1\""),
                _ => check(text, SourceKind::Git),
            }
        }
        for text in
            ["HTTPS://a.b/c.git", "https://u:p@a.b/c.git?keep-git-dir", "https://[::1]:80/c.git", "https://a.b/c%2egit"]
        {
            check(text, SourceKind::Git);
        }
    }

    #[test]
    fn queries() {
        refused("https://a.b/c.git?ref=1#2", "ref conflicts: \"2\" vs \"1\"");
        refused("https://a.b/c.git?ref=1&tag=1", "ref conflicts: \"1\" vs \"refs/tags/1\"");
        refused("https://a.b/c.git?tag=1&branch=1", "branch conflicts with tag");
        refused("https://a.b/c.git?subdir=/x#:x", "subdir conflicts: \"x\" vs \"/x\"");
        refused("https://a.b/c.git?tag", "query \"tag\" has no value");
        refused("https://a.b/c.git?tag=1&tag=1", "query \"tag\" has multiple values");
        refused("https://a.b/c.git?submodules=x", "invalid submodules value: \"x\"");
        refused("https://a.b/c.git?mtime=x", "invalid mtime value: \"x\" (must be \"checkout\" or \"commit\")");
        refused("git@a.b:c?x=1", "unexpected query \"x\"");
        let good = "https://a.b/c.git?keep-git-dir=0&commit=abc&subdir=x&tag=v1#refs/tags/v1:./y/../x";
        let expect = Repository { like_local: false, keep_git_dir: Some(false), checksum: Some("abc".into()) };
        assert_eq!(repository(good), Ok(Some(expect)));
    }
}
