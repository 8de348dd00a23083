//! Capability `registry`: asking what an image is.

use crate::host;
pub use crate::native::Selection;
use crate::{Answered, Request, RequestId};

/// Plans to ask for an image's manifest and configuration.
///
/// # Errors
/// Why the reference or the platform cannot be parsed; then nothing is planned.
pub fn plan_image(request: &Request, reference: &str, platform: &str) -> Result<RequestId, String> {
    host::plan_image(request, reference, platform)
}

/// The answer to [`plan_image`].
#[derive(Debug, Clone, Copy)]
pub struct Image {
    request: RequestId,
}

impl Image {
    /// The answer of this request, which must have been planned by [`plan_image`].
    pub fn of(answered: &Answered) -> Self {
        Self { request: answered.id }
    }

    /// The image, or the platforms there are when none fits.
    pub fn selection(&self) -> Selection {
        host::image_selection(self.request)
    }

    /// The environment that the image sets, in its order.
    pub fn environment(&self) -> Vec<(String, String)> {
        host::image_environment(self.request)
    }

    /// The working directory; empty if none.
    pub fn working_directory(&self) -> String {
        host::image_working_directory(self.request)
    }

    /// The user; empty if none.
    pub fn user(&self) -> String {
        host::image_user(self.request)
    }

    /// The SHELL of the image; empty if none.
    pub fn shell(&self) -> Vec<String> {
        host::image_shell(self.request)
    }

    /// The labels, sorted by name.
    pub fn labels(&self) -> Vec<(String, String)> {
        host::image_labels(self.request)
    }

    /// The ONBUILD triggers, in their order.
    pub fn onbuild(&self) -> Vec<String> {
        host::image_onbuild(self.request)
    }
}
