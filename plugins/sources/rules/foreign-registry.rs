//! Images from elsewhere than the user's registries.

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::image::{Name, familiar};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForeignRegistry {
    /// Registries, with or without the first parts of a repository; all if not given.
    allow: Option<Vec<String>>,
}

impl Rule for ForeignRegistry {
    const NAME: &'static str = "foreign-registry";
    const SUMMARY: &'static str = "Images should come from the registries that option allow names";
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "allow": {
      "description": "Registries such as ghcr.io, or repositories and what is below them, such as docker.io/library",
      "type": "array",
      "items": {"type": "string"}
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        let options: Self = from_json(options)?;
        let mut allowed = options.allow.iter().flatten();
        match allowed.find(|allowed| allowed.is_empty() || allowed.contains([' ', '*', '@']) || allowed.ends_with('/'))
        {
            Some(odd) => Err(format!("allow: {odd:?} is no registry; write for example ghcr.io or docker.io/library")),
            None => Ok(options),
        }
    }

    fn check(&self, document: &Document, report: &mut Report) {
        let Some(allowed) = &self.allow else { return };
        for image in document.images().filter(|image| image.step().is_needed()) {
            let repository = Name::of(image.reference()).repository;
            let is_below = |allowed: &String| {
                repository.strip_prefix(allowed.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !allowed.iter().any(is_below) {
                let registry = repository.split('/').next().unwrap_or_default();
                let shown = familiar(image.reference());
                report.add(image.span(), format!("Image '{shown}' comes from {registry}, which is not allowed"));
            }
        }
    }
}
