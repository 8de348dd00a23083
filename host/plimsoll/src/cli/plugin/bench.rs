//! `plimsoll plugin bench`.
//!
//! Input: a plugin's folder, perhaps with Dockerfiles. Output: what each rule costs, alone.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;

use super::super::{CLEAN, Format, print, variables};
use super::tried::{Ready, Tried};
use crate::config::Flags;
use crate::discover::discover;
use crate::pages::{Candidate, Cost, Wanted, cost, cost_of_files, test};
use crate::plugin::Plugin;

/// Show what the rules of a plugin cost: time, bytes that cross between host and plugin, requests
///
/// Each rule runs alone, over the cases of its page with their answers, or over Dockerfiles without any. Of several rounds the fastest counts.
/// Times hang on the machine; shares, bytes and requests do not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin bench
  plimsoll plugin bench . ../services/    over the Dockerfiles of that folder")]
pub(super) struct Arguments {
    #[command(flatten)]
    plugin: Tried,
    /// Dockerfiles, or folders of them [default: the cases of the pages]
    dockerfiles: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What a rule costs, as it is reported: for all files together.
#[derive(Serialize)]
struct Row {
    rule: String,
    files: usize,
    nanoseconds: u64,
    /// Of the time of all rules.
    share: f64,
    bytes_given: u64,
    bytes_taken: u64,
    requests: usize,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let config = arguments.plugin.settle(Flags::default(), &variables())?;
    let files = arguments.dockerfiles.is_empty();
    let files = if files { None } else { Some(read(&arguments.dockerfiles)?) };
    let ready = arguments.plugin.load(&config)?;
    let costs = match files {
        Some(files) => costs_of_files(&ready, &files)?,
        None => costs_of_pages(&ready)?,
    };
    let rows = rows(&costs);
    match arguments.format {
        Format::Text => print(&text(&rows))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string(&serde_json::json!({ "rules": rows }))?))?,
    }
    Ok(CLEAN)
}

fn costs_of_pages(Ready { plugins, pages }: &Ready) -> anyhow::Result<Vec<Cost>> {
    let wanted = Wanted { cases_min: 1, ..Wanted::default() };
    let (tested, _) = test(plugins, 0, pages, &wanted).with_context(|| format!("{}", pages.display()))?;
    if let Some(complaint) = tested.iter().flat_map(|rule| &rule.complaints).next() {
        anyhow::bail!("{complaint}\nwhat is wrong has no cost; `plimsoll plugin test` says all of it");
    }
    Ok(tested.iter().map(|rule| cost(plugins, &rule.rule, &rule.scenes)).collect())
}

fn costs_of_files(Ready { plugins, .. }: &Ready, files: &[(String, Vec<u8>)]) -> anyhow::Result<Vec<Cost>> {
    let [Plugin { rules, .. }] = plugins.as_ref() else { return Ok(Vec::new()) };
    let candidates = (0..rules.len()).map(|rule| Candidate { plugins, plugin: 0, rule });
    candidates.map(|candidate| cost_of_files(candidate, files).map_err(|wrong| anyhow::anyhow!("{wrong}"))).collect()
}

fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for found in discover(paths, None) {
        let shown = found.path.display().to_string();
        ensure!(found.problem.is_none(), "{shown}: {}", found.problem.map_or(String::new(), |problem| problem.message));
        files.push((shown.clone(), read_file(&found.path).context(shown)?));
    }
    ensure!(!files.is_empty(), "there are no Dockerfiles");
    Ok(files)
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let length = fs::metadata(path)?.len();
    ensure!(length <= crate::limits::SOURCE_BYTES_MAX, "it is larger than a Dockerfile may be");
    Ok(fs::read(path)?)
}

fn rows(costs: &[Cost]) -> Vec<Row> {
    let total: Duration = costs.iter().map(|cost| cost.time).sum();
    let row = |cost: &Cost| Row {
        rule: cost.rule.to_string(),
        files: cost.files,
        nanoseconds: u64::try_from(cost.time.as_nanos()).unwrap_or(u64::MAX),
        share: if total.is_zero() { 0.0 } else { cost.time.as_secs_f64() / total.as_secs_f64() },
        bytes_given: cost.given,
        bytes_taken: cost.taken,
        requests: cost.requests,
    };
    costs.iter().map(row).collect()
}

/// A table, per file.
fn text(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.rule.len()).max().unwrap_or(0).max("rule".len());
    let mut text = format!("{:width$}  files  µs/file  share  bytes in/file  bytes out/file  requests/file\n", "rule");
    for Row { rule, files, nanoseconds, share, bytes_given, bytes_taken, requests } in rows {
        let per_file = |whole: f64| whole / (*files).max(1) as f64;
        let _ = writeln!(
            text,
            "{rule:width$}  {files:5}  {:7.1}  {:4.0}%  {:13.0}  {:14.0}  {:13.2}",
            per_file(*nanoseconds as f64 / 1e3),
            share * 1e2,
            per_file(*bytes_given as f64),
            per_file(*bytes_taken as f64),
            per_file(*requests as f64),
        );
    }
    text
}
