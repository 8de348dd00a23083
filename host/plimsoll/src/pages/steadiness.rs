//! Whether what was before shows: equal files must get equal findings and requests, whatever the instance
//! served before them. Instances are reused since that is what makes them fast, so rules must keep nothing.
//!
//! Input: cases of one plugin. Output: one complaint for each that comes to something else a second time in a
//! fresh instance, or in one that served the others before it, in their order, the other way round, and many
//! times over. Logs do not count.

use std::collections::HashSet;
use std::sync::Arc;

use super::Complaint;
use super::blocks::{Blocks, compare};
use super::scene::Scene;
use crate::limits::STEADINESS_FILES_MIN;
use crate::lint::{FileReport, Instances};
use crate::plugin::Plugin;

/// Lints all cases again and again, and says which come to something else.
pub fn steadiness(plugins: &Arc<[Plugin]>, scenes: &[&Scene]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut unsteady = HashSet::new();
    let alone: Vec<FileReport> = scenes.iter().map(|scene| scene.lint()).collect();
    let mut compare = |place: usize, report: &FileReport, when: &str| {
        let scene = scenes[place];
        if let Some(difference) = difference(scene, &alone[place], report).filter(|_| unsteady.insert(place)) {
            complaints.push(scene.complain(format!(
                "{} comes to something else {when}: rules must keep nothing between calls\n{difference}",
                scene.rule()
            )));
        }
    };
    for (place, scene) in scenes.iter().enumerate() {
        compare(place, &scene.lint(), "the second time");
    }
    let instances = Instances::new(plugins.clone());
    let there_and_back = (0..scenes.len()).chain((0..scenes.len()).rev());
    for place in there_and_back {
        compare(place, &scenes[place].lint_in(&instances), "after other files");
    }
    // Each rule once more, for as many files as one that counts them may wait for.
    let mut first = 0;
    for own in scenes.chunk_by(|one, other| one.rule() == other.rule()) {
        for step in 0..STEADINESS_FILES_MIN.max(own.len()) {
            let place = first + step % own.len();
            compare(place, &scenes[place].lint_in(&instances), "after other files");
        }
        first += own.len();
    }
    complaints
}

/// What of two reports on one case differs.
fn difference(scene: &Scene, alone: &FileReport, other: &FileReport) -> Option<String> {
    let told = |what: &str, alone: &str, other: &str| compare(&format!("  {what}: alone (-), then (+)"), alone, other);
    if alone.findings != other.findings {
        let lines = |report: &FileReport| Blocks::of(scene.text(), report).findings;
        let (alone, other) = (lines(alone), lines(other));
        return Some(match alone == other {
            true => "  findings: they differ in their severities, notes or fixes".to_owned(),
            false => told("findings", &alone, &other),
        });
    }
    if alone.planned != other.planned {
        let lines = |report: &FileReport| {
            let questions = report.planned.iter().map(|(_, question)| question.to_string());
            questions.collect::<Vec<_>>().join("\n")
        };
        return Some(told("requests", &lines(alone), &lines(other)));
    }
    if alone.problems != other.problems {
        let lines = |report: &FileReport| {
            report.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("\n")
        };
        return Some(told("problems", &lines(alone), &lines(other)));
    }
    None
}
