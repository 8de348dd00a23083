//! What a rule found.

use plimsoll_dockerfile::Span;
use serde::Serialize;

use super::place::{File, Location, PhysicalLocation, Region};
use super::rules::Rules;
use super::{Text, level};
use crate::document::Source;
use crate::finding::{Fix, LockLine};
use crate::report::walk::Entry;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SarifResult<'o> {
    rule_id: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text<'o>,
    locations: [Location<'o>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'o>>,
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<SarifFix<'o>>,
}

#[derive(Serialize)]
struct Fingerprints {
    /// The one that GitHub's code scanning goes by.
    #[serde(rename = "primaryLocationLineHash")]
    line: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifFix<'o> {
    description: Text<'o>,
    artifact_changes: [Change<'o>; 1],
    properties: Properties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    safety: &'static str,
    renews_entry: bool,
}

#[derive(Serialize)]
struct Change<'o> {
    #[serde(rename = "artifactLocation")]
    file: File,
    replacements: Vec<Replacement<'o>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'o> {
    deleted_region: Region,
    inserted_content: Text<'o>,
}

impl<'o> SarifResult<'o> {
    /// Nothing for what no rule found.
    pub(super) fn of(entry: &Entry<'o>, rules: &Rules, fingerprint: String) -> Option<Self> {
        let (finding, file) = (entry.finding?, entry.file);
        let source = file.source.as_deref();
        let location = |span, message| {
            let region = source.map(|source| Region::of(span, source));
            Location { physical: PhysicalLocation { file: File::of(&file.path), region }, message }
        };
        let related = finding.related.iter().map(|(span, message)| location(*span, Some(Text { text: message })));
        let of_lock = finding.lock.as_ref().filter(|_| !file.is_lock).map(of_lock);
        let fix = |fix| SarifFix::of(fix, &file.path, source?);
        Some(Self {
            rule_id: &finding.rule,
            rule_index: rules.place(&finding.rule),
            level: level(finding.severity),
            message: Text { text: &finding.message },
            locations: [location(finding.span, None)],
            related_locations: related.chain(of_lock).collect(),
            partial_fingerprints: Fingerprints { line: fingerprint },
            fixes: finding.fixes.iter().filter_map(fix).collect(),
        })
    }
}

fn of_lock(LockLine { path, line }: &LockLine) -> Location<'_> {
    let physical = PhysicalLocation { file: File::of(path), region: Some(Region::of_line(*line)) };
    Location { physical, message: Some(Text { text: "The entry of the lock" }) }
}

impl<'o> SarifFix<'o> {
    /// Nothing for one that leaves the file as it is.
    fn of(fix: &'o Fix, path: &str, source: &Source) -> Option<Self> {
        let replacement = |(span, text): &'o (Span, String)| Replacement {
            deleted_region: Region::of(*span, source),
            inserted_content: Text { text },
        };
        (!fix.edits.is_empty()).then(|| Self {
            description: Text { text: &fix.message },
            artifact_changes: [Change {
                file: File::of(path),
                replacements: fix.edits.iter().map(replacement).collect(),
            }],
            properties: Properties {
                safety: if fix.is_safe { "safe" } else { "unsafe" },
                renews_entry: fix.renews_entry,
            },
        })
    }
}
