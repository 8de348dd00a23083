//! The one trait that an author implements.

use crate::{About, Answered, Document, Outcome, Plan, Report, Severity};

/// A rule. Its fields are its options; the default value has none set.
///
/// A rule keeps nothing between calls: `plan` and `on_success` may run in
/// different instances, and what `on_success` needs again travels in the
/// request's state.
pub trait Rule: Default {
    /// The name after the pack's prefix, such as `no-root`. It reads after "allow".
    const NAME: &'static str;
    /// One line on what the rule asks of a Dockerfile.
    const SUMMARY: &'static str;
    /// The severity of its findings where nothing else is said.
    const SEVERITY: Severity = Severity::Warning;
    /// The page that explains it, on the web.
    const URL: Option<&'static str> = None;
    /// Whether its findings may carry fixes.
    const FIXABLE: bool = false;
    /// Whether it runs only where it is asked for: a matter of taste, or still on
    /// trial.
    const OPT_IN: bool = false;
    /// What it looks at: Dockerfiles, or the lock after them.
    const ABOUT: About = About::Dockerfile;
    /// JSON Schema of its options; empty when it takes none.
    const OPTIONS_SCHEMA: &'static str = "";

    /// Reads the options, a JSON object. A rule with options calls `from_json`
    /// here (feature `options`).
    ///
    /// # Errors
    /// What is wrong with the options, and where.
    fn configure(options: &str) -> Result<Self, String> {
        match options.trim() {
            "" | "{}" => Ok(Self::default()),
            _ => Err("this rule takes no options".to_owned()),
        }
    }

    /// Reports what the document alone shows.
    fn check(&self, _document: &Document, _report: &mut Report) {}

    /// Plans questions, if the document gives cause for any.
    fn plan(&self, _document: &Document, _plan: &Plan) {}

    /// Says what an answer means. The model of `document` counts the answer in.
    fn on_success(&self, _answered: &Answered, _document: &Document, _report: &mut Report) -> Outcome {
        Outcome::Keep
    }
}
