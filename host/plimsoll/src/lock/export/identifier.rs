//! Sources as BuildKit's policies name them.
//!
//! Input: what the lock calls an image or a repository. Output: the identifier under which BuildKit asks its policy.
//! Invariant: a repository has one identifier, by whichever protocol it is reached.

/// The name of a commit that is meant where none is named.
pub(super) const HEAD: &str = "HEAD";

/// That of an image.
pub(super) fn image(reference: &str) -> String {
    format!("{IMAGE_SCHEME}{reference}")
}

/// That of a repository, without a commit: `https://host/a.git` and `git@host:a.git` are both `git://host/a.git`.
pub(super) fn git_base(remote: &str) -> Result<String, String> {
    let bad = || format!("{remote} is no address of a git repository");
    let (authority, path) = match remote.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        None => remote.split_once(':').filter(|(authority, _)| authority.contains('@')).ok_or_else(bad)?,
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if host.is_empty() || path.contains(['%', '*']) {
        return Err(bad());
    }
    let mut folders: Vec<&str> = Vec::new();
    for folder in path.split('/') {
        match folder {
            "" | "." => {}
            ".." => drop(folders.pop()),
            folder => folders.push(folder),
        }
    }
    Ok(format!("git://{host}/{}", folders.join("/")))
}

/// What the identifier of an image begins with.
pub(in crate::lock) const IMAGE_SCHEME: &str = "docker-image://";
