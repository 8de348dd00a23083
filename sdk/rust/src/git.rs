//! Capability `git`: asking what the names in repositories mean.

use crate::host;
use crate::{Answered, Request, RequestId};

/// Plans to ask for the commit that a branch, a tag or a full name means in a
/// repository; the default branch where the name is empty.
///
/// # Errors
/// Why it cannot be asked; then nothing is planned.
pub fn plan_resolve(request: &Request, remote: &str, name: &str) -> Result<RequestId, String> {
    host::plan_resolve(request, remote, name)
}

/// The answer to [`plan_resolve`]: the commit, in hexadecimal digits.
pub fn commit(answered: &Answered) -> String {
    host::commit(answered.id)
}
