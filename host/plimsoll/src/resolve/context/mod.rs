//! Resolver `context`: the build context, as the build would see it.
//!
//! Input: a context and paths in it. Output: what the ignore file says of them:
//! the Dockerfile's own (`Dockerfile.dockerignore`), else `.dockerignore` at the
//! root; and what of the files is there for the build. Invariant: no file is read
//! that lies outside the folder it belongs to, by whatever link, and none that is
//! not a regular one.

mod glob;
mod tree;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Instant;

use plimsoll_dockerfile::ignore::{self, Matcher};

use super::{Resolve, Resolving, misdirected};
use crate::limits::{IGNORE_COMPARISONS_MAX, IGNORE_FILE_BYTES_MAX};
use crate::question::{Answer, BuildContext, Failure, Ignored, Question, SkipReason};
use tree::Tree;

const IGNORE_FILE: &str = ".dockerignore";

/// Answers from the files on this machine.
pub struct Context;

impl Resolve for Context {
    /// Files are read on a thread of their own: no server waits for a disk.
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            let question = question.clone();
            let answering = tokio::task::spawn_blocking(move || answer(&question, deadline));
            answering.await.unwrap_or_else(|_| Err(failure("the build context could not be read".to_owned())))
        })
    }
}

fn answer(question: &Question, deadline: Instant) -> Result<Answer, Failure> {
    match question {
        Question::Ignored { context, paths } => {
            let file = ignore_file(context)?;
            let file = file.as_ref().map(|(name, content)| (name.as_str(), content.as_slice()));
            ignored(file, paths).map(Answer::Ignored)
        }
        Question::Files { context, patterns } => {
            let mut tree = tree(context, deadline)?;
            let matches = patterns.iter().map(|pattern| tree.matches(pattern));
            matches.collect::<Result<_, _>>().map(Answer::Files)
        }
        Question::File { context, path } => tree(context, deadline)?.file(path).map(Answer::File),
        Question::Text { context, path } => tree(context, deadline)?.text(path).map(Answer::Text),
        _ => Err(misdirected(question)),
    }
}

fn tree(context: &BuildContext, deadline: Instant) -> Result<Tree, Failure> {
    let matcher = match ignore_file(context)? {
        Some((name, content)) => matcher(&name, &ignore::read(&content))?,
        None => Matcher::default(),
    };
    let root = fs::canonicalize(folder(&context.root))
        .map_err(|error| failure(format!("the build context {} cannot be read: {error}", context.root.display())))?;
    Ok(Tree::new(root, matcher, deadline))
}

fn matcher(name: &str, patterns: &[String]) -> Result<Matcher, Failure> {
    Matcher::new(patterns.iter().map(String::as_str))
        .map_err(|error| failure(format!("{name}: {error}: {:?}; the build stops there too", error.pattern)))
}

/// What an ignore file, by its name and content, says of paths.
///
/// # Errors
/// When a pattern is not well formed, which would stop the build, or when there
/// are too many.
pub fn ignored(file: Option<(&str, &[u8])>, paths: &[String]) -> Result<Ignored, Failure> {
    let Some((name, content)) = file else {
        let paths = paths.iter().map(|path| (ignore::clean(path), Vec::new())).collect();
        return Ok(Ignored { paths, ..Ignored::default() });
    };
    let patterns = ignore::read(content);
    let matcher = matcher(name, &patterns)?;
    if patterns.len().saturating_mul(paths.len()) > IGNORE_COMPARISONS_MAX {
        let (patterns, paths) = (patterns.len(), paths.len());
        return Err(failure(format!("{name}: {patterns} patterns are too many to hold {paths} paths against")));
    }
    let path = |path: &String| {
        let path = ignore::clean(path);
        let patterns = matcher.ignored_by(&path).map(str::to_owned).collect();
        (path, patterns)
    };
    let paths = paths.iter().map(path).collect();
    Ok(Ignored { file: Some(name.to_owned()), has_exceptions: matcher.has_exclusions(), paths })
}

/// The name and content of the ignore file that counts.
fn ignore_file(context: &BuildContext) -> Result<Option<(String, Vec<u8>)>, Failure> {
    let own = context.dockerfile.as_deref().and_then(|dockerfile| {
        let name = format!("{}{IGNORE_FILE}", dockerfile.file_name()?.to_string_lossy());
        Some((folder_of(dockerfile), name))
    });
    for (folder, name) in own.into_iter().chain([(folder(&context.root), IGNORE_FILE.to_owned())]) {
        match read_inside(folder, &name) {
            Ok(content) => return Ok(Some((name, content))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failure(format!("{name} cannot be read: {error}"))),
        }
    }
    Ok(None)
}

fn folder_of(file: &Path) -> &Path {
    folder(file.parent().unwrap_or(Path::new("")))
}

/// The folder, also where it is the working directory and called nothing.
fn folder(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// The content of a file in a folder, unless it is a link that leads out of it.
fn read_inside(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let real = fs::canonicalize(folder.join(name))?;
    if !real.starts_with(fs::canonicalize(folder)?) {
        return Err(io::Error::other("it is a link that leads out of its folder"));
    }
    if !fs::metadata(&real)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut content = Vec::new();
    File::open(&real)?.take(IGNORE_FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > IGNORE_FILE_BYTES_MAX {
        let limit = IGNORE_FILE_BYTES_MAX >> 20;
        return Err(io::Error::other(format!("it is larger than the {limit} MiB an ignore file may have")));
    }
    Ok(content)
}

fn failure(detail: String) -> Failure {
    Failure { reason: SkipReason::ResolverError, detail }
}
