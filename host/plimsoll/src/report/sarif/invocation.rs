//! How the run went: what was not checked, and what of the world is not known.

use serde::Serialize;

use super::Text;
use super::place::{File, Location, PhysicalLocation, Region};
use crate::finding::Problem;
use crate::lint::FileReport;
use crate::report::json::SlowChecks;
use crate::report::notes::by_reason;
use crate::report::walk::problems;
use crate::report::{Report, Summary};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation<'r> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'r>>,
    properties: Properties,
}

#[derive(Serialize)]
struct Notification<'r> {
    descriptor: Descriptor,
    level: &'static str,
    message: Message<'r>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location<'r>>,
}

#[derive(Serialize)]
struct Descriptor {
    id: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Message<'r> {
    Said(Text<'r>),
    Made { text: String },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    slow_checks: SlowChecks,
}

impl<'r> Invocation<'r> {
    pub(super) fn of(report: &Report<'r>) -> Self {
        let outcome = report.outcome;
        let unusable = report.unusable.iter().map(|plugin| Notification {
            descriptor: Descriptor { id: "problem/plugin-failure".to_owned() },
            level: "error",
            message: Message::Made { text: format!("plugin {} cannot be used: {}", plugin.name, plugin.message) },
            locations: Vec::new(),
        });
        let of_file = |file: &'r FileReport| problems(file).map(move |problem| Notification::of(file, problem));
        let skipped = by_reason(outcome, report.circumstances).into_iter().map(|(reason, text)| Notification {
            descriptor: Descriptor { id: format!("skipped/{}", reason.name()) },
            level: "note",
            message: Message::Made { text },
            locations: Vec::new(),
        });
        Self {
            execution_successful: report.unusable.is_empty() && Summary::of(outcome).not_checked == 0,
            tool_execution_notifications: unusable
                .chain(outcome.files.iter().flat_map(of_file))
                .chain(skipped)
                .collect(),
            properties: Properties { slow_checks: SlowChecks::of(report.mode, &outcome.slow_checks) },
        }
    }
}

impl<'r> Notification<'r> {
    fn of(file: &FileReport, problem: &'r Problem) -> Self {
        let physical = PhysicalLocation { file: File::of(&file.path), region: problem.line.map(Region::of_line) };
        Self {
            descriptor: Descriptor { id: format!("problem/{}", problem.kind.name()) },
            level: "error",
            message: Message::Said(Text { text: &problem.message }),
            locations: vec![Location { physical, message: None }],
        }
    }
}
