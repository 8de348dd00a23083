//! Capability `console`: having tools of the machine run that lints, where the
//! user lets them.

use crate::host;
use crate::{Answered, Request, RequestId};

/// Plans to run a tool once, with this text on its standard input.
///
/// # Errors
/// What there is too much of; then nothing is planned.
pub fn plan_run(request: &Request, tool: &str, arguments: &[String], input: &str) -> Result<RequestId, String> {
    host::plan_run(request, tool, arguments, input)
}

/// The answer to [`plan_run`].
#[derive(Debug, Clone, Copy)]
pub struct Run {
    request: RequestId,
}

impl Run {
    /// The answer of this request, which must have been planned by [`plan_run`].
    pub fn of(answered: &Answered) -> Self {
        Self { request: answered.id }
    }

    /// The status it ended with.
    pub fn exit_code(&self) -> i32 {
        host::exit_code(self.request)
    }

    /// What it wrote to standard output.
    pub fn output(&self) -> String {
        host::output(self.request)
    }

    /// What it wrote to standard error, perhaps cut off.
    pub fn errors(&self) -> String {
        host::errors(self.request)
    }
}

/// Plans to have a tool check a text, in a file whose name ends in the suffix. The
/// texts of all rules and files for which tool, arguments and suffix are the same
/// go to few processes.
///
/// # Errors
/// What does not hold up; then nothing is planned.
pub fn plan_check(
    request: &Request,
    tool: &str,
    arguments: &[String],
    suffix: &str,
    text: &str,
) -> Result<RequestId, String> {
    host::plan_check(request, tool, arguments, suffix, text)
}

/// The answer to [`plan_check`]: the entries about the text, as a JSON array.
pub fn entries(answered: &Answered) -> String {
    host::entries(answered.id)
}
