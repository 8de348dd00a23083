//! Resolver `context`: the build context, as the build would see it.
//!
//! Input: a context and paths in it. Output: what the ignore file says of them:
//! the Dockerfile's own (`Dockerfile.dockerignore`), else `.dockerignore` at the
//! root; and what of the files is there for the build. Invariant: no file is read
//! that lies outside the folder it belongs to, by whatever link, and none that is
//! not a regular one.

mod glob;
mod tree;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use plimsoll_dockerfile::ignore::{self, Matcher};

use super::{Resolve, Resolving, misdirected};
use crate::limits::{IGNORE_FILE_BYTES_MAX, IGNORE_WORK_MAX};
use crate::question::{Answer, BuildContext, Failure, Ignored, Question, SkipReason};
use tree::Tree;

const IGNORE_FILE: &str = ".dockerignore";

/// Answers from the files on this machine. An ignore file is read once in a run.
#[derive(Default)]
pub struct Context {
    ignore_files: Mutex<HashMap<BuildContext, Arc<Result<IgnoreFile, Failure>>>>,
}

/// An ignore file, ready to be asked.
pub struct IgnoreFile {
    /// Its name; none where there is no such file.
    name: Option<String>,
    /// Bytes of its patterns.
    bytes: usize,
    /// Its patterns, or what is wrong with them.
    matcher: Result<Matcher, String>,
}

impl Resolve for Context {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            let context = match question {
                Question::Ignored { context, .. }
                | Question::Files { context, .. }
                | Question::File { context, .. }
                | Question::Text { context, .. } => context,
                _ => return Err(misdirected(question)),
            };
            let (file, question) = (self.ignore_file(context), question.clone());
            // On a thread of its own, so that no other question waits for it.
            let work = move || match file.as_ref() {
                Ok(file) => file.answer(&question, deadline),
                Err(failure) => Err(failure.clone()),
            };
            let panicked = |_| Err(failure("the build context could not be read".to_owned()));
            tokio::task::spawn_blocking(work).await.unwrap_or_else(panicked)
        })
    }
}

impl Context {
    fn ignore_file(&self, context: &BuildContext) -> Arc<Result<IgnoreFile, Failure>> {
        let mut known = self.ignore_files.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || Arc::new(read(context));
        known.entry(context.clone()).or_insert_with(read).clone()
    }
}

impl IgnoreFile {
    /// An ignore file of this name and content.
    pub fn new(name: &str, content: &[u8]) -> Self {
        let patterns = ignore::read(content);
        let matcher = Matcher::new(patterns.iter().map(String::as_str))
            .map_err(|error| format!("{name}: {error}: {:?}", error.pattern));
        Self { name: Some(name.to_owned()), bytes: patterns.iter().map(String::len).sum(), matcher }
    }

    /// Where there is none.
    pub fn none() -> Self {
        Self { name: None, bytes: 0, matcher: Ok(Matcher::default()) }
    }

    fn answer(&self, question: &Question, deadline: Instant) -> Result<Answer, Failure> {
        match question {
            Question::Ignored { paths, .. } => self.ignored(paths, deadline).map(Answer::Ignored),
            Question::Files { context, patterns } => {
                let mut tree = self.tree(context, deadline)?;
                let matches = patterns.iter().map(|pattern| tree.matches(pattern));
                matches.collect::<Result<_, _>>().map(Answer::Files)
            }
            Question::File { context, path } => self.tree(context, deadline)?.file(path).map(Answer::File),
            Question::Text { context, path } => self.tree(context, deadline)?.text(path).map(Answer::Text),
            _ => Err(misdirected(question)),
        }
    }

