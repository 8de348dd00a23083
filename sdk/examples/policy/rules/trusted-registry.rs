//! Images should come from registries that the organisation trusts.

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::pattern::matches;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrustedRegistry {
    registries: Vec<String>,
}

impl Rule for TrustedRegistry {
    const NAME: &'static str = "trusted-registry";
    const SUMMARY: &'static str = "Images should come from the registries that option registries names";
    const SEVERITY: Severity = Severity::Error;
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "registries": {
      "description": "Registries, or repositories and what is below them; * stands for any text. None: all are trusted",
      "type": "array",
      "items": {"type": "string", "minLength": 1},
      "examples": [["registry.acme.example", "docker.io/library"]]
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        from_json(options)
    }

    fn check(&self, document: &Document, report: &mut Report) {
        if self.registries.is_empty() {
            return;
        }
        for image in document.images().filter(|image| !self.is_trusted(image.reference())) {
            let registry = image.reference().split('/').next().unwrap_or_default();
            let trusted = self.registries.join(", ");
            report.add(image.span(), format!("Images from {registry} are not trusted here; trusted are: {trusted}"));
        }
    }
}

impl TrustedRegistry {
    /// Whether the registry, or any beginning of the path behind it, is on the list.
    fn is_trusted(&self, reference: &str) -> bool {
        let ends = reference.match_indices(['/', '@']).map(|(end, _)| end).chain([reference.len()]);
        let mut beginnings = ends.map(|end| without_tag(&reference[..end]));
        beginnings.any(|name| self.registries.iter().any(|trusted| matches(trusted.trim_end_matches('/'), name)))
    }
}

/// The colon behind a registry is that of its port.
fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((repository, tag)) if repository.contains('/') && !tag.contains('/') => repository,
        _ => name,
    }
}
