//! Capability `context`: asking what the build context holds.

pub use crate::bindings::plimsoll::rules::context::{ContextFile, Ignored, Matches};
use crate::host;
use crate::{Answered, Request, RequestId};

/// Plans to ask which of these paths the ignore file leaves out.
///
/// # Errors
/// That there are too many; then nothing is planned.
pub fn plan_ignored(request: &Request, paths: &[String]) -> Result<RequestId, String> {
    host::plan_ignored(request, paths)
}

/// The answer to [`plan_ignored`].
#[derive(Debug, Clone, Copy)]
pub struct IgnoreFile {
    request: RequestId,
}

impl IgnoreFile {
    /// The answer of this request, which must have been planned by [`plan_ignored`].
    pub fn of(answered: &Answered) -> Self {
        Self { request: answered.id }
    }

    /// Its name; none if there is no such file.
    pub fn name(&self) -> Option<String> {
        host::ignore_file(self.request)
    }

    /// Whether it takes paths back in, with patterns that begin with `!`.
    pub fn has_exceptions(&self) -> bool {
        host::ignore_has_exceptions(self.request)
    }

    /// What it says of the paths, in the order in which they were asked for.
    pub fn paths(&self) -> Vec<Ignored> {
        host::ignored_paths(self.request)
    }
}

/// Plans to ask which paths of the context these patterns match, read as ADD and
/// COPY read a source.
///
/// # Errors
/// That there are too many; then nothing is planned.
pub fn plan_files(request: &Request, patterns: &[String]) -> Result<RequestId, String> {
    host::plan_files(request, patterns)
}

/// The answer to [`plan_files`]: what the patterns match, in their order.
pub fn files(answered: &Answered) -> Vec<Matches> {
    host::files(answered.id)
}

/// Plans to ask what stands at a path of the context.
///
/// # Errors
/// Why it can be no path; then nothing is planned.
pub fn plan_file(request: &Request, path: &str) -> Result<RequestId, String> {
    host::plan_file(request, path)
}

/// The answer to [`plan_file`]; none where the build would find nothing.
pub fn file(answered: &Answered) -> Option<ContextFile> {
    host::file(answered.id)
}

/// What can stand at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Something else, such as a device or a socket.
    Other,
}

impl ContextFile {
    /// What it is.
    pub fn kind(&self) -> FileKind {
        match self.kind {
            0 => FileKind::File,
            1 => FileKind::Folder,
            _ => FileKind::Other,
        }
    }
}

/// Plans to ask for the text of a file of the context.
///
/// # Errors
/// Why it can be no path; then nothing is planned.
pub fn plan_text(request: &Request, path: &str) -> Result<RequestId, String> {
    host::plan_text(request, path)
}

/// The answer to [`plan_text`]; none where the build would find no regular file.
pub fn text(answered: &Answered) -> Option<String> {
    host::text(answered.id)
}
