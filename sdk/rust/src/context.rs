//! Capability `context`: asking what the build context holds.

pub use crate::bindings::plimsoll::rules::context::Ignored;
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
