//! Format `sarif`: SARIF 2.1.0, as code scanning services read it.
//!
//! One run: the tool with its rules (`rules`), what it was told and what went wrong (`invocation`), and the results
//! (`result`), which are written one after another. Nothing in it names this machine.

mod invocation;
mod place;
mod result;
mod rules;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::fingerprint::Fingerprints;
use super::walk::{Each, entries};
use super::{Report, Repository};
use crate::finding::Severity;
use invocation::Invocation;
use place::{BASE, Base};
use result::SarifResult;
use rules::{Rules, Tool};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One document.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rules = Rules::of(report.plugins);
    let fingerprints = RefCell::new(Fingerprints::default());
    let results = || {
        let results = entries(report.outcome).filter(|entry| entry.finding.is_some());
        results.filter_map(|entry| SarifResult::of(&entry, &rules, fingerprints.borrow_mut().next(&entry)))
    };
    let document = Document {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool::of(&rules),
            invocations: [Invocation::of(report)],
            provenance: report.repository.map(Provenance::of).map(|provenance| [provenance]),
            bases: BTreeMap::from([(BASE, BaseDescription { description: Text { text: WHAT_BASE_IS } })]),
            results: Each(results),
            column_kind: "unicodeCodePoints",
        }],
    };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

const WHAT_BASE_IS: &str = "The folder of the configuration, else the one that Plimsoll was started in.";

#[derive(Serialize)]
struct Document<'r, R> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'r, R>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'r, R> {
    tool: Tool<'r>,
    invocations: [Invocation<'r>; 1],
    #[serde(rename = "versionControlProvenance", skip_serializing_if = "Option::is_none")]
    provenance: Option<[Provenance<'r>; 1]>,
    #[serde(rename = "originalUriBaseIds")]
    bases: BTreeMap<&'static str, BaseDescription>,
    results: R,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Provenance<'r> {
    #[serde(rename = "repositoryUri")]
    uri: &'r str,
    #[serde(rename = "revisionId")]
    revision: &'r str,
    #[serde(rename = "mappedTo")]
    base: Base,
}

impl<'r> Provenance<'r> {
    fn of(repository: Repository<'r>) -> Self {
        Self { uri: repository.url, revision: repository.commit, base: Base { id: BASE } }
    }
}

#[derive(Serialize)]
struct BaseDescription {
    description: Text<'static>,
}

/// A message.
#[derive(Serialize)]
struct Text<'t> {
    text: &'t str,
}

/// A severity as SARIF has it.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Style => "note",
    }
}
