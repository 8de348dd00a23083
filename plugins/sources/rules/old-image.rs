//! Base images that were made long ago.

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::image::familiar;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OldImage {
    /// How old a base image may be.
    days: u32,
}

impl Default for OldImage {
    fn default() -> Self {
        Self { days: 180 }
    }
}

impl Rule for OldImage {
    const NAME: &'static str = "old-image";
    const SUMMARY: &'static str = "Base images should have been made not longer ago than option days says";
    const OPT_IN: bool = true;
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "days": {
      "description": "How many days old a base image may be; 180 if not given",
      "type": "integer",
      "minimum": 1
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        let options: Self = from_json(options)?;
        match options.days {
            0 => Err("days: write 1 or more".to_owned()),
            _ => Ok(options),
        }
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        for image in base_images(document) {
            let Some(stage) = image.step().stage() else { continue };
            let request = plan.about(Scope::Stage(stage.index())).with_state(notes(&image));
            if registry::plan_image(&request, image.reference(), image.platform()).is_err() {
                // There are more questions than may be asked.
                return;
            }
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let image = registry::Image::of(answered);
        let registry::Selection::Image(_) = image.selection() else { return Outcome::Keep };
        let Some(age) = image.age_days().filter(|age| *age > self.days) else { return Outcome::Keep };
        for base in base_images(document).filter(|base| answered.state == notes(base)) {
            report.add(base.span(), format!("Base image '{}' was made {age} days ago", familiar(base.reference())));
        }
        Outcome::Add
    }
}

fn base_images(document: &Document) -> impl Iterator<Item = ImageUse<'_>> {
    document.images().filter(|image| image.kind() == ImageUseKind::From && image.step().is_needed())
}

fn notes(image: &ImageUse) -> [u8; 4] {
    image.span().start.to_le_bytes()
}
