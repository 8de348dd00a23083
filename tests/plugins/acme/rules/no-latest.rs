//! Base images should be named with a version.

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoLatest {
    /// Images that may go without, named without tag.
    allow: Vec<String>,
}

impl Rule for NoLatest {
    const NAME: &'static str = "no-latest";
    const SUMMARY: &'static str = "Base images should be named with a version";
    const URL: Option<&'static str> = Some("https://policy.acme.example/no-latest");
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "allow": {"description": "Images that need no version", "type": "array", "items": {"type": "string"}}
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        from_json(options)
    }

    fn check(&self, document: &Document, report: &mut Report) {
        for stage in document.stages().filter(|stage| stage.base() == Base::Image) {
            let image = stage.base_text();
            let (name, tag) = split_tag(image);
            let is_floating = !image.contains('@') && matches!(tag, None | Some("latest"));
            if is_floating && !self.allow.iter().any(|allowed| allowed == name) {
                report.add(stage.base_span(), format!("Image '{image}' may be another one tomorrow; name a version"));
            }
        }
    }
}

fn split_tag(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':') {
        // The colon may be that of a port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (image, None),
    }
}