    fn tree(&self, context: &BuildContext, deadline: Instant) -> Result<Tree<'_>, Failure> {
        let matcher = self.matcher.as_ref().map_err(|error| failure(error.clone()))?;
        let unreadable =
            |error| failure(format!("the build context {} cannot be read: {error}", context.root.display()));
        let root = fs::canonicalize(folder(&context.root)).map_err(unreadable)?;
        Ok(Tree::new(root, context.bars_links, matcher, self.bytes, deadline))
    }

    /// What it says of paths.
    ///
    /// # Errors
    /// When there is too much to compare, or time runs out.
    pub fn ignored(&self, paths: &[String], deadline: Instant) -> Result<Ignored, Failure> {
        let name = self.name.as_deref().unwrap_or(IGNORE_FILE);
        let matcher = match &self.matcher {
            Ok(matcher) => matcher,
            Err(error) => {
                return Ok(Ignored { file: self.name.clone(), malformed: Some(error.clone()), ..Ignored::default() });
            }
        };
        let bytes: usize = paths.iter().map(String::len).sum();
        if self.bytes.saturating_mul(bytes) > IGNORE_WORK_MAX {
            return Err(failure(format!("{name}: its patterns are too much to hold {} paths against", paths.len())));
        }
        let mut ignored = Vec::with_capacity(paths.len());
        for path in paths {
            if Instant::now() >= deadline {
                let detail = format!("{name}: its patterns took too long to hold against {} paths", paths.len());
                return Err(Failure { reason: SkipReason::Timeout, detail });
            }
            let path = ignore::clean(path);
            let patterns = matcher.ignored_by(&path).map(str::to_owned).collect();
            ignored.push((path, patterns));
        }
        let (file, has_exceptions) = (self.name.clone(), matcher.has_exclusions());
        Ok(Ignored { file, has_exceptions, paths: ignored, malformed: None })
    }
}

/// The ignore file that counts.
fn read(context: &BuildContext) -> Result<IgnoreFile, Failure> {
    let own = context.dockerfile.as_deref().and_then(|dockerfile| {
        let name = format!("{}{IGNORE_FILE}", dockerfile.file_name()?.to_string_lossy());
        Some((folder_of(dockerfile), name))
    });
    for (folder, name) in own.into_iter().chain([(folder(&context.root), IGNORE_FILE.to_owned())]) {
        match read_inside(folder, &name) {
            Ok(content) => return Ok(IgnoreFile::new(&name, &content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failure(format!("{} cannot be read: {error}", folder.join(&name).display()))),
        }
    }
    Ok(IgnoreFile::none())
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::{IGNORE_FILE, IgnoreFile, read_inside};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    /// A fresh folder with an ignore file made by `make`, and what reading it gives.
    fn check(make: impl FnOnce(&Path, &Path), expect: Result<&str, &str>) {
        let scratch = tempfile::tempdir().unwrap();
        let context = scratch.path().join("context");
        std::fs::create_dir(&context).unwrap();
        make(scratch.path(), &context.join(IGNORE_FILE));
        match (read_inside(&context, IGNORE_FILE), expect) {
            (Ok(content), Ok(expect)) => assert_eq!(content, expect.as_bytes()),
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (got, _) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    #[test]
    #[cfg(unix)]
    fn only_regular_files_inside_the_folder_are_read() {
        use std::fs::{create_dir, write};
        use std::os::unix::fs::symlink;
        check(|_, file| write(file, "a\n").unwrap(), Ok("a\n"));
        check(|_, _| (), Err("No such file"));
        check(|_, file| create_dir(file).unwrap(), Err("no regular file"));
        check(|_, file| write(file, vec![b'a'; 2 << 20]).unwrap(), Err("larger than the 1 MiB"));
        let inside = |_: &Path, file: &Path| {
            write(file.with_file_name("other"), "b\n").unwrap();
            symlink("other", file).unwrap();
        };
        check(inside, Ok("b\n"));
        let outside = |scratch: &Path, file: &Path| {
            write(scratch.join("secret"), "c\n").unwrap();
            symlink("../secret", file).unwrap();
        };
        check(outside, Err("leads out of its folder"));
        check(|_, file| symlink("/dev/zero", file).unwrap(), Err("leads out of its folder"));
    }

    #[test]
    fn what_is_too_much_is_not_begun() {
        let file = IgnoreFile::new(IGNORE_FILE, "*a".repeat(1 << 20).as_bytes());
        let paths = vec!["a".repeat(1_000); 1_000];
        assert!(file.ignored(&paths, soon()).unwrap_err().detail.contains("too much"));
        let file = IgnoreFile::new(IGNORE_FILE, b"*a");
        assert!(file.ignored(&paths, Instant::now()).unwrap_err().detail.contains("too long"));
    }

    #[test]
    fn a_malformed_pattern_is_an_answer() {
        let ignored = IgnoreFile::new(IGNORE_FILE, b"a\n[b\n").ignored(&["a".to_owned()], soon()).unwrap();
        assert!(ignored.malformed.is_some_and(|error| error.contains("[b")));
    }
}
