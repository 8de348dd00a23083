//! Format `json-lines`: a JSON object a line, for programs that read while lines come.
//!
//! Each says by `type` what it is: `finding`, `problem`, `suppressed`, `skipped`, and at the end one `summary`.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::json::{Facts, JsonFinding, JsonProblem, JsonSkipped, JsonSuppressed};

/// All lines.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for file in &report.outcome.files {
        let path = file.path.as_str();
        for problem in &file.problems {
            line(&Line::Problem { path, what: JsonProblem::of(problem) }, out)?;
        }
        for finding in &file.findings {
            line(&Line::Finding { path, what: JsonFinding::of(finding, file.source.as_deref()) }, out)?;
        }
        for (finding, why) in &file.suppressed {
            line(&Line::Suppressed { path, what: JsonSuppressed::of(finding, why, file.source.as_deref()) }, out)?;
        }
        for skipped in &file.skipped {
            line(&Line::Skipped { path, what: JsonSkipped::of(skipped) }, out)?;
        }
    }
    line(&Line::Summary(Facts::of(report)), out)
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'o> {
    Problem {
        path: &'o str,
        #[serde(flatten)]
        what: JsonProblem<'o>,
    },
    Finding {
        path: &'o str,
        #[serde(flatten)]
        what: JsonFinding<'o>,
    },
    Suppressed {
        path: &'o str,
        #[serde(flatten)]
        what: JsonSuppressed<'o>,
    },
    Skipped {
        path: &'o str,
        #[serde(flatten)]
        what: JsonSkipped<'o>,
    },
    Summary(Facts<'o>),
}

fn line(line: &Line, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
