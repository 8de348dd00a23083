//! Images that say nothing of where they come from and what is in them.

use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::attestation::{Attached, Kind};
use crate::image::{Name, familiar};

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnattestedImage {
    /// What every image must have.
    require: Vec<Kind>,
}

impl Default for UnattestedImage {
    fn default() -> Self {
        Self { require: vec![Kind::Provenance, Kind::Sbom] }
    }
}

impl Rule for UnattestedImage {
    const NAME: &'static str = "unattested-image";
    const SUMMARY: &'static str = "Images should come with the attestations that option require names";
    const OPT_IN: bool = true;
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "require": {
      "description": "What images must come with; provenance and sbom if not given",
      "type": "array",
      "items": {"enum": ["provenance", "sbom", "vex"]},
      "minItems": 1
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        let options: Self = from_json(options)?;
        match options.require.is_empty() {
            true => Err("require: name provenance, sbom or vex".to_owned()),
            false => Ok(options),
        }
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        for image in images(document) {
            let Some(stage) = image.step().stage() else { continue };
            let trail = Trail { start: image.span().start, ..Trail::default() };
            let request = plan.about(Scope::Stage(stage.index())).with_state(trail.notes());
            if registry::plan_index(&request, image.reference(), false).is_err() {
                // There are more questions than may be asked.
                return;
            }
        }
    }

    /// Looks further only as long as something is missing: what BuildKit attested, what is attached to the image,
    /// what is attached to the index.
    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let mut trail = Trail::of(&answered.state);
        let Some(image) = images(document).find(|image| image.span().start == trail.start) else {
            return Outcome::Keep;
        };
        let next = match trail.look {
            Look::Index => match trail.take_index(registry::Index::of(answered), image.platform()) {
                Some(next) => next,
                // An image that has nothing for the platform is another rule's business.
                None => return Outcome::Keep,
            },
            Look::Statements => trail.take_statements(&registry::Index::of(answered)),
            Look::OfManifest | Look::OfIndex | Look::End => trail.take_referrers(answered),
        };
        let Some(missing) = self.missing(&trail) else { return Outcome::Keep };
        trail.look = next;
        let repository = Name::of(image.reference()).repository;
        let request = answered.follow_up().about(answered.scope).with_state(trail.notes());
        let of = |digest: &str| format!("{repository}@{digest}");
        // Whether there is room for one more question or not: without an answer nothing is known.
        let _ = match next {
            Look::Index | Look::End => {
                let (shown, platform) = (familiar(image.reference()), image.platform());
                report.add(image.span(), format!("Image '{shown}' comes without {missing} for {platform}"));
                return Outcome::Add;
            }
            Look::Statements => registry::plan_index(&request, &of(&trail.statements), true),
            Look::OfManifest => registry::plan_referrers(&request, &of(&trail.manifest), None),
            Look::OfIndex => registry::plan_referrers(&request, &of(&trail.index), None),
        };
        Outcome::Keep
    }
}

impl UnattestedImage {
    /// What is missing, in words; none if nothing is, or what is there may be anything.
    fn missing(&self, trail: &Trail) -> Option<String> {
        let is_missing = |kind: &Kind| self.require.contains(kind) && !trail.has(*kind);
        let missing: Vec<&str> = Kind::ALL.into_iter().filter(is_missing).map(Kind::name).collect();
        match missing.as_slice() {
            [] => None,
            _ if trail.is_untold => None,
            [one] => Some((*one).to_owned()),
            [all @ .., last] => Some(format!("{} and {last}", all.join(", "))),
        }
    }
}

/// Where is looked next for what an image comes with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Index,
    Statements,
    OfManifest,
    OfIndex,
    End,
}

/// What is known of an image so far, from one question to the next.
#[derive(Debug, Default, PartialEq, Eq)]
struct Trail {
    look: Look,
    start: u32,
    found: Vec<Kind>,
    is_untold: bool,
    /// Digests: of the image, of its index, and of what BuildKit states; empty where there is none.
    manifest: String,
    index: String,
    statements: String,
}

impl Trail {
    /// Takes the index, and says where to look next; none where there is no image.
    fn take_index(&mut self, index: registry::Index, platform: &str) -> Option<Look> {
        self.manifest = index.entry_for(platform).ok()??.digest;
        if !index.is_index() {
            return Some(Look::OfManifest);
        }
        self.index = index.digest();
        let states = |entry: &registry::IndexEntry| {
            let subject = entry.attestation.as_ref().and_then(|attestation| attestation.subject.as_ref());
            subject == Some(&self.manifest)
        };
        let statements = index.entries().into_iter().find(states);
        self.statements = statements.map(|entry| entry.digest).unwrap_or_default();
        Some(if self.statements.is_empty() { Look::OfManifest } else { Look::Statements })
    }

    fn take_statements(&mut self, manifest: &registry::Index) -> Look {
        let attestations = manifest.entries().into_iter().filter_map(|entry| entry.attestation?.predicate_types);
        self.found.extend(attestations.flatten().filter_map(|kind| Kind::of_predicate(&kind)));
        Look::OfManifest
    }

    fn take_referrers(&mut self, answered: &Answered) -> Look {
        // What BuildKit states may be attached as well, and was read.
        for referrer in registry::referrers(answered).iter().filter(|referrer| referrer.digest != self.statements) {
            match Attached::of(referrer) {
                Attached::Statement(kind) => self.found.push(kind),
                Attached::Untold => self.is_untold = true,
                Attached::Other => {}
            }
        }
        if self.look == Look::OfManifest && !self.index.is_empty() { Look::OfIndex } else { Look::End }
    }

    fn has(&self, kind: Kind) -> bool {
        self.found.contains(&kind)
    }

    /// As notes for the next answer.
    fn notes(&self) -> Vec<u8> {
        let found = Kind::ALL.map(|kind| u8::from(self.has(kind)));
        let mut notes = vec![self.look as u8, found[0], found[1], found[2], self.is_untold.into()];
        notes.extend(self.start.to_le_bytes());
        notes.extend([&*self.manifest, &*self.index, &*self.statements].join(" ").bytes());
        notes
    }

    fn of(notes: &[u8]) -> Self {
        let Some((&[look, provenance, sbom, vex, is_untold, a, b, c, d], digests)) = notes.split_first_chunk() else {
            return Self::default();
        };
        let looks = [Look::Index, Look::Statements, Look::OfManifest, Look::OfIndex];
        let digests = String::from_utf8_lossy(digests);
        let mut digests = digests.split(' ').map(str::to_owned);
        let mut digest = || digests.next().unwrap_or_default();
        let found = Kind::ALL.into_iter().zip([provenance, sbom, vex]).filter(|(_, found)| *found == 1);
        Self {
            look: looks.get(usize::from(look)).copied().unwrap_or(Look::End),
            start: u32::from_le_bytes([a, b, c, d]),
            found: found.map(|(kind, _)| kind).collect(),
            is_untold: is_untold == 1,
            manifest: digest(),
            index: digest(),
            statements: digest(),
        }
    }
}

/// Images where they are written in this file.
fn images(document: &Document) -> impl Iterator<Item = ImageUse<'_>> {
    document.images().filter(|image| image.step().is_needed() && image.step().instruction().is_some())
}
