//! The image should run as a user of its own.

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoRoot {
    users: Vec<String>,
}

impl Default for NoRoot {
    fn default() -> Self {
        Self { users: vec!["root".to_owned(), "0".to_owned()] }
    }
}

impl Rule for NoRoot {
    const NAME: &'static str = "no-root";
    const SUMMARY: &'static str = "The image should run as a user of its own";
    const SEVERITY: Severity = Severity::Error;
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "users": {
      "description": "Users that no image may run as",
      "type": "array",
      "items": {"type": "string"},
      "default": ["root", "0"]
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        from_json(options)
    }

    /// Without a word of the file, root is likely: whether it is so is asked below.
    fn check(&self, document: &Document, report: &mut Report) {
        let Some(last) = last(document) else { return };
        match user(document, last) {
            Some((user, span)) if self.is_forbidden(user) => {
                report.add(span, format!("The image runs as {user}; name another USER"));
            }
            Some(_) => {}
            None => {
                // No more than a guess: errors would keep the registry from being asked.
                report
                    .add(last.from().span(), "No USER is named: the image runs as its base does, likely as root")
                    .severity(Severity::Warning);
            }
        }
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        let Some(last) = last(document).filter(|last| user(document, *last).is_none()) else { return };
        let root = document.stage(last.root());
        if root.base() == Base::Image {
            let request = plan.about(Scope::Stage(last.index()));
            registry::plan_image(&request, root.base_text(), &root.platform()).expect("the base is an image");
        }
    }

    /// What the base image says takes the place of the guess.
    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let image = registry::Image::of(answered);
        let (Scope::Stage(last), registry::Selection::Image(_)) = (answered.scope, image.selection()) else {
            return Outcome::Keep;
        };
        let last = document.stage(last);
        // Triggers of the base image may name one.
        let user = user(document, last).map_or_else(|| image.user(), |(user, _)| user.to_owned());
        if self.is_forbidden(&user) {
            let base = document.stage(last.root());
            let user = if user.is_empty() { "root" } else { &user };
            let message = format!("The image runs as {user}, as '{}' does; name another USER", base.base_text());
            report.add(last.from().span(), message);
        }
        Outcome::Replace
    }
}

impl NoRoot {
    /// Whether a `USER`, perhaps with a group, is one of them; nobody named is root.
    fn is_forbidden(&self, user: &str) -> bool {
        let name = user.split(':').next().unwrap_or_default();
        let name = if name.is_empty() { "root" } else { name };
        self.users.iter().any(|forbidden| forbidden == name)
    }
}

/// The stage that the image is made of.
fn last(document: &Document) -> Option<Stage<'_>> {
    document.stages().filter(|stage| stage.is_needed()).last()
}

/// The last USER of a stage and those it is built on; one that cannot be told is
/// named as written.
fn user<'d>(document: &'d Document, last: Stage<'d>) -> Option<(&'d str, Span)> {
    let mut stage = last;
    loop {
        let named = stage.steps().filter(|step| step.keyword() == Keyword::User).last();
        if let Some(step) = named {
            let word = step.words().next()?;
            return Some((word.value().filter(|_| word.is_exact()).unwrap_or(word.text()), step.span()));
        }
        let Base::Stage(below) = stage.base() else { return None };
        stage = document.stage(below);
    }
}
